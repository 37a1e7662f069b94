//! How far the digest of joined layers has come: an overlay's goes on from there, and needs no reading of its own.

use std::io::{self, Write as _};
use std::path::PathBuf;

use fs_err as fs;

use super::{Store, StoreError};
use crate::digest::{HashingWriter, Sha256};

impl Store {
    /// The digest of these layers one after the other, to be continued; `None` if the store does not know it.
    pub fn joined(&self, layers: &[Sha256]) -> Result<Option<HashingWriter<io::Sink>>, StoreError> {
        match fs::read(self.joined_path(layers)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // One that is damaged is as good as none.
            text => Ok(str::from_utf8(&text?).ok().and_then(HashingWriter::from_text)),
        }
    }

    /// Keeps that digest.
    pub fn keep_joined(&self, layers: &[Sha256], joined: &HashingWriter<io::Sink>) -> Result<(), StoreError> {
        let mut staged = self.stage()?;
        staged.write_all(joined.to_text().as_bytes())?;
        Ok(staged.place(&self.joined_path(layers))?)
    }

    fn joined_path(&self, layers: &[Sha256]) -> PathBuf {
        let names: Vec<_> = layers.iter().map(ToString::to_string).collect();
        self.root.join("joined").join(Sha256::of(names.join("\n")).to_string())
    }
}
