//! The end of an overlay. Its layers are joined by copying their bytes: gzip members follow one another, tar entries too.

use std::io;

use super::gzip;

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
    use crate::layer::tarball::ArchiveLimits;

    #[test]
    fn layers_follow_one_another_and_the_archive_ends_once() {
        let (one, two) = (Fixture::new().file("a", b"").gz_without_end(), Fixture::new().file("b", b""));
        let overlay = [one, two.gz_without_end(), end_of_archive().unwrap()].concat();
        assert_eq!(plain(&overlay).len(), 512 + 512 + 1024);
        assert_eq!(list(&overlay[..], &ArchiveLimits::default()).unwrap().entries.len(), 2);
    }

    #[test]
    fn an_overlay_may_be_empty() {
        let overlay = end_of_archive().unwrap();
        assert!(list(&overlay[..], &ArchiveLimits::default()).unwrap().entries.is_empty());
    }
}
