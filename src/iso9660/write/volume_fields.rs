//! The descriptive fields of a whole image: label, time, application use.

use crate::iso9660::VolumeLabel;

/// The fields of an image besides its files.
#[derive(Clone, Copy, Debug)]
pub struct ImageHead<'a> {
    /// What the volume is called.
    pub label: VolumeLabel,
    /// Every time in it, in seconds after 1970.
    pub epoch_seconds: u64,
    /// The application use field, which only imgbuild reads: at most 512 bytes.
    pub application: &'a [u8],
}
