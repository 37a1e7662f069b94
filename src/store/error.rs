//! What can go wrong with the store, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::digest::Sha256;
use crate::fetch::Cause;
use crate::files::FileError;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Artifacts could not be fetched: all of those that failed.
    #[error("failed to fetch {} of {of} artifacts; nothing was written{}", .failures.len(), list(.failures))]
    Fetch {
        /// One for each.
        failures: Vec<Failure>,
        /// How many were asked for.
        of: usize,
    },
    /// A file that is not pinned could not be read.
    #[error("`{url}` could not be read: {cause}{}", .mirrored.as_ref().map(|place| format!("\n  mirror: {place}")).unwrap_or_default())]
    Unpinned {
        /// Its URL upstream, without credentials.
        url: String,
        /// Where the mirror would have it, without credentials, if it was asked.
        mirrored: Option<String>,
        /// Why.
        cause: Box<Cause>,
    },
    /// A blob has lost its digest.
    #[error("the store's file with sha256 {digest} is damaged: its bytes have sha256 {got}")]
    Damaged {
        /// The one that it was kept under.
        digest: Sha256,
        /// The one that it has.
        got: Sha256,
    },
    /// There is no blob with this digest.
    #[error("the store has no file with sha256 {digest}")]
    Missing {
        /// The one that was asked for.
        digest: Sha256,
    },
    /// Artifacts are not there, and who asked fetches none.
    #[error("the store has not `{}`", .names.join("`, `"))]
    NotFetched {
        /// What people know them by.
        names: Vec<String>,
    },
    /// The store's place is no folder.
    #[error("the store `{}` is not a folder", .path.display())]
    NotAFolder {
        /// The place.
        path: PathBuf,
    },
    /// The store's place is a folder that has other things.
    #[error("the folder `{}` holds other files and is no store", .path.display())]
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

/// An artifact that could not be fetched.
#[derive(Debug)]
pub struct Failure {
    /// What people know it by.
    pub name: String,
    /// Its URL upstream, without credentials.
    pub url: String,
    /// Where the mirror would have it, without credentials, if it was asked.
    pub mirrored: Option<String>,
    /// Its pin.
    pub sha256: Sha256,
    /// Why.
    pub cause: Box<Cause>,
    /// How often it was tried.
    pub tries: usize,
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
    /// What kind of failure it is; of several, the gravest.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Fetch { failures, .. } => {
                failures.iter().map(|failure| failure.cause.class()).max().unwrap_or(ErrorClass::Other)
            }
            Self::Unpinned { cause, .. } => cause.class(),
            Self::Damaged { .. } => ErrorClass::Integrity,
            Self::NotFetched { .. } => ErrorClass::Network,
            _ => ErrorClass::Other,
        }
    }

    /// Whether a server or a mirror said that it has no such file.
    pub fn is_absence(&self) -> bool {
        let Self::Unpinned { cause, .. } = self else { return false };
        match &**cause {
            Cause::NotInMirror => true,
            Cause::Status { status, .. } => matches!(status.as_u16(), 404 | 410),
            _ => false,
        }
    }

    /// What to do about it, each way on a line.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Io(error) | Self::Cache(error) if FileError::of(error).is_some() => {
                return FileError::of(error).map(|error| error.help().to_owned());
            }
            Self::Fetch { failures, .. } => {
                let mut ways = Vec::new();
                for way in failures.iter().filter_map(|failure| failure.cause.help()) {
                    if !ways.contains(&way) {
                        ways.push(way);
                    }
                }
                return (!ways.is_empty()).then(|| ways.join("\n"));
            }
            Self::Unpinned { cause, .. } if matches!(**cause, Cause::Offline) => {
                "leave `--offline` out, or name a mirror's folder with `--mirror DIR`"
            }
            Self::Unpinned { .. } if self.is_absence() => {
                "see that upstream has this version; `--sha256 ARCH=HEX` pins a digest that you know, \
                 `--trust-first-use` what the server gives now"
            }
            Self::Unpinned { cause, .. } => return cause.help(),
            Self::Damaged { .. } | Self::Missing { .. } => {
                "run it again: that replaces what is damaged or missing"
            }
            Self::NotFetched { .. } => "`imgbuild fetch` gets what is missing",
            Self::NotAFolder { .. } | Self::NotAStore { .. } => {
                "name an empty folder, a store, or a folder that is yet to be made with `--store DIR`"
            }
            Self::Cache(error) => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "make room, or name a cache folder on another disk with XDG_CACHE_HOME"
                }
                _ => return None,
            },
            Self::Io(error) => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "make room, or name a store on another disk with `--store DIR`"
                }
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                    "name a store that can be written to with `--store DIR`"
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

impl Failure {
    /// Why, and how often it was tried.
    fn reason(&self) -> String {
        match self.tries {
            0 | 1 => self.cause.to_string(),
            tries => format!("{} ({tries} tries)", self.cause),
        }
    }

    /// Where it was looked for and what was expected, each on a line of its own after `indent`.
    fn places(&self, indent: &str) -> String {
        let mirror = self.mirrored.iter().map(|place| format!("\n{indent}mirror: {place}"));
        let url = format!("\n{indent}url: {}", self.url);
        std::iter::once(url).chain(mirror).collect::<String>() + &format!("\n{indent}sha256: {}", self.sha256)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.name, self.reason(), self.places("  "))
    }
}

/// All failures, those that have one reason together.
fn list(failures: &[Failure]) -> String {
    let mut groups: Vec<(String, Vec<&Failure>)> = Vec::new();
    for failure in failures {
        let reason = failure.reason();
        match groups.iter_mut().find(|(other, _)| *other == reason) {
            Some((_, group)) => group.push(failure),
            None => groups.push((reason, vec![failure])),
        }
    }
    let shown = groups.iter().map(|(reason, group)| match &group[..] {
        [one] => format!("\n{one}"),
        all => {
            let each = all.iter().map(|one| format!("\n  {}{}", one.name, one.places("    ")));
            format!("\n{reason}:{}", each.collect::<String>())
        }
    });
    shown.collect()
}
