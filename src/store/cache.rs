//! The cache of what imgbuild derives: layers, their records, hash states and the digests of images, of one user alone.
//!
//! ```text
//! ROOT/sha256/HEX    a layer's bytes, verified by that digest when they are read
//! ROOT/records/HEX   by the digest of a layer's inputs: which file it is, and its index
//! ROOT/joined/HEX    by the digests of layers: how far their digest has come when they are joined
//! ROOT/images/HEX    by the digest of an image's parts: its own, by which it is seen that they were whole
//! ```
//!
//! No pin verifies derived data: a forged record would put bytes of the attacker's choice into an overlay.
//! Therefore nothing here is ever carried (a store may be), folders that others can write to are refused, and each record is
//! authenticated with a key that lies elsewhere. A record that does not bear that out is as good as none: its layer is
//! made again.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use fs_err as fs;
use rustix::fs::{Mode, OFlags};

use super::key::SealingKey;
use super::{Store, StoreError};
use crate::digest::Sha256;
use crate::files::if_exists;

/// The folders of the cache, beside those that files with digests need.
const RECORDS: [&str; 3] = ["records", "joined", "images"];

/// The longest record that is read, in bytes: a layer of half a million files.
const MAX_RECORD: u64 = 128 << 20;

/// A user's cache; without a place, it keeps nothing and finds nothing.
#[derive(Clone, Debug, Default)]
pub struct Cache(Option<CacheFolder>);

#[derive(Clone, Debug)]
struct CacheFolder {
    files: Store,
    key: Arc<OnceLock<SealingKey>>,
    key_file: PathBuf,
}

/// Why a folder is not fit to hold what is believed.
#[derive(Debug, thiserror::Error)]
pub enum NotPrivate {
    /// Somebody else could have written what is in it.
    #[error("`{}` belongs to another user", .0.display())]
    Owner(PathBuf),
    /// Others may write to it, or read from it.
    #[error("`{}` is open to other users: its mode is {mode:04o}, expected 0700", .path.display())]
    Mode {
        /// The folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// What is there is a link, or a file.
    #[error("`{}` is not a folder, but a link or a file", .0.display())]
    NotAFolder(PathBuf),
    /// The file system says no.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl NotPrivate {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Mode { path, .. } => format!(
                "`chmod 700 {}`, or name a folder on a file system that keeps modes with XDG_CACHE_HOME",
                path.display()
            ),
            _ => "name a folder of your own with XDG_CACHE_HOME".to_owned(),
        }
    }
}

impl Cache {
    /// A cache that keeps nothing.
    pub fn none() -> Self {
        Self(None)
    }

    /// The cache at `root`, authenticated with the key in `key_file`. Both are made when something is first kept.
    pub fn open(root: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Result<Self, NotPrivate> {
        let (root, key_file) = (root.into(), key_file.into());
        let folders = super::staged_file::FOLDERS.iter().chain(&RECORDS).map(|name| root.join(name));
        for folder in std::iter::once(root.clone()).chain(folders) {
            check_private(&folder)?;
        }
        let key = OnceLock::new();
        if let Some(found) = SealingKey::read(&key_file)? {
            let _ = key.set(found);
        }
        Ok(Self(Some(CacheFolder { files: Store { root }, key: Arc::new(key), key_file })))
    }

    /// Makes the folders that keeping needs, and the key. `false` if this cache keeps nothing.
    pub fn prepare(&self) -> Result<bool, NotPrivate> {
        let Some(CacheFolder { files, key, key_file }) = &self.0 else { return Ok(false) };
        let mut private = std::fs::DirBuilder::new();
        private.recursive(true).mode(0o700);
        for folder in super::staged_file::FOLDERS.iter().chain(&RECORDS) {
            private.create(files.root.join(folder)).map_err(|error| named(&files.root, &error))?;
        }
        // A file system may not keep modes, which shows only now.
        check_private(&files.root)?;
        files.prepare().map_err(io::Error::other)?;
        if key.get().is_none() {
            let _ = key.set(SealingKey::make(key_file)?);
        }
        Ok(true)
    }

    /// The bytes of layers.
    pub(super) fn files(&self) -> Option<&Store> {
        Some(&self.0.as_ref()?.files)
    }

    /// What was kept under this name, if it was kept here.
    pub(super) fn record(&self, folder: &str, name: &Sha256) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((place, key)) = self.0.as_ref().and_then(|place| Some((place, place.key.get()?))) else {
            return Ok(None);
        };
        let path = place.files.root.join(folder).join(name.to_string());
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::open(&path, flags, Mode::empty()) {
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::LOOP) => return Ok(None),
            file => std::fs::File::from(file.map_err(|error| cached(named(&path, &error.into())))?),
        };
        let mut sealed = Vec::new();
        file.take(MAX_RECORD).read_to_end(&mut sealed).map_err(|error| cached(named(&path, &error)))?;
        Ok(key.opened(folder, name, sealed))
    }

    /// Keeps these bytes under this name; not, if the cache keeps nothing.
    pub(super) fn keep(&self, folder: &str, name: &Sha256, bytes: &[u8]) -> Result<(), StoreError> {
        let Some((place, key)) = self.0.as_ref().and_then(|place| Some((place, place.key.get()?))) else {
            return Ok(());
        };
        let mut staged = place.files.stage()?;
        staged.write_all(key.seal(folder, name, bytes).as_bytes()).map_err(cached)?;
        staged.write_all(bytes).map_err(cached)?;
        staged.place(&place.files.root.join(folder).join(name.to_string())).map_err(cached)
    }

    /// A file without a name for what is made on the way, on the cache's file system where it has one.
    pub fn scratch(&self) -> Result<std::fs::File, StoreError> {
        let files = self.files().filter(|files| files.tmp().is_dir());
        match files {
            Some(files) => tempfile::tempfile_in(files.tmp()).map_err(cached),
            None => tempfile::tempfile().map_err(cached),
        }
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// An error of the cache's file system, whose place is named by other means than the store's.
pub(super) fn cached(error: io::Error) -> StoreError {
    StoreError::Cache(error)
}

/// Checks that a folder, if it exists, belongs to this user only and is not a link.
pub(super) fn check_private(path: &Path) -> Result<(), NotPrivate> {
    let Some(found) = if_exists(fs::symlink_metadata(path))? else { return Ok(()) };
    if !found.is_dir() {
        return Err(NotPrivate::NotAFolder(path.to_owned()));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(NotPrivate::Owner(path.to_owned()));
    }
    match found.mode() & 0o7777 {
        mode if mode & 0o077 != 0 => Err(NotPrivate::Mode { path: path.to_owned(), mode }),
        _ => Ok(()),
    }
}
