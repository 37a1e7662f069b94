//! All members of a gzip file, and the zeros that may follow them.

use std::io::{self, BufRead as _, Read};

use flate2::bufread::GzDecoder;

use super::Peeked;

/// Decompresses one member after the other (RFC 1952, section 2.2). Zeros behind the last, which tapes and some uploads leave,
/// are passed over, as gzip and GNU tar do; anything else there is an error.
pub(in crate::layer) struct GzipMembers<R> {
    /// The member that is read; none behind the last.
    member: Option<GzDecoder<Peeked<R>>>,
}

impl<R: Read> GzipMembers<R> {
    pub(in crate::layer) fn new(packed: Peeked<R>) -> Self {
        Self { member: Some(GzDecoder::new(packed)) }
    }

    /// Goes on behind the end of a member.
    fn next(&mut self) -> io::Result<()> {
        let Some(member) = self.member.take() else { return Ok(()) };
        let mut rest = member.into_inner();
        match rest.ahead(1)? {
            [] => {}
            [0] => only_zeros(&mut rest)?,
            _ => self.member = Some(GzDecoder::new(rest)),
        }
        Ok(())
    }
}

impl<R: Read> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            match member.read(buffer)? {
                0 if !buffer.is_empty() => self.next()?,
                count => return Ok(count),
            }
        }
        Ok(0)
    }
}

fn only_zeros(rest: &mut Peeked<impl Read>) -> io::Result<()> {
    loop {
        let piece = rest.fill_buf()?;
        let count = piece.len();
        match count {
            0 => return Ok(()),
            _ if piece.iter().all(|byte| *byte == 0) => rest.consume(count),
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "unexpected data after the compressed data",
                ));
            }
        }
    }
}
