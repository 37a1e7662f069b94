//! How a command can end, and the exit code that says so.

use std::fmt;

use crate::diagnostic::Report;
use crate::machine::MachineError;
use crate::store::{ErrorClass, StoreError};

/// Exit codes; stable, part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All done.
    Done = 0,
    /// Something failed that no other code names.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The profile, the pins, a component, a template or a secret is wrong.
    Invalid = 3,
    /// Bytes are not what they must be.
    Integrity = 4,
    /// Something could not be fetched.
    Network = 5,
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub enum Failure {
    /// What the user typed.
    Usage {
        /// What is wrong with it.
        message: String,
        /// How to go on.
        help: String,
    },
    /// Something that must not be done, or not yet.
    Refused {
        /// How the command ends.
        exit: Exit,
        /// Why.
        message: String,
        /// How to go on.
        help: String,
    },
    /// What the user wrote.
    Invalid(Report),
    /// The store, or what should fill it.
    Store(StoreError),
    /// Machines cannot be booted.
    Machine(MachineError),
    /// Anything else, with what was being done.
    Other(anyhow::Error),
}

impl Failure {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } => Exit::Usage,
            Self::Refused { exit, .. } => *exit,
            Self::Invalid(_) => Exit::Invalid,
            Self::Store(error) => match error.class() {
                ErrorClass::Network => Exit::Network,
                ErrorClass::Integrity => Exit::Integrity,
                ErrorClass::Other => Exit::Failed,
            },
            Self::Machine(_) | Self::Other(_) => Exit::Failed,
        }
    }

    /// How to go on, if that is not part of the message.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Usage { help, .. } => Some(help.clone()),
            Self::Refused { help, .. } => Some(help.clone()).filter(|help| !help.is_empty()),
            Self::Store(error) => error.help(),
            Self::Machine(error) => error.help(),
            Self::Invalid(_) | Self::Other(_) => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { message, .. } | Self::Refused { message, .. } => f.write_str(message),
            Self::Invalid(report) => f.write_str(&report.render(false)),
            Self::Store(error) => error.fmt(f),
            Self::Machine(error) => match std::error::Error::source(error) {
                Some(cause) => write!(f, "{error}: {cause}"),
                None => error.fmt(f),
            },
            Self::Other(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        Self::Invalid(report)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<MachineError> for Failure {
    fn from(error: MachineError) -> Self {
        Self::Machine(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.into())
    }
}
