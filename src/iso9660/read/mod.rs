//! Reads back the contents of an image.

mod check;
mod extensions;
mod source;
mod tree;
mod volume;

use std::io::{self, Read, Seek, SeekFrom, Take};

use crate::guest::Mode;
use crate::iso9660::SeedError;
use source::ImageSource;
use tree::{FileExtent, joliet, rock_ridge};
use volume::Volume;

pub use check::{ExpectedFile, check_written};

/// What an image says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The volume's label.
    pub label: String,
    /// What it says to applications (ECMA-119 8.4.32).
    pub application: Vec<u8>,
    /// Bytes of the whole image; there may be more behind it.
    pub size: u64,
    /// The files of its root folder, by name.
    pub files: Vec<ListedFile>,
}

/// One file of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// Its name, a portable one: no slash, not `.` or `..`.
    pub name: String,
    /// Its permissions.
    pub mode: Mode,
    /// Where its bytes begin, counted from the beginning of the image.
    pub offset: u64,
    /// How many they are.
    pub size: u64,
}

impl ListedFile {
    /// Its bytes, from the image that it was listed of.
    pub fn open<R: Read + Seek>(&self, mut image: R) -> io::Result<Take<R>> {
        image.seek(SeekFrom::Start(self.offset))?;
        Ok(image.take(self.size))
    }
}

/// Reads what is in an image, from both of its trees, which must agree.
///
/// The image may be hostile: this takes a few megabytes of memory at most, and the listed files lie within
/// the image. Their content is not looked at.
pub fn read_image(image: &mut (impl Read + Seek)) -> Result<Listing, SeedError> {
    let mut source = ImageSource::new(image)?;
    let volume = Volume::read(&mut source)?;
    let files = rock_ridge(&mut source, volume.primary)?;
    let mut others = joliet(&mut source, volume.joliet)?;
    for (name, (place, _)) in &files {
        if others.remove(name) != Some(*place) {
            return Err(SeedError::TreesDiffer { name: name.clone() });
        }
    }
    if let Some(name) = others.into_keys().next() {
        return Err(SeedError::TreesDiffer { name });
    }
    let listed = |(name, (FileExtent { offset, size }, mode))| {
        if offset + size > volume.size {
            return Err(SeedError::Malformed { offset, fault: "a file extends beyond the end of the image" });
        }
        Ok(ListedFile { name, mode, offset, size })
    };
    let files = files.into_iter().map(listed).collect::<Result<_, _>>()?;
    let Volume { label, application, size, .. } = volume;
    Ok(Listing { label, application, size, files })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::digest::Sha256;
    use crate::iso9660::{
        ExpectedFile, ImageFile, ImageHead, VolumeLabel, check_rest, check_written, write_image,
    };

    const FILES: [(&str, Mode, &[u8]); 4] = [
        ("user-data", Mode::PRIVATE, b"#cloud-config\n"),
        ("meta-data", Mode::FILE, b"instance-id: ptrn-1\n"),
        ("empty", Mode::FILE, b""),
        ("overlay.tar.gz", Mode::FILE, &[0xA5; 5000]),
    ];

    fn file<'a>(name: &'a str, mode: Mode, bytes: &'a [u8]) -> ImageFile<'a> {
        ImageFile::from_reader(name, mode, bytes.len() as u64, bytes)
    }

    fn written() -> (Vec<u64>, Vec<u8>) {
        let files = FILES.map(|(name, mode, bytes)| file(name, mode, bytes));
        let mut image = Vec::new();
        let head = ImageHead { label: VolumeLabel::Cidata, epoch_seconds: 0, application: b"note" };
        let (places, size) = write_image(&head, files.into(), &mut image).unwrap();
        assert_eq!(size, image.len() as u64);
        (places, image)
    }

    fn image() -> Vec<u8> {
        written().1
    }

    fn check(image: &[u8]) -> Result<(), SeedError> {
        let expect = |(name, mode, bytes): (&'static str, Mode, &[u8])| ExpectedFile {
            name,
            mode,
            size: bytes.len() as u64,
            digest: Sha256::of(bytes),
        };
        check_written(&mut Cursor::new(image), VolumeLabel::Cidata, &FILES.map(expect), &written().0)
    }

    #[test]
    fn a_file_that_lies_elsewhere_than_it_was_written_is_found() {
        let long = vec![7; 3 << 20];
        let files = [("long", &long[..]), ("short", b"x")];
        let of = |(name, bytes)| file(name, Mode::FILE, bytes);
        let mut image = Vec::new();
        let head = ImageHead { label: VolumeLabel::Imgbuild, epoch_seconds: 0, application: b"" };
        let (places, _) = write_image(&head, files.map(of).into(), &mut image).unwrap();
        let expect = |(name, bytes): (&'static str, &[u8])| ExpectedFile {
            name,
            mode: Mode::FILE,
            size: bytes.len() as u64,
            digest: Sha256::of(bytes),
        };
        let check = |places: &[u64]| {
            check_written(&mut Cursor::new(&image), VolumeLabel::Imgbuild, &files.map(expect), places)
        };
        assert!(check(&places).is_ok());
        for wrong in [[places[0] + 1, places[1]], [places[1], places[0]], [places[0], 0]] {
            assert!(matches!(check(&wrong), Err(SeedError::Place { .. })), "{wrong:?}");
        }
        assert!(matches!(check(&places[..1]), Err(SeedError::Place { .. })));
    }

    fn read(image: &[u8]) -> Result<Listing, SeedError> {
        read_image(&mut Cursor::new(image))
    }

    #[test]
    fn what_was_written_is_read_back() {
        let image = image();
        let listing = read(&image).unwrap();
        assert_eq!((listing.label.as_str(), listing.size), ("CIDATA", image.len() as u64));
        assert_eq!(listing.application, b"note");
        let names: Vec<_> = listing.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["empty", "meta-data", "overlay.tar.gz", "user-data"]);
        for (name, mode, bytes) in FILES {
            let file = listing.files.iter().find(|file| file.name == name).unwrap();
            let mut content = Vec::new();
            file.open(Cursor::new(&image)).unwrap().read_to_end(&mut content).unwrap();
            assert_eq!((file.mode, content.as_slice()), (mode, bytes), "{name}");
        }
        check(&image).unwrap();
    }

    #[test]
    fn an_image_that_ends_early_is_refused_wherever_it_ends() {
        let image = image();
        for length in 0..image.len() {
            assert!(read(&image[..length]).is_err(), "{length} of {} bytes", image.len());
        }
    }

    #[test]
    fn a_changed_byte_of_the_metadata_is_noticed_or_changes_nothing() {
        let mut image = image();
        let listing = read(&image).unwrap();
        let content = usize::try_from(listing.files.iter().map(|file| file.offset).min().unwrap()).unwrap();
        // Nothing reads the 16 sectors of the system area. Zeros, mostly padding, are changed once.
        for at in 16 * 2048..content {
            let before = image[at];
            for after in
                [!before, before ^ 1, before ^ 0x80, 0].into_iter().take(if before == 0 { 1 } else { 4 })
            {
                image[at] = after;
                if check(&image).is_ok() {
                    let mut read = read(&image).unwrap();
                    // What it says to applications is for them to check.
                    read.application.clone_from(&listing.application);
                    assert_eq!(read, listing, "byte {at}: {before} became {after}");
                }
            }
            image[at] = before;
        }
    }

    #[test]
    fn a_changed_byte_outside_of_files_is_noticed_as_none_that_imgbuild_writes() {
        let mut image = image();
        let listing = read(&image).unwrap();
        let rest = |image: &[u8]| check_rest(&mut Cursor::new(image), &listing);
        rest(&image).unwrap();
        let in_file = |at: usize| {
            listing.files.iter().any(|file| (file.offset..file.offset + file.size).contains(&(at as u64)))
        };
        for at in (0..image.len()).filter(|at| !in_file(*at)) {
            // Of what fills sectors and fields, some will do.
            if [0, b' '].contains(&image[at]) && at % 61 != 0 {
                continue;
            }
            image[at] ^= 0x21;
            assert!(rest(&image).is_err(), "byte {at}");
            image[at] ^= 0x21;
        }
    }

    #[test]
    fn a_changed_byte_of_a_file_is_noticed() {
        let mut image = image();
        for file in read(&image).unwrap().files {
            for at in (file.offset..file.offset + file.size).map(|at| usize::try_from(at).unwrap()).step_by(7)
            {
                image[at] ^= 4;
                let name = file.name.as_str();
                assert!(matches!(check(&image), Err(SeedError::FileDigest { name: n, .. }) if n == name));
                image[at] ^= 4;
            }
        }
    }

    #[test]
    fn bytes_that_are_no_image_are_refused() {
        for bytes in [vec![], vec![0; 100_000], vec![0xFF; 100_000], b"CD001".repeat(20_000)] {
            assert!(matches!(read(&bytes), Err(SeedError::Malformed { .. })));
        }
    }
}
