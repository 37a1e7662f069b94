//! What an image says of itself as a whole.

use crate::iso9660::VolumeLabel;

/// What stands in an image besides its files.
#[derive(Clone, Copy, Debug)]
pub struct ImageHead<'a> {
    /// What the volume is called.
    pub label: VolumeLabel,
    /// Every time in it, in seconds after 1970.
    pub epoch_seconds: u64,
    /// What it says to applications that know where to look, and nobody else reads: at most 512 bytes.
    pub application: &'a [u8],
}
