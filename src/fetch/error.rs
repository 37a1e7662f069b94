//! Why a fetch failed, all of its artifacts together, and what to do about it.

use std::fmt;

use super::Cause;
use crate::digest::Sha256;
use crate::store::{ErrorClass, StoreError};

/// Why not all that was asked for is there.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Artifacts could not be fetched: all of those that failed.
    #[error("failed to fetch {} of {of} artifacts; nothing was written{}", .failures.len(), list(.failures))]
    Artifacts {
        /// One for each.
        failures: Vec<FailedArtifact>,
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
    /// Artifacts are missing, and the caller does not fetch.
    #[error("the store does not contain `{}`", .names.join("`, `"))]
    NotFetched {
        /// What people know them by.
        names: Vec<String>,
    },
    /// The store could not be used at all.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An artifact that could not be fetched.
#[derive(Debug)]
pub struct FailedArtifact {
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

impl FetchError {
    /// What kind of failure it is; of several, the gravest.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Artifacts { failures, .. } => {
                failures.iter().map(|failure| failure.cause.class()).max().unwrap_or(ErrorClass::Other)
            }
            Self::Unpinned { cause, .. } => cause.class(),
            Self::NotFetched { .. } => ErrorClass::Network,
            Self::Store(error) => error.class(),
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

    /// Whether more came than was asked for.
    pub fn is_too_long(&self) -> bool {
        matches!(self, Self::Unpinned { cause, .. } if matches!(**cause, Cause::TooLong(_)))
    }

    /// What to do about it, each way on a line.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Artifacts { failures, .. } => {
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
                "check that upstream has this version; `--sha256 ARCH=HEX` pins a known digest, \
                 `--trust-first-use` that of what the server sends now"
            }
            Self::Unpinned { cause, .. } => return cause.help(),
            Self::NotFetched { .. } => "`imgbuild fetch` fetches missing files",
            Self::Store(error) => return error.help(),
        };
        Some(help.to_owned())
    }
}

impl FailedArtifact {
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

impl fmt::Display for FailedArtifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.name, self.reason(), self.places("  "))
    }
}

/// All failures, those that have one reason together.
fn list(failures: &[FailedArtifact]) -> String {
    let mut groups: Vec<(String, Vec<&FailedArtifact>)> = Vec::new();
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
