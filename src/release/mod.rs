//! The pins: which releases exist, where they come from, what their bytes must hash to (pure).

mod arch;
mod pins;
mod problem;

pub use arch::Arch;
pub use pins::{Artifact, Pin, Release, Releases};
pub use problem::{KnownProblem, Problem, Severity};
