//! Reads every byte of what imgbuild wrote, and says what is damaged, missing or not declared.
#![expect(clippy::disallowed_methods, reason = "edge: reads files")]

mod bundle;
mod fault;
mod kind;
mod node;
mod seed;
mod store;

pub use fault::{Audit, Fault, Problem};
pub use kind::{Kind, kind};

use std::path::Path;

use anyhow::Result;

/// Checks what is at `path`.
pub fn audit(path: &Path) -> Result<Audit> {
    match kind(path)? {
        Kind::Bundle => bundle::audit(path),
        Kind::Node => node::audit(path),
        Kind::Seed => seed::audit(path),
        Kind::Store => store::audit(path),
    }
}
