//! The names of what a build writes: in a node's folder, on its seed, and beside the nodes' folders.

/// What came out of a build, and of what.
pub const MANIFEST: &str = "manifest.json";
/// The document that names the instance (cloud-init, `NoCloud`).
pub const META_DATA: &str = "meta-data";
/// The document that holds the first boot, and the secrets.
pub const USER_DATA: &str = "user-data";
/// The document that configures the network.
pub const NETWORK_CONFIG: &str = "network-config";
/// A node's layers, joined; on the seed too.
pub const OVERLAY: &str = crate::plan::OVERLAY;
/// The seed as an image.
pub const IMAGE: &str = "seed.iso";
/// What is on every seed, in this order.
pub const DOCUMENTS: [&str; 3] = [META_DATA, USER_DATA, NETWORK_CONFIG];
/// What is on a seed that holds all, in this order.
pub(super) const SEED_FILES: [&str; 4] = [META_DATA, USER_DATA, NETWORK_CONFIG, OVERLAY];
/// The image that nodes share.
pub const SHARED: &str = "shared.iso";
/// The folder of the layers that nodes fetch, which is also the prefix in their URLs.
pub const LAYERS: &str = crate::plan::LAYERS;
