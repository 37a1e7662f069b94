//! The digests of the last images: the same parts must give the same image, so a match proves that every layer was intact.

use super::{Cache, StoreError};
use crate::digest::Sha256;

const FOLDER: &str = "images";

impl Cache {
    /// The digest that the image of the parts with the digest `parts` had when it was last written; `None` if it is not known.
    pub fn image(&self, parts: &Sha256) -> Result<Option<Sha256>, StoreError> {
        let record = self.record(FOLDER, parts)?;
        Ok(record.and_then(|text| String::from_utf8(text).ok()?.parse().ok()))
    }

    /// Keeps that digest.
    pub fn keep_image(&self, parts: &Sha256, image: &Sha256) -> Result<(), StoreError> {
        self.keep(FOLDER, parts, image.to_string().as_bytes())
    }
}
