//! The `NoCloud` seed as an ISO 9660 image (pure, writes to `impl Write`).
//!
//! cloud-init takes its documents from a volume labelled `CIDATA`. An image is written front to back in one
//! pass, with the same bytes for the same input, and names its files twice: in the primary tree with Rock
//! Ridge (names and permissions as on Linux) and in the Joliet tree (for readers without Rock Ridge). The
//! writer ([`write_image`]) and the reader ([`read_image`], [`check_written`]) share the rules for names
//! but nothing that places or parses anything, so that what one gets wrong the other finds.
//!
//! Formats: ECMA-119 second edition (the text of ISO 9660:1988), the Joliet specification of 1995, the System
//! Use Sharing Protocol (SUSP) and the Rock Ridge Interchange Protocol (RRIP), clauses as in 1.12.

mod error;
mod label;
mod name;
mod read;
mod write;

use std::ops::Range;

pub use error::SeedError;
pub use label::VolumeLabel;
pub use read::{ExpectedFile, ListedFile, Listing, check_written, read_image};
pub use write::{ImageFile, ImageHead, check_rest, write_image};

/// Bytes of a logical sector, here also of a logical block, where extents begin (ECMA-119 6.1.2, 6.2.2).
const SECTOR: usize = 2048;

/// The bytes of a descriptor that are left to applications (ECMA-119 8.4.32).
const APPLICATION_USE: Range<usize> = 883..1395;

/// The most files that an image may have, so that reading a hostile one takes bounded time and memory: the layers of as many
/// nodes as a large cluster has.
const MAX_FILES: usize = 1 << 16;

/// How many sectors hold `bytes`.
fn sectors(bytes: u64) -> u64 {
    bytes.div_ceil(SECTOR as u64)
}
