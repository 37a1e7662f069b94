//! Partial downloads, kept so that they can be resumed.

use std::io::{self, Read as _, Write};
use std::path::PathBuf;

use fs_err as fs;

use super::sniff::HEAD;
use crate::digest::{HashingWriter, Sha256};
use crate::files::{folder_of, open_plain, read_plain, remove, sync_folder};
use crate::store::seal;
use crate::store::{Store, StoreError};

/// The longest validator that is read, in bytes: it came in a header.
const MAX_VALIDATOR: u64 = 64 << 10;

/// The files of an incomplete download. The caller must hold the digest's lock.
#[derive(Debug)]
pub(super) struct Partial {
    file: PathBuf,
    validator: PathBuf,
    blob: PathBuf,
}

/// A file that takes bytes and hashes them.
#[derive(Debug)]
pub(super) struct HashedFile(HashingWriter<fs::File>);

/// What an earlier try left, ready to be continued.
#[derive(Debug)]
pub(super) struct ResumePoint {
    /// The bytes that are there, hashed.
    pub(super) file: HashedFile,
    /// The server's mark of the version that they are of: an entity tag or a date (RFC 9110, section 8.8).
    pub(super) validator: String,
}

impl Store {
    /// The incomplete download of the artifact with this digest.
    pub(super) fn partial(&self, digest: &Sha256) -> Partial {
        let file = self.partial_path(digest);
        Partial { validator: file.with_extension("validator"), file, blob: self.blob(digest) }
    }
}

impl Partial {
    /// What is there and can be continued: bytes, no more than `limit`, and their validator.
    pub(super) fn resume(&self, limit: u64) -> Result<Option<ResumePoint>, StoreError> {
        // Written after the file was emptied and before its first byte: a torn one never belongs to bytes.
        let validator =
            read_plain(&self.validator, MAX_VALIDATOR)?.and_then(|text| String::from_utf8(text).ok());
        let Some(validator) = validator else { return Ok(None) };
        if validator.is_empty() || !(1..=limit).contains(&self.len()) {
            return Ok(None);
        }
        let Some(file) = open_plain(&self.file)? else { return Ok(None) };
        let mut hashing = HashingWriter::new(file);
        hashing.catch_up()?;
        Ok(Some(ResumePoint { file: HashedFile(hashing), validator }))
    }

    /// How many bytes are there.
    pub(super) fn len(&self) -> u64 {
        fs::symlink_metadata(&self.file).map_or(0, |found| found.len())
    }

    /// The first bytes that are there.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = Vec::new();
        if let Ok(Some(file)) = open_plain(&self.file) {
            // Only a guess is made from it, and less than all will do.
            let _ = file.take(HEAD as u64).read_to_end(&mut head);
        }
        head
    }

    /// Begins anew, with the validator of what will come.
    pub(super) fn restart(&self, validator: Option<&str>) -> Result<HashedFile, StoreError> {
        // Whatever is there is not written through: it may lead elsewhere.
        self.discard()?;
        let new = |path| fs::OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = new(&self.file)?;
        new(&self.validator)?.write_all(validator.unwrap_or_default().as_bytes())?;
        Ok(HashedFile(HashingWriter::new(file)))
    }

    /// Removes what is there.
    pub(super) fn discard(&self) -> Result<(), StoreError> {
        for path in [&self.file, &self.validator] {
            remove(path)?;
        }
        Ok(())
    }

    /// Gives the complete file, whose digest was found right, its final name.
    pub(super) fn publish(&self, intake: HashedFile) -> Result<(), StoreError> {
        let (file, _, _) = intake.0.finish();
        file.sync_all()?;
        fs::rename(&self.file, &self.blob)?;
        // Not before: a build killed in between would leave a partial file that can not be continued.
        seal(file.file())?;
        sync_folder(folder_of(&self.blob))?;
        self.discard()
    }
}

impl HashedFile {
    /// The digest of all that is there.
    pub(super) fn digest(&self) -> Sha256 {
        self.0.digest()
    }

    /// How many bytes are there.
    pub(super) fn size(&self) -> u64 {
        self.0.size()
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
