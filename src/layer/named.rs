//! A layer as node and manifest know it: by name, digest and size.

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;

/// One of the layers that an overlay is joined of. The last one is the node's own, and has the archive's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedLayer {
    /// The component, or the node whose own layer it is.
    pub name: String,
    /// Its digest.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}
