//! Why a gzipped tar stream cannot be read to its end.

use std::io;

/// Why a gzipped tar stream cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TarballError {
    /// The bytes could not be had.
    #[error("cannot read the archive")]
    Read(#[source] io::Error),
    /// The bytes are no gzipped tar stream, or one that was altered.
    #[error("the archive is damaged, or is no gzipped tar archive")]
    Damaged(#[source] io::Error),
    /// It ends in the middle of its compressed data or of a member.
    #[error("the archive is cut short")]
    CutShort,
    /// It ends after a member, without the marker that every tar archive ends with.
    #[error("the archive has no end-of-archive marker: it is cut short")]
    NoEnd,
    /// Something other than zeros follows the end-of-archive marker.
    #[error("the archive goes on after its end-of-archive marker")]
    Trailing,
    /// It holds more bytes than allowed, in truth or as a member declares.
    #[error("the archive unpacks to more than {0} bytes")]
    Bytes(u64),
    /// It holds more members than allowed.
    #[error("the archive has more than {0} members")]
    Members(u64),
    /// Its names are longer, taken together, than allowed.
    #[error("the names in the archive are longer than {0} bytes, taken together")]
    Names(u64),
    /// One member's headers are longer than allowed.
    #[error("the headers of one member of the archive are longer than {0} bytes")]
    Headers(u64),
    /// A member is stored as a sparse file.
    #[error("`{}` is stored as a sparse file, which is not supported", .0.escape_debug())]
    Sparse(String),
}
