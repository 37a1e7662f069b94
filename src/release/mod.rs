//! The pins: which releases exist, where they come from, what their bytes must hash to (pure).

mod arch;
mod archive;
mod archive_check;
mod audit;
mod checksums;
mod edit;
mod mirror;
mod pins;
mod problem;
mod redacted;

pub use arch::Arch;
pub use archive::{Archive, ArchiveKey, ListPlace, System};
pub use audit::audit;
pub use checksums::{ChecksumError, digest_for};
pub use edit::moved;
pub use mirror::{Mirror, MirrorError};
pub(crate) use mirror::{MirrorPlace, host};
pub use pins::{Artifact, Pin, Release, Releases};
pub use problem::{KnownProblem, Problem, ProblemSeverity};
pub(crate) use redacted::{Redacted, shown};
