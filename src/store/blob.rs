//! Blobs: bytes under their digest, hashed again whenever they are read.

use std::io::{self, Read, Write as _};

use fs_err as fs;

use super::{Store, StoreError};
use crate::digest::{COPIED, ParallelWriter, Sha256};
use crate::files::if_exists;

/// What the store has under a digest.
#[derive(Debug)]
pub(crate) enum BlobState {
    /// Bytes with this digest, and how many.
    Whole(u64),
    /// Bytes that have lost it, and the digest that they have instead.
    Damaged(Sha256),
    /// Nothing.
    Missing,
}

impl Store {
    /// Reads and hashes what the store has under `digest`.
    pub(crate) fn inspect(&self, digest: &Sha256) -> Result<BlobState, StoreError> {
        let Some(file) = if_exists(fs::File::open(self.blob(digest)))? else { return Ok(BlobState::Missing) };
        let (got, size) = Sha256::of_reader(file)?;
        Ok(if got == *digest { BlobState::Whole(size) } else { BlobState::Damaged(got) })
    }

    /// Moves a damaged blob out of the way. The caller must hold the digest's lock: another may have replaced it.
    pub(crate) fn set_aside(&self, digest: &Sha256) -> Result<(), StoreError> {
        let blob = self.blob(digest);
        fs::rename(&blob, blob.with_extension("damaged"))?;
        Ok(())
    }

    /// The bytes with this digest, verified while they are read.
    pub fn read(&self, digest: &Sha256) -> Result<VerifiedReader, StoreError> {
        let file = self.read_unverified(digest)?;
        Ok(VerifiedReader {
            file,
            hashing: Some(ParallelWriter::new(io::sink())),
            got: None,
            expected: *digest,
        })
    }

    /// The bytes under this digest as they are, unverified: the caller compares the digest.
    pub fn read_unverified(&self, digest: &Sha256) -> Result<fs::File, StoreError> {
        if_exists(fs::File::open(self.blob(digest)))?.ok_or(StoreError::Missing { digest: *digest })
    }
}

/// A blob that is hashed as it is read: the read that would say "end" fails when the digest is another.
///
/// Who may stop before the end calls [`VerifiedReader::finish`] before using what was read.
#[derive(Debug)]
pub struct VerifiedReader {
    file: fs::File,
    /// Until the end, where it gives the digest.
    hashing: Option<ParallelWriter<io::Sink>>,
    got: Option<Sha256>,
    expected: Sha256,
}

impl VerifiedReader {
    /// Reads the rest and checks the digest.
    pub fn finish(mut self) -> Result<(), StoreError> {
        io::copy(&mut io::BufReader::with_capacity(COPIED, &mut self), &mut io::sink())?;
        Ok(())
    }

    fn check(&mut self) -> io::Result<()> {
        if let Some(hashing) = self.hashing.take() {
            self.got = Some(hashing.finish().1);
        }
        match self.got {
            Some(got) if got != self.expected => {
                let damaged = StoreError::Damaged { digest: self.expected, got };
                Err(io::Error::new(io::ErrorKind::InvalidData, damaged))
            }
            _ => Ok(()),
        }
    }
}

impl Read for VerifiedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        match &mut self.hashing {
            Some(hashing) if read > 0 => hashing.write_all(&buffer[..read])?,
            _ if !buffer.is_empty() => self.check()?,
            _ => {}
        }
        Ok(read)
    }
}
