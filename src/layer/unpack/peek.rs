//! A reader whose next bytes can be looked at before they are taken.

use std::io::{self, BufRead, Read};

/// How many bytes are read at a time.
const SIZE: usize = 64 * 1024;

/// A buffered reader that looks ahead.
pub(in crate::layer) struct Peeked<R> {
    inner: R,
    buffer: Vec<u8>,
    /// Which of the buffer's bytes are there and not taken.
    next: std::ops::Range<usize>,
}

impl<R: Read> Peeked<R> {
    pub(in crate::layer) fn new(inner: R) -> Self {
        Self { inner, buffer: vec![0; SIZE], next: 0..0 }
    }

    /// The next `count` bytes, fewer where it ends before. They are not taken.
    pub(super) fn ahead(&mut self, count: usize) -> io::Result<&[u8]> {
        self.buffer.copy_within(self.next.clone(), 0);
        self.next = 0..self.next.len();
        while self.next.len() < count {
            match self.inner.read(&mut self.buffer[self.next.end..])? {
                0 => break,
                read => self.next.end += read,
            }
        }
        Ok(&self.buffer[..self.next.len().min(count)])
    }
}

impl<R: Read> BufRead for Peeked<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.next.is_empty() {
            self.next = 0..self.inner.read(&mut self.buffer)?;
        }
        Ok(&self.buffer[self.next.clone()])
    }

    fn consume(&mut self, count: usize) {
        self.next.start += count;
    }
}

impl<R: Read> Read for Peeked<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut from = self.fill_buf()?;
        let count = from.read(to)?;
        self.consume(count);
        Ok(count)
    }
}
