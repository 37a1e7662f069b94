//! Writes an overlay: layers are read one after the other and copied while they are hashed.

use std::collections::VecDeque;
use std::io::{self, Read, Write as _};

use fs_err as fs;

use super::shared_layers::LayerSource;

/// Reads an overlay and writes it at once, so that file and image need one reading of the layers.
pub(super) struct TeeConcat<'a> {
    layers: VecDeque<LayerSource<'a>>,
    file: fs::File,
}

impl<'a> TeeConcat<'a> {
    /// Joins these layers, for gzip members follow one another.
    pub(super) fn new(layers: Vec<LayerSource<'a>>, file: fs::File) -> Self {
        Self { layers: layers.into(), file }
    }
}

impl Read for TeeConcat<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(layer) = self.layers.front_mut() {
            let read = layer.content.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                self.file.write_all(&buffer[..read])?;
                return Ok(read);
            }
            self.layers.pop_front();
        }
        Ok(0)
    }
}
