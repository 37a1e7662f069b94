//! How a node gets its layers, as its manifest names it.

use serde::{Deserialize, Serialize};

use crate::plan::Delivery;

/// How the nodes get their layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryKind {
    /// Each seed contains its node's whole overlay.
    #[default]
    Image,
    /// A shared image contains the layers of all nodes, each once; a seed contains its node's own layer.
    Shared,
    /// Nodes fetch layers over HTTP; a seed contains only documents.
    Http,
    /// Nodes fetch the releases themselves, from upstream or a mirror; a seed contains everything else.
    Download,
}

impl DeliveryKind {
    /// Whether a seed holds the overlay as one file.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Image | Self::Download)
    }
}

impl From<&Delivery> for DeliveryKind {
    fn from(delivery: &Delivery) -> Self {
        match delivery {
            Delivery::Image => Self::Image,
            Delivery::Shared => Self::Shared,
            Delivery::Http { .. } => Self::Http,
            Delivery::Download { .. } => Self::Download,
        }
    }
}
