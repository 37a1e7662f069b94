//! Content-addressed store of verified artifacts, and the cache of what is made of them. `fetch` fills it.
//!
//! ```text
//! ROOT/sha256/HEX             a blob: an artifact, verified before it got this name, never changed
//! ROOT/sha256/HEX.damaged     a blob that lost its digest, set aside
//! ROOT/partial/HEX            what came of a download that is not complete
//! ROOT/partial/HEX.validator  the ETag or date by which its server knows whether the rest still fits
//! ROOT/lock/HEX               held while that artifact is fetched; harmless when left behind
//! ROOT/tmp/                   staging, cleaned by the next run
//! ```
//!
//! Any number of threads and processes may share a store, also one from elsewhere: pins verify everything that is used of
//! it. Reading never writes, so that a store on a read-only file system serves a build that finds everything there.
//! What is derived from artifacts has no pin, and is kept in a [`Cache`] of each user's own.
#![expect(clippy::disallowed_methods, reason = "edge: the store is files")]

mod blob;
mod cache;
mod error;
mod hash_state;
mod key;
mod last_image;
mod layer_cache;
mod staged_file;

use std::path::PathBuf;

use fs_err as fs;

use crate::digest::Sha256;
use crate::files::if_exists;

pub(crate) use blob::BlobState;
pub use blob::VerifiedReader;
pub use cache::{Cache, NotPrivate};
pub use error::{ErrorClass, StoreError};
pub use layer_cache::{LayerRecord, NewLayer};
pub(crate) use staged_file::seal;

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
        if if_exists(fs::metadata(&root))?.is_some_and(|found| !found.is_dir()) {
            return Err(StoreError::NotAFolder { path: root });
        }
        let store = Self { root };
        if store.is_something_else()? { Err(StoreError::NotAStore { path: store.root }) } else { Ok(store) }
    }

    /// Where what has come of this digest's download is, while it is not complete.
    pub(crate) fn partial_path(&self, digest: &Sha256) -> PathBuf {
        self.root.join("partial").join(digest.to_string())
    }

    /// Where the file with this digest is, once it is there.
    pub fn blob(&self, digest: &Sha256) -> PathBuf {
        self.root.join("sha256").join(digest.to_string())
    }
}
