//! Split bundles: pieces of one size for media of limited size, and the list that tells them apart.
//!
//! `FILE.001`, `FILE.002`, ... joined in this order are the bundle; `FILE.parts.json` has the size and digest of each.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::output::{Output, with_end};
use super::{BundleError, signature_of};
use crate::diagnostic::from_json;
use crate::digest::{HashingWriter, Sha256};
use crate::files::{folder_of, read_bounded, remove, sync_folder};

/// What the name of the list has behind the bundle's.
pub(super) const PARTS_FILE: &str = ".parts.json";
/// The version of the list's format.
const FORMAT: u32 = 1;
/// The most pieces: their names end in three digits.
const MAX_PIECES: usize = 999;
/// The longest list that is read, in bytes; one of 999 pieces has some 130 KB.
const MAX_LIST: u64 = 1 << 20;

/// The list of a split bundle's pieces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    format: u32,
    /// The pieces in their order.
    pub pieces: Vec<SplitPart>,
}

/// One piece of a split bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitPart {
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
}

impl Parts {
    /// The list that goes with `path`, if that is a name of a split bundle: of the list, of a piece, or the one that
    /// the bundle was to have.
    pub fn list_of(path: &Path) -> Option<PathBuf> {
        let name = path.file_name()?.to_str()?;
        if name.ends_with(PARTS_FILE) {
            return Some(path.to_owned());
        }
        let piece = name.rsplit_once('.').filter(|(_, end)| end.len() == 3 && end.parse::<u16>().is_ok());
        let base = match piece {
            Some((base, _)) => base,
            None if path.exists() => return None,
            None => name,
        };
        Some(path.with_file_name(format!("{base}{PARTS_FILE}"))).filter(|list| list.is_file())
    }

    /// Reads a list. Every byte of it has a meaning: it is as imgbuild writes it, or refused.
    pub fn read(path: &Path) -> Result<Self, BundleError> {
        let text = read_bounded(fs::File::open(path)?, MAX_LIST)?;
        let too_long = || BundleError::PartsInvalid {
            path: path.to_owned(),
            why: format!("it is longer than {MAX_LIST} bytes"),
        };
        Self::parse(path, &text.ok_or_else(too_long)?)
    }

    /// The list at `path`, of which this is the text.
    pub(super) fn parse(path: &Path, text: &[u8]) -> Result<Self, BundleError> {
        let invalid = |why: String| BundleError::PartsInvalid { path: path.to_owned(), why };
        let parts: Self = from_json(text).map_err(invalid)?;
        if parts.format != FORMAT {
            return Err(invalid(format!("it has format {}, this imgbuild reads {FORMAT}", parts.format)));
        }
        if parts.pieces.is_empty() || parts.pieces.len() > MAX_PIECES {
            return Err(invalid(format!("it has {} pieces, not 1 to {MAX_PIECES}", parts.pieces.len())));
        }
        if parts.pieces.iter().try_fold(0_u64, |sum, piece| sum.checked_add(piece.size)).is_none() {
            return Err(invalid("the total size of its pieces exceeds 64 bits".to_owned()));
        }
        if parts.text()? != text {
            return Err(invalid("it is not formatted as imgbuild writes it".to_owned()));
        }
        Ok(parts)
    }

    /// The files of the pieces, beside their list.
    pub fn files(&self, list: &Path) -> Vec<(PathBuf, &SplitPart)> {
        let name = list.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let bundle = list.with_file_name(name.strip_suffix(PARTS_FILE).unwrap_or(name));
        self.pieces.iter().enumerate().map(|(index, piece)| (numbered(&bundle, index), piece)).collect()
    }

    fn text(&self) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }
}

pub(super) fn numbered(bundle: &Path, index: usize) -> PathBuf {
    with_end(bundle, &format!(".{:03}", index + 1))
}

/// Takes the bytes of a bundle and cuts them into files.
#[derive(Debug)]
pub(super) struct Splitter {
    bundle: PathBuf,
    size: u64,
    done: Vec<(Output, SplitPart)>,
    current: Option<HashingWriter<Output>>,
}

impl Splitter {
    /// Pieces of `size` bytes of a bundle that will have `total`.
    pub(super) fn new(bundle: &Path, size: u64, total: u64) -> Result<Self, BundleError> {
        let count = total.div_ceil(size.max(1));
        if count > MAX_PIECES as u64 {
            return Err(BundleError::TooManyPieces { size, count });
        }
        Ok(Self { bundle: bundle.to_owned(), size, done: Vec::new(), current: None })
    }

    /// Gives the pieces their names, and returns the list of them, which has none yet.
    pub(super) fn publish(mut self) -> Result<Output, BundleError> {
        self.close()?;
        let pieces = self.done.iter().map(|(_, piece)| piece.clone()).collect();
        let place = with_end(&self.bundle, PARTS_FILE);
        let mut list = Output::new(&place)?;
        list.write_all(&Parts { format: FORMAT, pieces }.text()?)?;
        list.settle()?;
        // A signature does not stay without its list, nor a list beside pieces of another bundle.
        let earlier = Parts::read(&place).map_or(0, |parts| parts.pieces.len());
        remove(&signature_of(&place))?;
        remove(&place)?;
        sync_folder(folder_of(&place))?;
        for index in self.done.len()..earlier {
            remove(&numbered(&self.bundle, index))?;
        }
        for (piece, _) in self.done {
            piece.rename()?;
        }
        // Before the list that names them.
        sync_folder(folder_of(&place))?;
        Ok(list)
    }

    fn close(&mut self) -> io::Result<()> {
        if let Some(current) = self.current.take() {
            let (mut output, sha256, size) = current.finish();
            // Where there is no room for a piece, none gets its name.
            output.settle()?;
            self.done.push((output, SplitPart { size, sha256 }));
        }
        Ok(())
    }
}

impl Write for Splitter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.current.as_ref().is_some_and(|current| current.size() >= self.size) {
            self.close()?;
        }
        if self.current.is_none() {
            let output = Output::new(&numbered(&self.bundle, self.done.len()))?;
            self.current = Some(HashingWriter::new(output));
        }
        let Some(current) = &mut self.current else { return Ok(0) };
        let room = usize::try_from(self.size - current.size()).unwrap_or(usize::MAX);
        current.write(&bytes[..bytes.len().min(room)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.current.as_mut().map_or(Ok(()), Write::flush)
    }
}
