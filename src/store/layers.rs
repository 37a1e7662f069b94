//! Finished layers: blobs that are found again by the digest of what they were made from.

use std::io::{self, Write};
use std::path::PathBuf;

use fs_err as fs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::blob::State;
use super::staging::Staged;
use super::{Store, StoreError};
use crate::diagnostic::from_json;
use crate::digest::{HashingWriter, Sha256};

/// What the store knows of a finished layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerRecord<T> {
    /// The blob that holds the layer's bytes.
    pub sha256: Sha256,
    /// Their number.
    pub size: u64,
    /// What is in the layer.
    pub index: T,
    /// The digest of the index as JSON: whatever else changes in a record leads to no blob, and is found by that.
    index_sha256: Sha256,
}

/// A layer that is being written.
#[derive(Debug)]
pub struct NewLayer {
    store: Store,
    hashing: HashingWriter<Staged>,
}

impl<T: Serialize + DeserializeOwned> LayerRecord<T> {
    fn new(sha256: Sha256, size: u64, index: T) -> Result<Self, StoreError> {
        let index_sha256 = digest(&index)?;
        Ok(Self { sha256, size, index, index_sha256 })
    }

    /// Reads a record, or says why it is none.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let record: Self = from_json(text)?;
        match digest(&record.index) {
            Ok(digest) if digest == record.index_sha256 => Ok(record),
            _ => Err("the index of the layer has lost its digest".to_owned()),
        }
    }
}

fn digest(index: &impl Serialize) -> io::Result<Sha256> {
    Ok(Sha256::of(serde_json::to_vec(index)?))
}

impl Store {
    /// The layer that was made from the inputs with the digest `key`, if the store has it whole.
    ///
    /// A layer that can not be used (a damaged blob, a record in another version's form) is as good as none: it
    /// can be built again.
    pub fn layer<T: Serialize + DeserializeOwned>(
        &self,
        key: &Sha256,
    ) -> Result<Option<LayerRecord<T>>, StoreError> {
        let Some(record) = self.record(key)? else { return Ok(None) };
        match self.inspect(&record.sha256)? {
            State::Whole(size) if size == record.size => Ok(Some(record)),
            State::Whole(_) | State::Missing => Ok(None),
            State::Damaged(_) => {
                let _lock = self.lock(&record.sha256, || {})?;
                if let State::Damaged(_) = self.inspect(&record.sha256)? {
                    self.set_aside(&record.sha256)?;
                }
                Ok(None)
            }
        }
    }

    /// The same by its record and its size alone: whether the layer is whole shows when it is read.
    pub fn recorded<T: Serialize + DeserializeOwned>(
        &self,
        key: &Sha256,
    ) -> Result<Option<LayerRecord<T>>, StoreError> {
        let Some(record) = self.record(key)? else { return Ok(None) };
        match fs::metadata(self.blob(&record.sha256)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => Ok((found?.len() == record.size).then_some(record)),
        }
    }

    /// The same, with what is damaged left where it is: nothing is written.
    pub fn peek<T: Serialize + DeserializeOwned>(
        &self,
        key: &Sha256,
    ) -> Result<Option<LayerRecord<T>>, StoreError> {
        let Some(record) = self.record(key)? else { return Ok(None) };
        let is_whole = matches!(self.inspect(&record.sha256)?, State::Whole(size) if size == record.size);
        Ok(is_whole.then_some(record))
    }

    fn record<T: Serialize + DeserializeOwned>(
        &self,
        key: &Sha256,
    ) -> Result<Option<LayerRecord<T>>, StoreError> {
        match fs::read(self.layer_record(key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            record => Ok(LayerRecord::read(&record?).ok()),
        }
    }

    /// A layer to write to, and then to commit.
    pub fn new_layer(&self) -> Result<NewLayer, StoreError> {
        Ok(NewLayer { store: self.clone(), hashing: HashingWriter::new(self.stage()?) })
    }

    fn layer_record(&self, key: &Sha256) -> PathBuf {
        self.root.join("layers").join(format!("{key}.json"))
    }
}

impl NewLayer {
    /// Keeps what was written as the layer that comes of the inputs with the digest `key`.
    pub fn commit<T: Serialize + DeserializeOwned>(
        self,
        key: &Sha256,
        index: T,
    ) -> Result<LayerRecord<T>, StoreError> {
        let (staged, sha256, size) = self.hashing.finish();
        let record = LayerRecord::new(sha256, size, index)?;
        let text = serde_json::to_vec(&record).map_err(io::Error::from)?;
        let _lock = self.store.lock(&sha256, || {})?;
        staged.place(&self.store.blob(&sha256))?;
        let mut staged = self.store.stage()?;
        staged.write_all(&text)?;
        staged.place(&self.store.layer_record(key))?;
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
