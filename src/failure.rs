//! How a command can end, and the exit code that says so.

use std::error::Error;
use std::path::Path;
use std::{fmt, io, iter};

use crate::bundle::BundleError;
use crate::diagnostic::{Diagnostic, Report};
use crate::digest::Sha256;
use crate::fetch::{ArchiveError, FetchError};
use crate::files::FileError;
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
    /// `diff` found that a build would change something.
    Differs = 6,
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
    /// The store.
    Store(StoreError),
    /// Artifacts could not be fetched.
    Fetch(FetchError),
    /// Bytes that are not what they must be.
    Integrity {
        /// Which, and what is wrong with them.
        message: String,
        /// How to go on.
        help: String,
    },
    /// Machines cannot be booted.
    Machine(MachineError),
    /// Anything else, with what was being done.
    Other(anyhow::Error),
}

/// Bytes that have lost their digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The one that they were kept under.
    pub digest: Sha256,
    /// The one that they have.
    pub got: Sha256,
}

impl Failure {
    /// A path that the user gave and that cannot be read: what was expected there, and what to do first.
    pub fn unreadable(path: &Path, expected: &str, error: &io::Error, help: &str) -> Self {
        let path = path.display();
        let message = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                format!("`{path}` does not exist, expected {expected}")
            }
            kind => format!("failed to read `{path}`: {kind}, expected {expected}"),
        };
        Self::Refused { exit: Exit::Failed, message, help: help.to_owned() }
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } => Exit::Usage,
            Self::Refused { exit, .. } => *exit,
            Self::Invalid(_) => Exit::Invalid,
            Self::Store(error) => exit_of(error.class()),
            Self::Fetch(error) => exit_of(error.class()),
            Self::Integrity { .. } => Exit::Integrity,
            Self::Machine(_) => Exit::Failed,
            Self::Other(error) => {
                of_store(error.as_ref()).map_or(Exit::Failed, |error| exit_of(error.class()))
            }
        }
    }

    /// What of the store or the cache has lost its digest, if it failed for that.
    pub fn damaged(&self) -> Option<Damaged> {
        let error = match self {
            Self::Store(error) => Some(error),
            Self::Other(error) => of_store(error.as_ref()),
            _ => None,
        };
        match error? {
            StoreError::Damaged { digest, got } => Some(Damaged { digest: *digest, got: *got }),
            _ => None,
        }
    }

    /// It as JSON: the exit code, and all that is wrong.
    pub fn json(&self) -> serde_json::Value {
        let errors = match self {
            Self::Invalid(report) => report.listed(),
            _ => {
                let diagnostic = Diagnostic::error(self.to_string());
                let help = self.help();
                Report::from(match help {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                })
                .listed()
            }
        };
        serde_json::json!({ "exit": self.exit() as u8, "errors": errors })
    }

    /// How to go on, if that is not part of the message.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Usage { help, .. } | Self::Integrity { help, .. } => Some(help.clone()),
            Self::Refused { help, .. } => Some(help.clone()).filter(|help| !help.is_empty()),
            Self::Store(error) => error.help(),
            Self::Fetch(error) => error.help(),
            Self::Machine(error) => error.help(),
            Self::Other(error) => match of_store(error.as_ref()) {
                Some(error) => error.help(),
                None => way_on(error.as_ref()),
            },
            Self::Invalid(_) => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { message, .. } | Self::Refused { message, .. } | Self::Integrity { message, .. } => {
                f.write_str(message)
            }
            Self::Invalid(report) => f.write_str(&report.render(false)),
            Self::Store(error) => error.fmt(f),
            Self::Fetch(error) => error.fmt(f),
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

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::Fetch(error)
    }
}

impl From<MachineError> for Failure {
    fn from(error: MachineError) -> Self {
        Self::Machine(error)
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::Io(error) => return Self::Other(error.into()),
            error if !error.is_integrity() => return Self::Other(error.into()),
            _ => {}
        }
        let help = "`imgbuild verify FILE` lists all that is wrong with it; copy the bundle again from an intact source";
        Self::Integrity { message: error.to_string(), help: help.to_owned() }
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        let help = error.help().unwrap_or_default();
        let exit = match &error {
            ArchiveError::Fetch(error) => exit_of(error.class()),
            ArchiveError::NoIndex { .. } => Exit::Invalid,
            _ => Exit::Integrity,
        };
        Self::Refused { exit, message: error.to_string(), help }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Other(error.into())
    }
}

fn exit_of(class: ErrorClass) -> Exit {
    match class {
        ErrorClass::Network => Exit::Network,
        ErrorClass::Integrity => Exit::Integrity,
        ErrorClass::Other => Exit::Failed,
    }
}

/// An error and all that it came of, also what came through a reader or a writer and is inside an [`io::Error`].
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| {
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

/// What the store said when it was read: bytes can lose their digest after they were checked.
fn of_store<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a StoreError> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// What to do about an error of the file system.
fn way_on(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = causes(error).find_map(|cause| cause.downcast_ref::<FileError>()) {
        return Some(error.help().to_owned());
    }
    let kind = causes(error).find_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
    let help = match kind? {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free disk space there, or write to another disk"
        }
        io::ErrorKind::ReadOnlyFilesystem => "write to a folder that is not read-only",
        io::ErrorKind::PermissionDenied => {
            "run imgbuild as a user with permission; only the user who built files with secrets can read them"
        }
        _ => return None,
    };
    Some(help.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_damaged_after_its_check_is_known_through_all_that_read_it() {
        let damaged = || StoreError::Damaged { digest: Sha256::of("a"), got: Sha256::of("b") };
        let read = || io::Error::new(io::ErrorKind::InvalidData, damaged());
        let written = anyhow::Error::new(read()).context("joining the layers").context("building `a`");
        let nested = io::Error::new(io::ErrorKind::InvalidData, read());
        for failure in [
            Failure::from(damaged()),
            Failure::from(written),
            Failure::from(nested),
            Failure::from(BundleError::from(read())),
        ] {
            assert_eq!(failure.exit(), Exit::Integrity, "{failure}");
            assert_eq!(failure.damaged().map(|lost| lost.digest), Some(Sha256::of("a")));
            assert!(
                failure.help().is_some_and(|help| help.contains("damaged and missing files are replaced")),
                "{failure}"
            );
        }
    }

    #[test]
    fn a_full_disk_has_a_way_on() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        for failure in [
            Failure::from(full()),
            Failure::from(BundleError::from(full())),
            Failure::from(StoreError::from(full())),
            Failure::from(anyhow::Error::new(full()).context("writing")),
        ] {
            assert_eq!(failure.exit(), Exit::Failed);
            assert!(failure.help().is_some_and(|help| help.starts_with("free disk space")), "{failure}");
        }
        assert_eq!(Failure::from(io::Error::other("x")).help(), None);
    }
}
