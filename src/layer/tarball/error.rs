//! Why an archive cannot be read to its end.

use std::io;

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TarballError {
    /// Reading failed.
    #[error("cannot read the archive")]
    Read(#[source] io::Error),
    /// What it was copied to, so that it can be read, takes no more.
    #[error("cannot write a copy of the archive")]
    Scratch(#[source] io::Error),
    /// The bytes are not those that an archive has, or they were altered.
    #[error("the archive is damaged")]
    Damaged(#[source] io::Error),
    /// It is something else.
    #[error("it is {0}")]
    Unsupported(&'static str),
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Its compression needs more memory than is granted.
    #[error("unpacking the archive needs more than 128 MiB of memory")]
    Memory,
    /// It ends in the middle of its compressed data or of a member.
    #[error("the archive is truncated")]
    CutShort,
    /// It ends after a member, without the marker that every tar archive ends with.
    #[error("the archive is truncated: its end-of-archive marker is missing")]
    NoEnd,
    /// Something other than zeros follows the end-of-archive marker.
    #[error("the archive contains data after its end-of-archive marker")]
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
}
