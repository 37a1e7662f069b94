//! Staging, publishing at once, and the manifest that says what came out.
#![expect(clippy::disallowed_methods, reason = "edge: writes the nodes' folders")]

mod built;
mod manifest;
mod node;
mod staging;

pub use built::{Built, instance_id};
pub use manifest::{FILE as MANIFEST, Manifest, OutputFile};
pub use node::{IMAGE, NodeOutput, OVERLAY, Text, texts, write};
pub use staging::{Outputs, Staged};
