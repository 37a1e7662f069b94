//! How a node gets its layers, as its manifest names it.

use serde::{Deserialize, Serialize};

use crate::plan::Delivery;

/// How the nodes get their layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryKind {
    /// Each seed holds all of its node's overlay.
    #[default]
    Image,
    /// One image holds the layers of all nodes, each once; a seed holds its node's own layer.
    Shared,
    /// The nodes fetch them over HTTP; a seed holds documents alone.
    Http,
    /// The nodes fetch the releases themselves, from upstream or a mirror; a seed holds all else.
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
