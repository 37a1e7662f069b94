//! The SHA-256 state after joined layers: an overlay's digest continues from it, without reading them again.

use std::io;

use super::{Cache, StoreError};
use crate::digest::{HashingWriter, Sha256};

const FOLDER: &str = "joined";

impl Cache {
    /// The digest of these layers one after the other, to be continued; `None` if it is not known.
    pub fn joined(&self, layers: &[Sha256]) -> Result<Option<HashingWriter<io::Sink>>, StoreError> {
        let record = self.record(FOLDER, &name(layers))?;
        Ok(record.and_then(|text| HashingWriter::from_text(str::from_utf8(&text).ok()?)))
    }

    /// Keeps that digest.
    pub fn keep_joined(&self, layers: &[Sha256], joined: &HashingWriter<io::Sink>) -> Result<(), StoreError> {
        self.keep(FOLDER, &name(layers), joined.to_text().as_bytes())
    }
}

fn name(layers: &[Sha256]) -> Sha256 {
    let names: Vec<_> = layers.iter().map(ToString::to_string).collect();
    Sha256::of(names.join("\n"))
}
