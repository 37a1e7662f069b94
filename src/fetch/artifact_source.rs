//! Where the bytes of an artifact are taken from.

use std::path::PathBuf;

use reqwest::Url;

use crate::release::MirrorPlace;

/// Where the bytes of an artifact are taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ArtifactSource {
    /// A server.
    Server(Url),
    /// A file of a mirror.
    File(PathBuf),
    /// A supply.
    Bundle,
}

impl From<MirrorPlace> for ArtifactSource {
    fn from(place: MirrorPlace) -> Self {
        match place {
            MirrorPlace::Server(url) => Self::Server(url),
            MirrorPlace::File(path) => Self::File(path),
        }
    }
}
