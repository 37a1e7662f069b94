//! The pins: which releases exist, where they come from, what their bytes must hash to (pure).

mod arch;
mod pins;

pub use arch::Arch;
pub use pins::{Artifact, Pin, Release, Releases};
