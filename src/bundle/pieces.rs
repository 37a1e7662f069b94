//! The bytes of a bundle, in one file or in the pieces of a split one, read as one without copying them together.

use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err as fs;

use super::BundleError;
use super::split::Parts;

/// A file that holds some bytes of a bundle.
#[derive(Debug)]
struct Piece {
    path: PathBuf,
    start: u64,
    size: u64,
}

/// A reader over all bytes of a bundle. One file is open at a time.
#[derive(Debug)]
pub struct Joined {
    pieces: Arc<[Piece]>,
    at: u64,
    open: Option<(usize, fs::File)>,
}

impl Joined {
    /// The bundle at `path`: its one file, or any name of a split one.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        let mut pieces = Vec::new();
        let mut start = 0;
        let files = match Parts::list_of(path) {
            None => vec![(path.to_owned(), None)],
            Some(list) => {
                let parts = Parts::read(&list)?;
                parts.files(&list).into_iter().map(|(path, piece)| (path, Some(piece.size))).collect()
            }
        };
        for (path, expected) in files {
            let size = match fs::metadata(&path) {
                Ok(found) if found.is_file() => found.len(),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ if expected.is_some() => return Err(BundleError::PieceMissing { path }),
                Ok(_) => return Err(BundleError::NotABundle { path }),
                Err(error) => return Err(error.into()),
            };
            if let Some(expected) = expected.filter(|expected| *expected != size) {
                return Err(BundleError::PieceSize { path, expected, got: size });
            }
            pieces.push(Piece { path, start, size });
            start += size;
        }
        Ok(Self { pieces: pieces.into(), at: 0, open: None })
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.pieces.last().map_or(0, |last| last.start + last.size)
    }

    /// Another reader over the same bytes, at the place `at`.
    #[must_use]
    pub fn again(&self, at: u64) -> Self {
        Self { pieces: Arc::clone(&self.pieces), at, open: None }
    }

    /// The open file in which the next byte is, at that byte, and how many bytes follow in it.
    fn current(&mut self) -> io::Result<Option<(&mut fs::File, u64)>> {
        let holds = |piece: &Piece| piece.start <= self.at && self.at - piece.start < piece.size;
        let Some(index) = self.pieces.iter().position(holds) else { return Ok(None) };
        let piece = &self.pieces[index];
        let (skip, left) = (self.at - piece.start, piece.start + piece.size - self.at);
        if self.open.as_ref().is_none_or(|(open, _)| *open != index) {
            let mut file = fs::File::open(&piece.path)?;
            file.seek(SeekFrom::Start(skip))?;
            self.open = Some((index, file));
        }
        Ok(self.open.as_mut().map(|(_, file)| (file, left)))
    }
}

impl Read for Joined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((file, left)) = self.current()? else { return Ok(0) };
        let read = file.take(left).read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}
