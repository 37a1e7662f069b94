//! Staging, publishing at once, and the manifest that says what came out.
#![expect(clippy::disallowed_methods, reason = "edge: writes the nodes' folders")]

mod built;
mod delivery;
mod digests;
mod file;
mod joined;
mod layers;
mod manifest;
mod node;
mod staging;
mod volume;

pub use built::{Built, instance_id};
pub use delivery::Delivery;
pub use digests::SeedDigests;
pub use layers::{LAYERS, LayerSource, SHARED, remove_unused_layers, write_layers, write_shared};
pub use manifest::{FILE as MANIFEST, Manifest, OutputFile};
pub use node::{DOCUMENTS, IMAGE, NodeOutput, OVERLAY, SEED_FILES, Text, texts, write};
pub use staging::{Outputs, Staged};
