//! Joins layers into an overlay by copying their bytes: gzip members follow one another, tar entries too.

use std::io::{self, Read, Write};

use super::gzip;

/// Writes an overlay: its layers, then the end of the archive.
#[derive(Debug)]
pub struct OverlayWriter<W> {
    out: W,
}

impl<W: Write> OverlayWriter<W> {
    /// Begins an overlay.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Adds a finished layer, compressed as it is, and says how many bytes it has. An error may come from either
    /// side.
    pub fn append(&mut self, mut layer: impl Read) -> io::Result<u64> {
        io::copy(&mut layer, &mut self.out)
    }

    /// Ends the archive. Without it readers take the overlay for one that was cut short.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&end_of_archive()?)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// The last member of every overlay: the two zero blocks that end a tar archive (POSIX.1-2024, pax, "ustar
/// Interchange Format").
pub fn end_of_archive() -> io::Result<Vec<u8>> {
    gzip::member(&[0; 1024])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::fixture::{Fixture, plain};
    use crate::layer::list::list;
    use crate::layer::tarball::Limits;

    #[test]
    fn layers_follow_one_another_and_the_archive_ends_once() {
        let (one, two) = (Fixture::new().file("a", b"").gz_without_end(), Fixture::new().file("b", b""));
        let mut overlay = OverlayWriter::new(Vec::new());
        assert_eq!(overlay.append(&one[..]).unwrap(), one.len() as u64);
        assert_eq!(overlay.append(&b""[..]).unwrap(), 0);
        overlay.append(&two.gz_without_end()[..]).unwrap();
        let overlay = overlay.finish().unwrap();
        assert_eq!(plain(&overlay).len(), 512 + 512 + 1024);
        assert_eq!(list(&overlay[..], &Limits::default()).unwrap().entries.len(), 2);
    }

    #[test]
    fn an_overlay_may_be_empty() {
        let overlay = OverlayWriter::new(Vec::new()).finish().unwrap();
        assert!(list(&overlay[..], &Limits::default()).unwrap().entries.is_empty());
    }
}
