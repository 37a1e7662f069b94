//! Stages outputs, publishes them atomically, and records them in a manifest.
#![expect(clippy::disallowed_methods, reason = "edge: writes the nodes' folders")]

mod delivery;
mod digests;
mod earlier_build;
mod folder;
mod manifest;
mod names;
mod node;
mod output_cache;
mod output_file;
mod output_root;
mod overlay;
mod shared_layers;
mod staged_folder;
mod tee_concat;
mod up_to_date;
mod volume;

pub use delivery::DeliveryKind;
pub use digests::SeedDigests;
pub use earlier_build::{EarlierBuild, Snapshot, instance_id, member_lists};
pub use folder::{Found, NodeFolder};
pub use manifest::{Manifest, MemberLists, OutputFile};
pub use names::{DOCUMENTS, IMAGE, LAYERS, MANIFEST, META_DATA, NETWORK_CONFIG, OVERLAY, SHARED, USER_DATA};
pub use node::{NodeOutput, Text, texts, write};
pub use output_cache::OutputCache;
pub use output_root::{Obstacle, OutputRoot};
pub use shared_layers::{LayerSource, known_layers, remove_unused_layers, write_layers, write_shared};
pub use staged_folder::{Outputs, Replaced, StagedFolder};
pub use up_to_date::{FolderState, layers_are_current, node_is_current, shared_is_current};
