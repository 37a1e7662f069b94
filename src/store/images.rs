//! What images came out as: if one of the same parts comes out so again, every layer in it has been whole.

use std::io::{self, Write as _};
use std::path::PathBuf;

use fs_err as fs;

use super::{Store, StoreError};
use crate::digest::Sha256;

impl Store {
    /// The digest that the image of the parts with the digest `parts` had when it was last written; `None` if the store does
    /// not know it. Nothing vouches for it: it is there to be compared with.
    pub fn image(&self, parts: &Sha256) -> Result<Option<Sha256>, StoreError> {
        match fs::read(self.image_path(parts)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            text => Ok(str::from_utf8(&text?).ok().and_then(|text| text.parse().ok())),
        }
    }

    /// Keeps that digest.
    pub fn keep_image(&self, parts: &Sha256, image: &Sha256) -> Result<(), StoreError> {
        let mut staged = self.stage()?;
        staged.write_all(image.to_string().as_bytes())?;
        Ok(staged.place(&self.image_path(parts))?)
    }

    fn image_path(&self, parts: &Sha256) -> PathBuf {
        self.root.join("images").join(parts.to_string())
    }
}
