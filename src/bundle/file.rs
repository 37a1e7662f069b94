//! A bundle that is read: its index, and any of its parts without those before it.

use std::io::{self, Read, Take, Write as _};
use std::path::{Path, PathBuf};

use super::{BundleError, Index, Joined, Part};
use crate::digest::{HashingWriter, Sha256};

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
        // It was possible when the index was read.
        let (offsets, total) = index.layout(start).unwrap_or_default();
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

    /// Refuses a bundle that is shorter or longer than its index says.
    pub fn check_size(&self) -> Result<(), BundleError> {
        let (expected, got) = (self.total, self.bytes.size());
        if got == expected {
            return Ok(());
        }
        Err(BundleError::Size { path: self.path.clone(), expected, got })
    }

    /// A part with its bytes as they are, for who verifies them.
    pub fn unverified(&self, path: &str) -> Option<(&Part, Take<Joined>)> {
        let position = self.index.position(path)?;
        let part = self.index.parts.get(position)?;
        Some((part, self.bytes.again(*self.offsets.get(position)?).take(part.size)))
    }

    /// The bytes of a part, verified while they are read.
    pub fn read(&self, path: &str) -> Option<PartReader> {
        let (part, bytes) = self.unverified(path)?;
        Some(PartReader { bytes, hashing: HashingWriter::new(io::sink()), part: part.clone() })
    }

    /// All bytes of a part that may have `limit` at most.
    pub fn load(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, BundleError> {
        let Some(mut reader) = self.read(path) else { return Ok(None) };
        if reader.part.size > limit {
            return Err(BundleError::PartTooLong { part: path.to_owned(), size: reader.part.size, limit });
        }
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }
}

/// A part that is hashed as it is read: the read that would say "end" fails when the digest is another.
#[derive(Debug)]
pub struct PartReader {
    bytes: Take<Joined>,
    hashing: HashingWriter<io::Sink>,
    part: Part,
}

impl PartReader {
    fn check(&self) -> io::Result<()> {
        let (expected, got): (Sha256, Sha256) = (self.part.sha256, self.hashing.digest());
        if got == expected {
            return Ok(());
        }
        let error = BundleError::Damaged { part: self.part.path.clone(), expected, got };
        Err(io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

impl Read for PartReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.hashing.write_all(&buffer[..read])?;
        if read == 0 && !buffer.is_empty() {
            self.check()?;
        }
        Ok(read)
    }
}
