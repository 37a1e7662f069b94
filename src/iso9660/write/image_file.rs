//! One file that is written into an image.

use std::fmt;
use std::io::Read;

use crate::guest::Mode;

/// A file to be put into an image: its size is known before its bytes are read.
pub struct ImageFile<'a> {
    pub(super) name: &'a str,
    pub(super) mode: Mode,
    pub(super) size: u64,
    pub(super) content: Box<dyn Read + 'a>,
}

impl<'a> ImageFile<'a> {
    /// A file whose `size` bytes are read from `content` when its turn comes.
    pub fn from_reader(name: &'a str, mode: Mode, size: u64, content: impl Read + 'a) -> Self {
        Self { name, mode, size, content: Box::new(content) }
    }
}

impl fmt::Debug for ImageFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, mode, size, content: _ } = self;
        f.debug_struct("ImageFile")
            .field("name", name)
            .field("mode", mode)
            .field("size", size)
            .finish_non_exhaustive()
    }
}
