//! Bounded access to the bytes of an untrusted image.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use crate::iso9660::{SECTOR, SeedError};

/// An image that is read.
pub(super) struct ImageSource<'a, R> {
    image: &'a mut R,
    length: u64,
}

impl<'a, R: Read + Seek> ImageSource<'a, R> {
    pub(super) fn new(image: &'a mut R) -> Result<Self, SeedError> {
        let length = image.seek(SeekFrom::End(0)).map_err(SeedError::Read)?;
        Ok(Self { image, length })
    }

    /// The bytes that there are, whatever the image says of itself.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// One whole sector, which becomes `buffer`.
    pub(super) fn sector<'b>(
        &mut self,
        number: u32,
        buffer: &'b mut [u8; SECTOR],
    ) -> Result<ImageBytes<'b>, SeedError> {
        let offset = u64::from(number) * SECTOR as u64;
        if offset + SECTOR as u64 > self.length {
            return Err(SeedError::Malformed { offset, fault: "a sector lies beyond the end of the image" });
        }
        self.image.seek(SeekFrom::Start(offset)).map_err(SeedError::Read)?;
        self.image.read_exact(buffer).map_err(SeedError::Read)?;
        Ok(ImageBytes { bytes: buffer, offset })
    }
}

/// Some bytes of an image and where they lie, so that what is wrong with them can be found.
#[derive(Clone, Copy, Debug)]
pub(super) struct ImageBytes<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) offset: u64,
}

impl ImageBytes<'_> {
    /// The fault that is found `at` bytes into the span.
    pub(super) fn fault(&self, at: usize, fault: &'static str) -> SeedError {
        SeedError::Malformed { offset: self.offset + at as u64, fault }
    }

    /// A part of the span.
    pub(super) fn part(&self, range: Range<usize>) -> Result<Self, SeedError> {
        let offset = self.offset + range.start as u64;
        let too_short = || self.fault(range.start, "a structure extends beyond its end");
        let bytes = self.bytes.get(range.clone()).ok_or_else(too_short)?;
        Ok(Self { bytes, offset })
    }

    /// All of the span from `at`.
    pub(super) fn rest(&self, at: usize) -> Result<Self, SeedError> {
        self.part(at..self.bytes.len().max(at))
    }

    /// `N` bytes from `at`.
    pub(super) fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], SeedError> {
        let part = self.part(at..at + N)?;
        part.bytes.try_into().map_err(|_| self.fault(at, "a structure extends beyond its end"))
    }

    /// A byte.
    pub(super) fn byte(&self, at: usize) -> Result<u8, SeedError> {
        Ok(u8::from_le_bytes(self.array(at)?))
    }

    /// A 16-bit number that is there in both byte orders (ECMA-119 7.2.3).
    pub(super) fn both_u16(&self, at: usize) -> Result<u16, SeedError> {
        let number = u16::from_le_bytes(self.array(at)?);
        if number != u16::from_be_bytes(self.array(at + 2)?) {
            return Err(self.fault(at, "the two byte orders of a number differ"));
        }
        Ok(number)
    }

    /// A 32-bit number that is there in both byte orders (ECMA-119 7.3.3).
    pub(super) fn both_u32(&self, at: usize) -> Result<u32, SeedError> {
        let number = u32::from_le_bytes(self.array(at)?);
        if number != u32::from_be_bytes(self.array(at + 4)?) {
            return Err(self.fault(at, "the two byte orders of a number differ"));
        }
        Ok(number)
    }
}
