//! Verifies everything in an image except file contents, by writing it again and comparing.

use std::io::{self, Read, Seek, SeekFrom};

use super::ImageFile;
use super::layout::{ImageLayout, content_sectors};
use super::time::Timestamp;
use crate::iso9660::{ListedFile, Listing, SECTOR, SeedError};

/// Offset of the time of the primary root directory (ECMA-119 8.4.18, 9.1.5).
const TIME: u64 = 16 * SECTOR as u64 + 156 + 18;

/// Checks that every byte outside of the files' content is what [`super::write_image`] writes for what is listed.
pub fn check_rest(image: &mut (impl Read + Seek), listing: &Listing) -> Result<(), SeedError> {
    let mut files: Vec<_> = listing.files.iter().collect();
    files.sort_by_key(|file| file.offset);
    let mut time = [0; 7];
    image.seek(SeekFrom::Start(TIME)).and_then(|_| image.read_exact(&mut time)).map_err(SeedError::Read)?;
    let time = Timestamp::in_record_of(time)
        .ok_or(SeedError::Malformed { offset: TIME, fault: "the time of the root directory is missing" })?;
    let empty = |file: &&ListedFile| (file.name.clone(), file.mode, file.size);
    let named: Vec<_> = files.iter().map(empty).collect();
    let image_files: Vec<_> = named
        .iter()
        .map(|(name, mode, size)| ImageFile::from_reader(name, *mode, *size, io::empty()))
        .collect();
    let metadata = ImageLayout::new(&image_files, time)?.metadata(&listing.label, &listing.application)?;
    check_bytes(image, 0, &metadata)?;
    for file in files {
        let padding = content_sectors(file.size) * SECTOR as u64 - file.size;
        let zeros = vec![0; usize::try_from(padding).unwrap_or(SECTOR)];
        check_bytes(image, file.offset + file.size, &zeros)?;
    }
    Ok(())
}

/// Compares the bytes at `offset`.
fn check_bytes(image: &mut (impl Read + Seek), offset: u64, expected: &[u8]) -> Result<(), SeedError> {
    image.seek(SeekFrom::Start(offset)).map_err(SeedError::Read)?;
    let mut got = vec![0; expected.len()];
    image.read_exact(&mut got).map_err(SeedError::Read)?;
    if got == expected {
        return Ok(());
    }
    let at = got.iter().zip(expected).take_while(|(got, expected)| got == expected).count();
    let fault = "unexpected byte: imgbuild writes another one there";
    Err(SeedError::Malformed { offset: offset + at as u64, fault })
}
