//! Errors of writing and reading an image.

use std::io;

use super::MAX_FILES;
use crate::digest::Sha256;
use crate::guest::Mode;

/// Why an image was not written, or is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A name that not every reader of the image would see as it is.
    #[error("`{name}` is not a valid file name in an image: {reason}")]
    Name {
        /// The name that was asked for.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// Two files of one name.
    #[error("duplicate file `{name}` in the image")]
    Duplicate {
        /// The name of both.
        name: String,
    },
    /// A file over the limit of one extent, whose length is a 32-bit number (ECMA-119 9.1.4).
    #[error("`{name}` has {size} bytes, expected at most 4294967295 in an image")]
    FileTooLarge {
        /// The file.
        name: String,
        /// Its bytes.
        size: u64,
    },
    /// More files than an image may have here.
    #[error("too many files for an image: expected at most {MAX_FILES}, got {count}")]
    TooManyFiles {
        /// How many there are.
        count: usize,
    },
    /// More sectors than a 32-bit number can count (ECMA-119 8.4.8).
    #[error("the files need {sectors} sectors, expected at most 4294967295 in an image")]
    ImageTooLarge {
        /// How many are needed, 2048 bytes each.
        sectors: u64,
    },
    /// A time that directory records, which count years from 1900 in one byte (ECMA-119 9.1.5), cannot hold.
    #[error("invalid time for an image: {epoch_seconds} seconds after 1970 is later than the year 2155")]
    Time {
        /// Seconds since 1970-01-01T00:00:00Z.
        epoch_seconds: u64,
    },
    /// A text for applications that has no room (ECMA-119 8.4.32).
    #[error("the application use field of an image is too long: expected at most 512 bytes, got {bytes}")]
    Application {
        /// Its bytes.
        bytes: usize,
    },
    /// A file's reader failed.
    #[error("cannot read `{name}` to put it into the image")]
    Content {
        /// The file.
        name: String,
        /// What its reader said.
        source: io::Error,
    },
    /// A file's reader ended before the size that was declared.
    #[error("`{name}` has {got} bytes, expected {declared}")]
    TooShort {
        /// The file.
        name: String,
        /// Its size as declared.
        declared: u64,
        /// The bytes that came.
        got: u64,
    },
    /// A file's reader had more bytes than the size that was declared.
    #[error("`{name}` has more than the expected {declared} bytes")]
    TooLong {
        /// The file.
        name: String,
        /// Its size as declared.
        declared: u64,
    },
    /// The image could not be written.
    #[error("cannot write the image")]
    Write(#[source] io::Error),

    /// The image could not be read.
    #[error("cannot read the image")]
    Read(#[source] io::Error),
    /// The bytes are not an image, or a damaged one, or one with structures that a seed does not have.
    #[error("the image is damaged at byte {offset}: {fault}")]
    Malformed {
        /// Where, in bytes from the beginning of the image.
        offset: u64,
        /// What is wrong there.
        fault: &'static str,
    },
    /// The image ends before the last sector that it says it has.
    #[error("the image is truncated: it has {got} of {declared} bytes")]
    Truncated {
        /// The bytes that its descriptor declares.
        declared: u64,
        /// The bytes that there are.
        got: u64,
    },
    /// The two trees disagree about a file, so that its content would depend on the reader.
    #[error("the Rock Ridge and the Joliet tree of the image disagree about `{name}`")]
    TreesDiffer {
        /// The file.
        name: String,
    },

    /// The volume has another label.
    #[error("the image is labelled `{got}`, expected `{expected}`")]
    Label {
        /// The label that it should have.
        expected: &'static str,
        /// The label that it has.
        got: String,
    },
    /// A file that should be there is not.
    #[error("`{name}` is not in the image")]
    Missing {
        /// The file.
        name: String,
    },
    /// A file that should not be there is.
    #[error("unexpected file `{name}` in the image")]
    Unexpected {
        /// The file.
        name: String,
    },
    /// A file has other permissions.
    #[error("`{name}` has mode {got} in the image, expected {expected}")]
    FileMode {
        /// The file.
        name: String,
        /// The mode that it should have.
        expected: Mode,
        /// The mode that it has.
        got: Mode,
    },
    /// A file has another size.
    #[error("`{name}` has {got} bytes in the image, expected {expected}")]
    FileSize {
        /// The file.
        name: String,
        /// The bytes that it should have.
        expected: u64,
        /// The bytes that it has.
        got: u64,
    },
    /// A file lies elsewhere than its content was written.
    #[error("`{name}` begins at byte {got} of the image, where its content was not written")]
    Place {
        /// The file.
        name: String,
        /// Where it begins in the image.
        got: u64,
    },
    /// A file has other bytes.
    #[error("`{name}` has sha256 {got} in the image, expected {expected}")]
    FileDigest {
        /// The file.
        name: String,
        /// The digest that it should have.
        expected: Sha256,
        /// The digest that it has.
        got: Sha256,
    },
}
