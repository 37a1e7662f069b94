//! All frames of a Zstandard file: `pzstd`, `zstd --rsyncable` and appended files have several.

use std::io::{self, Read};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::Peeked;

/// Decompresses one frame after the other (RFC 8878, section 3.1), and passes over those that are to be skipped.
pub(super) struct ZstdFrames<R> {
    packed: Peeked<R>,
    decoder: FrameDecoder,
    is_within: bool,
}

impl<R: Read> ZstdFrames<R> {
    /// `memory` limits the window that a frame may ask for, in bytes.
    pub(super) fn new(packed: Peeked<R>, memory: u64) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(memory);
        Self { packed, decoder, is_within: false }
    }

    /// Begins the next frame, if there is one.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            let head = self.packed.ahead(8)?;
            if head.is_empty() {
                return Ok(false);
            }
            let Some(length) = skipped(head) else { break };
            let copied = io::copy(&mut (&mut self.packed).take(8 + u64::from(length)), &mut io::sink())?;
            if copied < 8 + u64::from(length) {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.decoder.init(&mut self.packed).map_err(io::Error::other)?;
        self.is_within = true;
        Ok(true)
    }

    /// Ends the frame, whose bytes must have the checksum that it states.
    fn end(&mut self) -> io::Result<()> {
        self.is_within = false;
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(stated), Some(got)) if stated != got => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum of a frame is wrong"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: Read> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            if !self.is_within && !self.begin()? {
                break;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.packed, one).map_err(io::Error::other)?;
            }
            match self.decoder.read(buffer)? {
                0 => self.end()?,
                count => return Ok(count),
            }
        }
        Ok(0)
    }
}

/// How long the content of a frame is that is to be skipped, if this is the head of one.
fn skipped(head: &[u8]) -> Option<u32> {
    let is_skippable = (0x50..=0x5f).contains(head.first()?) && head.get(1..4)? == b"\x2a\x4d\x18";
    head.get(4..8).filter(|_| is_skippable)?.try_into().ok().map(u32::from_le_bytes)
}
