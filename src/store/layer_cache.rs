//! The cache of finished layers: files by the digest of their inputs.

use std::io::{self, Write};

use fs_err as fs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::blob::BlobState;
use super::cache::cached;
use super::staged_file::StagedFile;
use super::{Cache, Store, StoreError, VerifiedReader};
use crate::diagnostic::from_json;
use crate::digest::{HashingWriter, Sha256};
use crate::files::if_exists;

const FOLDER: &str = "records";

/// What the cache knows of a finished layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerRecord<T> {
    /// The digest of the layer's bytes.
    pub sha256: Sha256,
    /// Their number.
    pub size: u64,
    /// What is in the layer.
    pub index: T,
}

/// A layer that is being written.
#[derive(Debug)]
pub struct NewLayer {
    cache: Cache,
    files: Store,
    hashing: HashingWriter<StagedFile>,
}

impl Cache {
    /// The layer that was made from the inputs with the digest `key`, if the cache has it whole.
    ///
    /// A layer that can not be used (a damaged file, a record that was not kept here) is as good as none: it can be
    /// built again.
    pub fn layer<T: DeserializeOwned>(&self, key: &Sha256) -> Result<Option<LayerRecord<T>>, StoreError> {
        let Some((files, record)) = self.found(key)? else { return Ok(None) };
        match files.inspect(&record.sha256)? {
            BlobState::Whole(size) if size == record.size => Ok(Some(record)),
            BlobState::Whole(_) | BlobState::Missing => Ok(None),
            BlobState::Damaged(_) => {
                let _lock = files.lock(&record.sha256, || {})?;
                if let BlobState::Damaged(_) = files.inspect(&record.sha256)? {
                    files.set_aside(&record.sha256)?;
                }
                Ok(None)
            }
        }
    }

    /// The same by its record and its size alone: whether the layer is whole shows when it is read.
    pub fn recorded<T: DeserializeOwned>(&self, key: &Sha256) -> Result<Option<LayerRecord<T>>, StoreError> {
        let Some((files, record)) = self.found(key)? else { return Ok(None) };
        let found = if_exists(fs::metadata(files.blob(&record.sha256))).map_err(cached)?;
        Ok(found.is_some_and(|found| found.len() == record.size).then_some(record))
    }

    /// The same, with what is damaged left where it is: nothing is written.
    pub fn peek<T: DeserializeOwned>(&self, key: &Sha256) -> Result<Option<LayerRecord<T>>, StoreError> {
        let Some((files, record)) = self.found(key)? else { return Ok(None) };
        let is_whole =
            matches!(files.inspect(&record.sha256)?, BlobState::Whole(size) if size == record.size);
        Ok(is_whole.then_some(record))
    }

    /// A record that was kept here, and the files that it is of.
    fn found<T: DeserializeOwned>(
        &self,
        key: &Sha256,
    ) -> Result<Option<(&Store, LayerRecord<T>)>, StoreError> {
        let record = self.record(FOLDER, key)?.and_then(|text| from_json(&text).ok());
        Ok(self.files().zip(record))
    }

    /// A layer to write to, and then to commit. The cache must be prepared.
    pub fn new_layer(&self) -> Result<NewLayer, StoreError> {
        let files = self.files().expect("a cache that is prepared has a place");
        let hashing = HashingWriter::new(files.stage()?);
        Ok(NewLayer { cache: self.clone(), files: files.clone(), hashing })
    }

    /// The bytes of a layer, verified while they are read.
    pub fn read(&self, digest: &Sha256) -> Result<VerifiedReader, StoreError> {
        self.files().ok_or(StoreError::Missing { digest: *digest })?.read(digest)
    }

    /// The bytes of a layer as they are. The caller checks what they come to.
    pub fn read_unverified(&self, digest: &Sha256) -> Result<fs::File, StoreError> {
        self.files().ok_or(StoreError::Missing { digest: *digest })?.read_unverified(digest)
    }
}

impl NewLayer {
    /// Keeps what was written as the layer that comes of the inputs with the digest `key`.
    pub fn commit<T: Serialize>(self, key: &Sha256, index: T) -> Result<LayerRecord<T>, StoreError> {
        let (staged, sha256, size) = self.hashing.finish();
        let record = LayerRecord { sha256, size, index };
        let text = serde_json::to_vec(&record).map_err(io::Error::from)?;
        let _lock = self.files.lock(&sha256, || {})?;
        staged.place(&self.files.blob(&sha256)).map_err(cached)?;
        self.cache.keep(FOLDER, key, &text)?;
        Ok(record)
    }
}

impl Write for NewLayer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hashing.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hashing.flush()
    }
}
