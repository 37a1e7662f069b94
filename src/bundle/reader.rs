//! Reads a bundle: its index, and any part without reading those before it.

use std::io::{Read as _, Take};
use std::path::{Path, PathBuf};

use super::{BundleError, Index, Joined, Part};
use crate::digest::Sha256;

/// A bundle on disk. Its index is verified; its parts are when they are read.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    bytes: Joined,
    index: Index,
    /// Where the first part's header begins.
    start: u64,
    /// Where the bytes of each part begin.
    offsets: Vec<u64>,
    /// How many bytes there are, if none are missing.
    total: u64,
}

impl Bundle {
    /// Reads the index of the bundle at `path`, which may be any name of a split one.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        let mut bytes = Joined::open(path)?;
        let (index, start) = Index::read(&mut bytes, path)?;
        let (offsets, total) =
            index.layout(start).expect("an index whose parts cannot be counted is refused");
        Ok(Self { path: path.to_owned(), bytes, index, start, offsets, total })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Its bytes from the first part's header on.
    pub fn members(&self) -> Joined {
        self.bytes.again(self.start)
    }

    /// How many bytes its index says that it has.
    pub fn size(&self) -> u64 {
        self.total
    }

    /// How many bytes there are.
    pub fn available(&self) -> u64 {
        self.bytes.size()
    }

    /// The parts, and where the content of each ends.
    pub fn parts_and_ends(&self) -> impl Iterator<Item = (&Part, u64)> {
        self.index.parts.iter().zip(&self.offsets).map(|(part, offset)| (part, offset + part.size))
    }

    /// Refuses a bundle that is shorter or longer than its index says.
    pub fn check_size(&self) -> Result<(), BundleError> {
        let (expected, got) = (self.total, self.available());
        if got == expected {
            return Ok(());
        }
        Err(BundleError::Size { path: self.path.clone(), expected, got })
    }

    /// A part with its bytes unverified: the caller verifies them.
    pub fn unverified(&self, path: &str) -> Option<(&Part, Take<Joined>)> {
        let position = self.index.position(path)?;
        let part = self.index.parts.get(position)?;
        Some((part, self.bytes.again(*self.offsets.get(position)?).take(part.size)))
    }

    /// All bytes of a part that may have `limit` at most, verified.
    pub fn load(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, BundleError> {
        let Some((part, mut content)) = self.unverified(path) else { return Ok(None) };
        if part.size > limit {
            return Err(BundleError::PartTooLong { part: path.to_owned(), size: part.size, limit });
        }
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let (expected, got) = (part.sha256, Sha256::of(&bytes));
        if got != expected {
            return Err(BundleError::Damaged { part: path.to_owned(), expected, got });
        }
        Ok(Some(bytes))
    }
}
