//! The pins: which releases exist, where they come from, what their bytes must hash to (pure).

mod arch;
mod audit;
mod checksums;
mod edit;
mod pins;
mod problem;

pub use arch::Arch;
pub use audit::audit;
pub use checksums::{ChecksumError, digest_for};
pub use edit::moved;
pub use pins::{Artifact, Pin, Release, Releases};
pub use problem::{KnownProblem, Problem, Severity};
