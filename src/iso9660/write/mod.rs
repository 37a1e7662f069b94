//! Writes an image front to back: the layout depends only on names and sizes.

mod check_metadata;
mod descriptor;
mod image_file;
mod layout;
mod record;
mod rock_ridge;
mod time;
mod volume_fields;

use std::io::{self, Read, Write};

use crate::digest::COPIED;
use crate::iso9660::{SECTOR, SeedError};
use layout::{ImageLayout, content_sectors};
use time::Timestamp;

pub use check_metadata::check_rest;
pub use image_file::ImageFile;
pub use volume_fields::ImageHead;

/// Writes an image that holds `files` in its root folder.
///
/// The content lies in the order of `files`. Returns where that of each begins, and the size of the image, in bytes that
/// were written before. On an error, `out` has part of an image, which is of no use.
pub fn write_image(
    head: &ImageHead<'_>,
    files: Vec<ImageFile<'_>>,
    out: impl Write,
) -> Result<(Vec<u64>, u64), SeedError> {
    let layout = ImageLayout::new(&files, Timestamp::at(head.epoch_seconds)?)?;
    let metadata = layout.metadata(head.label.as_str(), head.application)?;
    let mut out = Counted { out, count: 0 };
    out.write_all(&metadata).map_err(SeedError::Write)?;
    let mut places = Vec::with_capacity(files.len());
    for file in files {
        places.push(out.count);
        write_content(file, &mut out)?;
    }
    out.flush().map_err(SeedError::Write)?;
    Ok((places, out.count))
}

/// Counts what is written.
struct Counted<W> {
    out: W,
    count: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.count += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Copies the bytes of `file`, exactly as many as declared, and fills its last sector.
fn write_content(mut file: ImageFile<'_>, out: &mut impl Write) -> Result<(), SeedError> {
    let (name, declared) = (file.name.to_owned(), file.size);
    let mut buffer = vec![0; COPIED.min(usize::try_from(declared).unwrap_or(COPIED))];
    let mut left = declared;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        match read_some(&mut file.content, &mut buffer[..most]) {
            Ok(0) => return Err(SeedError::TooShort { name, declared, got: declared - left }),
            Ok(got) => {
                out.write_all(&buffer[..got]).map_err(SeedError::Write)?;
                left -= got as u64;
            }
            Err(source) => return Err(SeedError::Content { name, source }),
        }
    }
    match read_some(&mut file.content, &mut [0]) {
        Ok(0) => {}
        Ok(_) => return Err(SeedError::TooLong { name, declared }),
        Err(source) => return Err(SeedError::Content { name, source }),
    }
    let padding = content_sectors(declared) * SECTOR as u64 - declared;
    io::copy(&mut io::repeat(0).take(padding), out).map_err(SeedError::Write)?;
    Ok(())
}

/// Reads, and again when a signal came between.
fn read_some(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::guest::Mode;
    use crate::iso9660::{MAX_FILES, VolumeLabel, read_image};

    const HEAD: ImageHead<'_> =
        ImageHead { label: VolumeLabel::Imgbuild, epoch_seconds: 1_700_000_000, application: b"note" };

    fn write(files: Vec<ImageFile<'_>>) -> Result<Vec<u8>, SeedError> {
        let mut image = Vec::new();
        write_image(&HEAD, files, &mut image)?;
        Ok(image)
    }

    fn sized(name: &str, size: u64) -> ImageFile<'_> {
        ImageFile::from_reader(name, Mode::FILE, size, io::repeat(7).take(10))
    }

    #[test]
    fn what_an_image_cannot_hold_is_refused_before_anything_is_written() {
        let many: Vec<_> = (0..=MAX_FILES).map(|n| n.to_string()).collect();
        let refused = |files: Vec<ImageFile<'_>>| {
            let mut out = Vec::new();
            let error = write_image(&HEAD, files, &mut out).unwrap_err();
            assert!(out.is_empty(), "{error}");
            error
        };
        assert!(matches!(refused(vec![sized("a b", 10)]), SeedError::Name { .. }));
        assert!(matches!(refused(vec![sized("a", 10), sized("a", 10)]), SeedError::Duplicate { .. }));
        assert!(matches!(refused(vec![sized("a", 1 << 32)]), SeedError::FileTooLarge { .. }));
        let too_many = many.iter().map(|name| sized(name, 10)).collect();
        assert!(matches!(refused(too_many), SeedError::TooManyFiles { .. }));
        let too_large = many[..MAX_FILES].iter().map(|name| sized(name, u64::from(u32::MAX))).collect();
        assert!(matches!(refused(too_large), SeedError::ImageTooLarge { .. }));
        let late = ImageHead { epoch_seconds: u64::MAX, ..HEAD };
        let late = write_image(&late, vec![sized("a", 10)], io::sink());
        assert!(matches!(late, Err(SeedError::Time { .. })));
        let long = ImageHead { application: &[b'x'; 513], ..HEAD };
        let long = write_image(&long, vec![sized("a", 10)], io::sink());
        assert!(matches!(long, Err(SeedError::Application { bytes: 513 })));
    }

    #[test]
    fn a_file_that_is_not_as_long_as_declared_is_refused() {
        assert!(matches!(
            write(vec![sized("a", 11)]),
            Err(SeedError::TooShort { declared: 11, got: 10, .. })
        ));
        assert!(matches!(write(vec![sized("a", 9)]), Err(SeedError::TooLong { declared: 9, .. })));
        assert!(matches!(write(vec![sized("a", 0)]), Err(SeedError::TooLong { declared: 0, .. })));
        assert!(write(vec![sized("a", 10)]).is_ok());
    }

    #[test]
    fn a_reader_that_fails_is_named_and_one_that_is_interrupted_goes_on() {
        struct Script(Vec<Result<u8, io::ErrorKind>>);
        impl Read for Script {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let Some(step) = self.0.pop() else { return Ok(0) };
                into[0] = step?;
                Ok(1)
            }
        }
        let file = |steps| ImageFile::from_reader("a", Mode::FILE, 1, Script(steps));
        let interrupted = Err(io::ErrorKind::Interrupted);
        assert!(write(vec![file(vec![interrupted, Ok(9), interrupted])]).is_ok());
        for steps in [vec![Err(io::ErrorKind::Other)], vec![Err(io::ErrorKind::Other), Ok(9)]] {
            assert!(matches!(write(vec![file(steps)]), Err(SeedError::Content { name, .. }) if name == "a"));
        }
    }

    #[test]
    fn directories_of_many_sectors_hold_all_their_files() {
        let names: Vec<_> = (0..4096).map(|n| format!("{n}-{}.x", "y".repeat(50))).collect();
        let files = names
            .iter()
            .map(|name| ImageFile::from_reader(name, Mode::FILE, name.len() as u64, name.as_bytes()))
            .collect();
        let image = write(files).unwrap();
        let listing = read_image(&mut Cursor::new(&image)).unwrap();
        assert_eq!((listing.label.as_str(), &listing.application[..]), ("IMGBUILD", &b"note"[..]));
        assert_eq!(listing.files.len(), 4096);
        for file in listing.files {
            let mut content = String::new();
            file.open(Cursor::new(&image)).unwrap().read_to_string(&mut content).unwrap();
            assert_eq!(content, file.name);
        }
    }

    #[test]
    fn the_same_input_gives_the_same_bytes_and_another_time_does_not() {
        let write = |seconds| {
            let mut image = Vec::new();
            let head = ImageHead { epoch_seconds: seconds, ..HEAD };
            write_image(&head, vec![sized("a", 10)], &mut image).unwrap();
            image
        };
        assert_eq!(write(0), write(0));
        assert_ne!(write(0), write(1));
    }
}
