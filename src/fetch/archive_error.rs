//! Why nothing of a package archive is used, and what to do about it.

use super::FetchError;
use crate::package::index::IndexError;
use crate::package::openpgp::{Fingerprint, MessageError};
use crate::package::suite::{NoIndex, SuiteError};

/// Why a suite is not used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] Box<FetchError>),
    /// Nobody who is trusted has signed it.
    #[error("`{suite}` of `{archive}`: {}", unsigned(error, archive, trusted))]
    Message {
        /// The archive.
        archive: String,
        /// The suite.
        suite: String,
        /// What is wrong with it.
        error: MessageError,
        /// Whose signature is trusted.
        trusted: Vec<Fingerprint>,
    },
    /// What is signed does not describe a suite.
    #[error("`{suite}` of `{archive}`: its InRelease is invalid: {error}")]
    Suite {
        /// The archive.
        archive: String,
        /// The suite.
        suite: String,
        /// What is wrong with it.
        error: SuiteError,
    },
    /// It is another suite.
    #[error("`{archive}` was asked for `{suite}`, got {got}")]
    Other {
        /// The archive.
        archive: String,
        /// The suite.
        suite: String,
        /// What came.
        got: String,
    },
    /// It is of another time.
    #[error("`{suite}` of `{archive}` {why}")]
    Time {
        /// The archive.
        archive: String,
        /// The suite.
        suite: String,
        /// How.
        why: String,
        /// How to go on.
        help: &'static str,
    },
    /// It lacks a component.
    #[error("`{suite}` of `{archive}` has {error}")]
    NoIndex {
        /// The archive.
        archive: String,
        /// The suite.
        suite: String,
        /// What it lacks.
        error: NoIndex,
    },
    /// An index is not what the suite lists.
    #[error(
        "`{path}` of `{suite}` has {got}, InRelease says {expected}: the archive is being updated, or the mirror is damaged"
    )]
    Changed {
        /// The suite.
        suite: String,
        /// The index.
        path: String,
        /// What came.
        got: String,
        /// What is listed.
        expected: String,
    },
    /// An index cannot be read.
    #[error("`{path}` of `{suite}` of `{archive}`: {error}")]
    Index {
        /// The archive.
        archive: String,
        /// The suite.
        suite: String,
        /// The index.
        path: String,
        /// What is wrong with it.
        error: IndexError,
    },
}

/// What is wrong with a signature, with what was expected in its place.
fn unsigned(error: &MessageError, archive: &str, trusted: &[Fingerprint]) -> String {
    let trusted = trusted.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match error {
        MessageError::Unknown(_) => format!("InRelease: {error}, `{archive}` trusts {trusted}"),
        _ => format!("InRelease: {error}"),
    }
}

impl ArchiveError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Fetch(error) if error.is_absence() => {
                "see that `urls` and `suites` in the pins file are right, and that the mirror has this archive"
            }
            Self::Fetch(error) => return error.help(),
            Self::Message { error: MessageError::Unknown(_), .. } => {
                "the archive's keys changed, or it is another's: compare with what its maintainers publish before you add a key"
            }
            Self::Message { error: MessageError::NotSigned, .. } => {
                "see in a browser what answers there: an archive signs its `InRelease`"
            }
            Self::Message { .. } | Self::Suite { .. } | Self::Index { .. } => {
                "nothing of it is used; try again, or take another mirror"
            }
            Self::Other { .. } => "correct `urls` or `suites` in the pins file, or the mirror",
            Self::Time { help, .. } => help,
            Self::NoIndex { .. } => "correct `components` or `suites` in the pins file",
            Self::Changed { .. } => "try again in a few minutes",
        };
        Some(help.to_owned())
    }
}
