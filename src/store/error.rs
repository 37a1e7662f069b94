//! Errors of the store, with help.

use std::io;
use std::path::PathBuf;

use crate::digest::Sha256;
use crate::files::FileError;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A blob has lost its digest.
    #[error("the store's file with sha256 {digest} is damaged: its bytes have sha256 {got}")]
    Damaged {
        /// The one that it was kept under.
        digest: Sha256,
        /// The one that it has.
        got: Sha256,
    },
    /// There is no blob with this digest.
    #[error("the store does not contain a file with sha256 {digest}")]
    Missing {
        /// The one that was asked for.
        digest: Sha256,
    },
    /// The store's path is not a folder.
    #[error("the store `{}` is not a folder", .path.display())]
    NotAFolder {
        /// The place.
        path: PathBuf,
    },
    /// The store's place is a folder that has other things.
    #[error("the folder `{}` contains other files and is not a store", .path.display())]
    NotAStore {
        /// The folder.
        path: PathBuf,
    },
    /// The file system of the cache says no.
    #[error("the cache of layers: {0}")]
    Cache(io::Error),
    /// The file system says no; most of these errors name the path.
    #[error("{0}")]
    Io(io::Error),
}

/// What kind of failure it is, as the exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorClass {
    /// Bytes did not come.
    Network,
    /// Something else.
    Other,
    /// Bytes are not what they should be.
    Integrity,
}

impl StoreError {
    /// What kind of failure it is.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Damaged { .. } => ErrorClass::Integrity,
            _ => ErrorClass::Other,
        }
    }

    /// What to do about it, each way on a line.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Io(error) | Self::Cache(error) if FileError::of(error).is_some() => {
                return FileError::of(error).map(|error| error.help().to_owned());
            }
            Self::Damaged { .. } | Self::Missing { .. } => {
                "run it again: damaged and missing files are replaced"
            }
            Self::NotAFolder { .. } | Self::NotAStore { .. } => {
                "name an empty folder, a store, or a new folder with `--store DIR`"
            }
            Self::Cache(error) => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free disk space, or name a cache folder on another disk with XDG_CACHE_HOME"
                }
                _ => return None,
            },
            Self::Io(error) => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free disk space, or name a store on another disk with `--store DIR`"
                }
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                    "name a writable store with `--store DIR`"
                }
                _ => return None,
            },
        };
        Some(help.to_owned())
    }
}

impl From<io::Error> for StoreError {
    /// Finds the store's own errors again where they came through a [`io::Read`].
    fn from(error: io::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(Self::Io)
    }
}
