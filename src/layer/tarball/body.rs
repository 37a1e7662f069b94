//! The content of one member, read in its turn.

use std::io::{self, Read};

use super::{Meter, PIECE, TarballError};

/// The content of one member.
pub(in crate::layer) struct MemberBody<'a> {
    reader: &'a mut dyn Read,
    meter: &'a Meter,
    /// How many bytes are left; none if that is not known.
    left: Option<u64>,
}

impl<'a> MemberBody<'a> {
    /// A content of so many bytes.
    pub(in crate::layer) fn with_size(reader: &'a mut dyn Read, meter: &'a Meter, size: u64) -> Self {
        Self { reader, meter, left: Some(size) }
    }

    /// All that the reader gives.
    pub(in crate::layer) fn to_the_end(reader: &'a mut dyn Read, meter: &'a Meter) -> Self {
        Self { reader, meter, left: None }
    }

    /// Gives the bytes that are left to `each`, in pieces of at most 64 KiB.
    pub(in crate::layer) fn read<E: From<TarballError>>(
        &mut self,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let most =
            self.left.and_then(|left| usize::try_from(left).ok()).map_or(PIECE, |left| left.min(PIECE));
        let mut buffer = vec![0; most];
        while self.left != Some(0) {
            let count = self.reader.read(&mut buffer).map_err(|error| self.meter.explain(error))?;
            match &mut self.left {
                Some(_) if count == 0 => return Err(TarballError::CutShort.into()),
                Some(left) => *left = left.saturating_sub(count as u64),
                None if count == 0 => self.left = Some(0),
                None => {}
            }
            each(&buffer[..count])?;
        }
        Ok(())
    }

    /// Sees that a content that was read is at its end, where its reader may check what it was.
    pub(in crate::layer) fn check_end(&mut self) -> Result<(), TarballError> {
        if self.left != Some(0) {
            return Ok(());
        }
        match self.reader.read(&mut [0]).map_err(|error| self.meter.explain(error))? {
            0 => Ok(()),
            _ => Err(TarballError::Damaged(io::Error::other("a member is longer than its header declares"))),
        }
    }
}
