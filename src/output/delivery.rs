//! The ways in which a node can get its layers.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How the nodes get their layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
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

impl Delivery {
    /// Whether a seed holds the overlay as one file.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Image | Self::Download)
    }
}
