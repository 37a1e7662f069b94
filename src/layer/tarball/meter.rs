//! Counts the bytes of an archive on their way, stops at a bound, and remembers which side failed: tar-rs passes on one
//! kind of error for all of it.

use std::cell::Cell;
use std::error::Error;
use std::io::{self, Read};

use super::{HEADERS, TarballError};

/// What the readers below and above the decompressor tell of an archive.
pub(in crate::layer) struct Meter {
    /// How many bytes may come in all.
    limit: u64,
    /// How many came.
    used: Cell<u64>,
    /// At which count the next read fails: the limit, or nearer while headers are read.
    bound: Cell<u64>,
    /// Whether a read failed because of the bound.
    reached: Cell<bool>,
    /// Whether reading the compressed bytes failed.
    unreadable: Cell<bool>,
    /// Whether the decompressed bytes came to their end.
    ended: Cell<bool>,
}

impl Meter {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit,
            used: Cell::new(0),
            bound: Cell::new(limit),
            reached: Cell::new(false),
            unreadable: Cell::new(false),
            ended: Cell::new(false),
        }
    }

    /// How many bytes came out of the decompressor.
    pub(crate) fn used(&self) -> u64 {
        self.used.get()
    }

    /// Lets `count` bytes more through, within the limit.
    pub(crate) fn allow(&self, count: u64) {
        self.bound.set(self.used().saturating_add(count).min(self.limit));
    }

    /// What an error really was.
    pub(crate) fn explain(&self, error: io::Error) -> TarballError {
        if self.reached.get() && self.bound.get() == self.limit {
            TarballError::Bytes(self.limit)
        } else if self.reached.get() {
            TarballError::Headers(HEADERS)
        } else if self.unreadable.get() {
            TarballError::Read(error)
        } else if has_kind(&error, io::ErrorKind::OutOfMemory) {
            TarballError::Memory
        } else if self.ended.get() || has_kind(&error, io::ErrorKind::UnexpectedEof) {
            TarballError::CutShort
        } else {
            TarballError::Damaged(error)
        }
    }
}

/// Whether an error is of a kind, or came of one that is; decompressors wrap those of their reader.
fn has_kind(error: &io::Error, kind: io::ErrorKind) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>();
        if inner.is_some_and(|error| error.kind() == kind) {
            return true;
        }
        cause = match inner.and_then(io::Error::get_ref) {
            Some(inside) => Some(inside),
            None => error.source(),
        };
    }
    false
}

/// The compressed bytes.
pub(in crate::layer) struct MeteredSource<'a, R> {
    inner: R,
    meter: &'a Meter,
}

impl<'a, R> MeteredSource<'a, R> {
    pub(crate) fn new(inner: R, meter: &'a Meter) -> Self {
        Self { inner, meter }
    }
}

impl<R: Read> Read for MeteredSource<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    self.meter.unreadable.set(result.is_err());
                    return result;
                }
            }
        }
    }
}

/// The decompressed bytes.
pub(in crate::layer) struct Metered<'a, R> {
    inner: R,
    meter: &'a Meter,
}

impl<'a, R> Metered<'a, R> {
    pub(crate) fn new(inner: R, meter: &'a Meter) -> Self {
        meter.ended.set(false);
        Self { inner, meter }
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowed = self.meter.bound.get().saturating_sub(self.meter.used());
        if allowed == 0 && !buffer.is_empty() {
            // Only a byte that is really there is one too many.
            if self.inner.read(&mut [0])? == 0 {
                return Ok(0);
            }
            self.meter.reached.set(true);
            return Err(io::Error::other("limit reached"));
        }
        let length = usize::try_from(allowed).map_or(buffer.len(), |allowed| allowed.min(buffer.len()));
        let count = self.inner.read(&mut buffer[..length])?;
        self.meter.ended.set(count == 0 && length > 0);
        self.meter.used.set(self.meter.used() + count as u64);
        Ok(count)
    }
}
