//! Errors of booting virtual machines.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::release::Arch;

/// Errors of booting virtual machines.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum MachineError {
    /// A program of QEMU is not installed.
    #[error("`{program}` is not in PATH")]
    NoEmulator {
        /// What was looked for.
        program: &'static str,
    },
    /// The node has no folder, or one without manifest or seed.
    #[error("`{node}` is not built: {} does not exist", .path.display())]
    NotBuilt {
        /// The node.
        node: String,
        /// What was looked for.
        path: PathBuf,
    },
    /// The node has secrets, and another user built it.
    #[error("`{node}` was built by another user: {} cannot be read", .path.display())]
    Private {
        /// The node.
        node: String,
        /// What cannot be read.
        path: PathBuf,
    },
    /// The node's folder holds something that no build wrote.
    #[error("{}: {problem}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Machines of this architecture are not booted.
    #[error("`{node}` is built for {arch}, and only machines of {} are booted", Arch::Amd64)]
    Architecture {
        /// The node.
        node: String,
        /// What it is built for.
        arch: Arch,
    },
    /// The node fetches from a server, which the machines cannot reach.
    #[error("`{node}` fetches its layers over the network, which the virtual machines cannot reach")]
    Delivery {
        /// The node.
        node: String,
    },
    /// QEMU cannot read the base image, or write a disk over it.
    #[error("{program} failed with {status}: {said}")]
    Tool {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        said: String,
    },
    /// QEMU did not open the network in time.
    #[error("failed to start the virtual network within {seconds} s: {said}")]
    NoNetwork {
        /// How long was waited.
        seconds: u64,
        /// What QEMU said.
        said: String,
    },
    /// Nodes gave no verdict in time.
    #[error("{waiting} of {of} nodes gave no verdict in {minutes} minutes")]
    NoVerdict {
        /// How many.
        waiting: usize,
        /// Of how many.
        of: usize,
        /// How long they had.
        minutes: u64,
    },
    /// The user ended it.
    #[error("interrupted")]
    Interrupted,
    /// Something of the host failed.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl MachineError {
    /// How to go on.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoEmulator { .. } => Some(
                "install QEMU: `apt-get install qemu-system-x86 qemu-utils` on Debian and Ubuntu, \
                 `dnf install qemu-system-x86-core qemu-img` on Fedora"
                    .to_owned(),
            ),
            Self::NotBuilt { node, .. } => Some(format!("build it first: `imgbuild {node}`")),
            Self::Private { .. } => {
                Some("boot it as that user: only the owner of files with secrets can read them".to_owned())
            }
            Self::Malformed { .. } => Some("build the node again".to_owned()),
            Self::Architecture { .. } => {
                Some(format!("build it with `--arch {}` to try it out", Arch::Amd64))
            }
            Self::Delivery { node } => {
                Some(format!("build it with its layers in its image: `imgbuild {node} --delivery image`"))
            }
            Self::Tool { .. }
            | Self::NoNetwork { .. }
            | Self::NoVerdict { .. }
            | Self::Interrupted
            | Self::Io { .. } => None,
        }
    }

    /// For a program that does not start.
    pub(super) fn start(program: &'static str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NoEmulator { program },
            _ => Self::Io { doing: format!("starting {program}"), source: error },
        }
    }

    /// For errors of the host: says what was being done.
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing: doing.into(), source }
    }
}
