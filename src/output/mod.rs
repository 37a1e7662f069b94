//! Staging, publishing at once, and the manifest that says what came out.
#![expect(clippy::disallowed_methods, reason = "edge: writes the nodes' folders")]

mod built;
mod digests;
mod manifest;
mod node;
mod staging;

pub use built::{Built, instance_id};
pub use digests::SeedDigests;
pub use manifest::{FILE as MANIFEST, Manifest, OutputFile};
pub use node::{IMAGE, NodeOutput, OVERLAY, SEED_FILES, Text, texts, write};
pub use staging::{Outputs, Staged};
