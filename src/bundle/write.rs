//! Writes a bundle: under its final name when it is whole, never before.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::member::{END, header, padding};
use super::split::Splitter;
use super::{BundleError, Index, Part};
use crate::digest::HashingWriter;

/// A bundle that is to be written.
#[derive(Debug)]
pub struct NewBundle<'a> {
    /// What will be in it.
    pub index: &'a Index,
    /// Its file; the names of a split one begin with it.
    pub path: &'a Path,
    /// The most bytes that a file may have, if it is to be split.
    pub split: Option<u64>,
}

/// A bundle that was written.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// Its file, or the list of its pieces: what a signature is made of.
    pub path: PathBuf,
    /// The bytes of the bundle.
    pub size: u64,
}

impl NewBundle<'_> {
    /// Writes it; `open` gives the bytes of each part, which must be those of the index.
    pub fn write<R: Read>(
        &self,
        mut open: impl FnMut(&Part) -> io::Result<R>,
    ) -> Result<Written, BundleError> {
        let preamble = self.index.preamble()?;
        let before = preamble.len() as u64;
        let (_, size) = self.index.layout(before).ok_or_else(|| BundleError::IndexInvalid {
            path: self.path.to_owned(),
            why: "its parts have more bytes than can be counted".to_owned(),
        })?;
        let path = if let Some(piece) = self.split {
            let mut out = Splitter::new(self.path, piece, size)?;
            self.pour(&preamble, &mut out, &mut open)?;
            out.publish()?
        } else {
            let mut out = Output::new(self.path)?;
            self.pour(&preamble, &mut out, &mut open)?;
            out.publish()?
        };
        Ok(Written { path, size })
    }

    fn pour<R: Read>(
        &self,
        preamble: &[u8],
        out: &mut impl Write,
        open: &mut impl FnMut(&Part) -> io::Result<R>,
    ) -> Result<(), BundleError> {
        out.write_all(preamble)?;
        for part in &self.index.parts {
            out.write_all(&header(&part.path, part.size)?)?;
            let mut hashing = HashingWriter::new(&mut *out);
            // One byte more than there may be, so that a part that grew does not pass as whole. It is read to its
            // end: readers that verify do so there.
            let copied = io::copy(&mut open(part)?.take(part.size.saturating_add(1)), &mut hashing)?;
            let got = hashing.digest();
            if copied != part.size || got != part.sha256 {
                return Err(BundleError::Damaged { part: part.path.clone(), expected: part.sha256, got });
            }
            io::copy(&mut io::repeat(0).take(padding(part.size)), out)?;
        }
        Ok(out.write_all(&END)?)
    }
}

/// A file beside its final place, gone when it is dropped before it has that.
#[derive(Debug)]
pub(super) struct Output {
    file: NamedTempFile,
    place: PathBuf,
}

impl Output {
    pub(super) fn new(place: &Path) -> io::Result<Self> {
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(".imgbuild-").tempfile_in(folder)?;
        Ok(Self { file, place: place.to_owned() })
    }

    /// Gives the file, on disk with all its bytes, its name.
    pub(super) fn publish(self) -> io::Result<PathBuf> {
        use std::os::unix::fs::PermissionsExt as _;
        // Temporary files are private; this one holds no secret.
        self.file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        self.file.as_file().sync_all()?;
        self.file.persist(&self.place)?;
        Ok(self.place)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
