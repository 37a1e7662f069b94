//! Errors of reading and writing a bundle.

use std::io;
use std::path::PathBuf;

use super::SignatureError;
use crate::digest::Sha256;

/// Why a bundle cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It does not begin as a bundle does.
    #[error("`{}` is not a bundle, or its beginning is damaged", .path.display())]
    NotABundle {
        /// The file.
        path: PathBuf,
    },
    /// It is not signed, or not with the key that is insisted on.
    #[error("failed to verify the bundle with the signature `{}`: {why}", .path.display())]
    Signature {
        /// The signature's file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Its index is longer than any that is written.
    #[error("the index of `{}` would have {size} bytes, more than the limit of {limit}", .path.display())]
    IndexTooLong {
        /// The file.
        path: PathBuf,
        /// The size that its header declares.
        size: u64,
        /// The most that it may be.
        limit: u64,
    },
    /// The index has lost its digest.
    #[error("the index of `{}` is damaged: its bytes do not match its digest", .path.display())]
    IndexDamaged {
        /// The file.
        path: PathBuf,
    },
    /// It ends too early or too late.
    #[error("`{}` has {got} bytes, expected {expected} from its index", .path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// The size that follows from its index.
        expected: u64,
        /// The size that it has.
        got: u64,
    },
    /// The index has its digest and is wrong all the same.
    #[error("the index of `{}` is not valid: {why}", .path.display())]
    IndexInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The bundle is in another format than this program knows.
    #[error("`{}` has format {got}, this imgbuild reads format {known}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        got: u64,
        /// The one that is known.
        known: u64,
    },
    /// What was read for a part is not what the index says.
    #[error("`{part}` does not match the index of its bundle: expected sha256 {expected}, got {got}")]
    Damaged {
        /// The part's path in the bundle.
        part: String,
        /// The digest in the index.
        expected: Sha256,
        /// The digest of what was read.
        got: Sha256,
    },
    /// A part is longer than is read into memory.
    #[error("`{part}` has {size} bytes, more than the limit of {limit} for such a file")]
    PartTooLong {
        /// The part's path in the bundle.
        part: String,
        /// Its size.
        size: u64,
        /// The most that it may be.
        limit: u64,
    },
    /// The list of a split bundle's parts cannot be used.
    #[error("`{}` is not the list of a split bundle's parts: {why}", .path.display())]
    PartsInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A piece of a split bundle is not there.
    #[error("`{}` is missing: a split bundle is read from all its pieces in one folder", .path.display())]
    PieceMissing {
        /// The file.
        path: PathBuf,
    },
    /// A piece of a split bundle has another size.
    #[error("`{}` has {got} bytes, expected {expected}", .path.display())]
    PieceSize {
        /// The file.
        path: PathBuf,
        /// The size in the list of parts.
        expected: u64,
        /// The file's.
        got: u64,
    },
    /// The bundle would be split into more pieces than their names can count.
    #[error("pieces of {size} bytes would need {count} files, expected at most 999")]
    TooManyPieces {
        /// The bytes of a piece.
        size: u64,
        /// How many there would be.
        count: u64,
    },
    /// It could not be signed.
    #[error(transparent)]
    Signing(#[from] SignatureError),
    /// The file system says no.
    #[error("{0}")]
    Io(io::Error),
}

impl BundleError {
    /// Whether bytes are not what they must be.
    pub fn is_integrity(&self) -> bool {
        !matches!(self, Self::Io(_) | Self::Signing(_) | Self::Format { .. } | Self::TooManyPieces { .. })
    }
}

impl From<io::Error> for BundleError {
    /// Finds the bundle's own errors again where they came through a [`io::Read`].
    fn from(error: io::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(Self::Io)
    }
}
