//! Content-addressed store of verified artifacts, the downloads that fill it, and the cache of what is made of them.
//!
//! ```text
//! ROOT/sha256/HEX             a blob: an artifact, verified before it got this name, never changed
//! ROOT/sha256/HEX.damaged     a blob that lost its digest, set aside
//! ROOT/partial/HEX            what came of a download that is not complete
//! ROOT/partial/HEX.validator  the ETag or date by which its server knows whether the rest still fits
//! ROOT/lock/HEX               held while that artifact is fetched; harmless when left behind
//! ROOT/tmp/                   staging, cleaned by whoever comes next
//! ```
//!
//! Any number of threads and processes may share a store, and anybody may bring one: pins vouch for all that is used of
//! it. Reading never writes, so that a store on a read-only file system serves a build that finds everything there.
//! What is derived from artifacts has no pin, and is kept in a [`Cache`] of each user's own.
#![expect(clippy::disallowed_methods, reason = "edge: the store is files")]

mod artifact;
mod blob;
mod bypass;
mod cache;
mod cause;
mod clue;
mod download;
mod error;
mod event;
mod fetch;
mod handshake;
mod head;
mod http;
mod images;
mod joined;
mod key;
mod layers;
mod mirror;
mod network;
mod pace;
mod partial;
mod patience;
mod peer;
mod progress;
mod proxy;
mod redacted;
mod redirect;
mod resolver;
mod staging;
mod supply;
mod trust;
mod tunnel;
mod upstream;

use std::io;
use std::path::PathBuf;

use fs_err as fs;

use crate::digest::Sha256;

pub use artifact::{ArtifactRequest, Fetched, Outcome};
pub use blob::VerifiedReader;
pub use cache::{Cache, NotPrivate};
pub use cause::Cause;
pub use clue::Clue;
pub use error::{ErrorClass, Failure, StoreError};
pub use event::{Event, Step};
pub use fetch::FetchOptions;
pub(crate) use http::client as http_client;
pub use layers::{LayerRecord, NewLayer};
pub use mirror::{Mirror, MirrorError};
pub use network::Network;
pub use pace::Pace;
pub use patience::Patience;
pub use peer::Peer;
pub use progress::Progress;
pub use proxy::{Proxies, ProxyError, ProxyFlaw};
pub use redirect::RedirectRefused;
pub use supply::{Supplied, Supply};
pub(crate) use trust::Trust;
pub use trust::{CertificatePaths, UnusableCertificates};
pub use upstream::{Upstream, Way};

/// The folder of the cache, where it lies in the folder of the user's own store.
pub const DERIVED: &str = "derived";

/// A folder of blobs by digest.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The store at `root`, which is made when something is first written to it. A folder that holds other things is refused:
    /// a store there would mix with them, and its cache tag would keep them out of backups.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        match fs::metadata(&root) {
            Ok(found) if !found.is_dir() => Err(StoreError::NotAFolder { path: root }),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => {
                let store = Self { root };
                if store.is_something_else()? {
                    Err(StoreError::NotAStore { path: store.root })
                } else {
                    Ok(store)
                }
            }
        }
    }

    /// Where the file with this digest is, once it is there.
    pub fn blob(&self, digest: &Sha256) -> PathBuf {
        self.root.join("sha256").join(digest.to_string())
    }
}
