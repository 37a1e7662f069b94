//! How the nodes get their layers, with all that each way of delivery needs.

use crate::release::{Artifact, Mirror};

/// The folder of the layers that nodes fetch, beside the nodes' folders and in addresses.
pub const LAYERS: &str = "layers";

/// The file of a node's layers, joined: in its folder, on its seed, and where the bootstrap looks for it.
pub const OVERLAY: &str = "overlay.tar.gz";

/// How the nodes get their layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Each seed contains its node's whole overlay.
    #[default]
    Image,
    /// A shared image contains the layers of all nodes, each once; a seed contains its node's own layer.
    Shared,
    /// Nodes fetch layers over HTTP; a seed contains only documents.
    Http {
        /// The URL below which the layers are, by their digests.
        base: String,
    },
    /// The nodes fetch the releases themselves; a seed holds all else.
    Download {
        /// Where they fetch them.
        from: DownloadSource,
    },
}

/// Where nodes fetch releases themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownloadSource {
    /// Where upstream publishes them.
    Upstream,
    /// From a mirror that a node can reach: a server, without user name and password.
    Mirror(Mirror),
}

impl Delivery {
    /// Whether a seed holds the overlay as one file.
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Image | Self::Download { .. })
    }

    /// Whether what is written depends on all nodes of the profile, whichever are built.
    pub fn is_of_all(&self) -> bool {
        *self == Self::Shared
    }

    /// The URL below which the nodes fetch their layers, if they do.
    pub fn layers_url(&self) -> Option<&str> {
        match self {
            Self::Http { base } => Some(base),
            Self::Image | Self::Shared | Self::Download { .. } => None,
        }
    }

    /// The URL at which a node fetches an artifact itself, if it does.
    pub fn download_url(&self, artifact: &Artifact) -> Option<String> {
        let Self::Download { from } = self else { return None };
        Some(match from {
            DownloadSource::Upstream => artifact.url.clone(),
            DownloadSource::Mirror(mirror) => {
                mirror.address(&artifact.url).unwrap_or_else(|| artifact.url.clone())
            }
        })
    }
}
