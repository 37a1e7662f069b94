//! Checks that an image holds what was put into it, by reading it back.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::{ListedFile, read_image};
use crate::digest::Sha256;
use crate::guest::Mode;
use crate::iso9660::{SeedError, VolumeLabel};

/// Bytes of a file whose content is not read back.
const LONG: u64 = 1 << 20;

/// What a file of an image should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedFile<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its permissions.
    pub mode: Mode,
    /// Its bytes.
    pub size: u64,
    /// Their digest.
    pub digest: Sha256,
}

/// Checks that `image` is labelled `label` and holds these files, byte for byte, and no others.
pub fn check_image(
    image: &mut (impl Read + Seek),
    label: VolumeLabel,
    expected: &[ExpectedFile<'_>],
) -> Result<(), SeedError> {
    check_each(image, label, expected, |image, file, _, found| check_content(image, file, found))
}

/// The same for an image that was just written, the content of each file beginning at its place. That of long files was
/// verified on its way: where it is that of the image, the bytes are too.
pub fn check_written(
    image: &mut (impl Read + Seek),
    label: VolumeLabel,
    expected: &[ExpectedFile<'_>],
    places: &[u64],
) -> Result<(), SeedError> {
    check_each(image, label, expected, |image, file, index, found| {
        if places.get(index) != Some(&found.offset) {
            return Err(SeedError::Place { name: file.name.to_owned(), got: found.offset });
        }
        if file.size > LONG { Ok(()) } else { check_content(image, file, found) }
    })
}

fn check_each<I: Read + Seek>(
    image: &mut I,
    label: VolumeLabel,
    expected: &[ExpectedFile<'_>],
    check: impl Fn(&mut I, &ExpectedFile<'_>, usize, &ListedFile) -> Result<(), SeedError>,
) -> Result<(), SeedError> {
    let listing = read_image(image)?;
    if listing.label != label.as_str() {
        return Err(SeedError::Label { expected: label.as_str(), got: listing.label });
    }
    let mut listed: BTreeMap<_, _> = listing.files.iter().map(|file| (file.name.as_str(), file)).collect();
    for (index, file) in expected.iter().enumerate() {
        let name = || file.name.to_owned();
        let found = listed.remove(file.name).ok_or_else(|| SeedError::Missing { name: name() })?;
        check_facts(file, found)?;
        check(image, file, index, found)?;
    }
    match listed.into_keys().next() {
        Some(name) => Err(SeedError::Unexpected { name: name.to_owned() }),
        None => Ok(()),
    }
}

fn check_facts(expected: &ExpectedFile<'_>, found: &ListedFile) -> Result<(), SeedError> {
    let name = expected.name.to_owned();
    if found.mode != expected.mode {
        return Err(SeedError::FileMode { name, expected: expected.mode, got: found.mode });
    }
    if found.size != expected.size {
        return Err(SeedError::FileSize { name, expected: expected.size, got: found.size });
    }
    Ok(())
}

fn check_content(
    image: &mut (impl Read + Seek),
    expected: &ExpectedFile<'_>,
    found: &ListedFile,
) -> Result<(), SeedError> {
    let name = expected.name.to_owned();
    let content = found.open(image).map_err(SeedError::Read)?;
    let (digest, size) = Sha256::of_reader(content).map_err(SeedError::Read)?;
    if size != expected.size {
        return Err(SeedError::FileSize { name, expected: expected.size, got: size });
    }
    if digest != expected.digest {
        return Err(SeedError::FileDigest { name, expected: expected.digest, got: digest });
    }
    Ok(())
}
