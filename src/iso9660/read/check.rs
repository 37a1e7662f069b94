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

/// Checks that an image that was just written is labelled `label` and holds these files and no others, the content of each
/// beginning at its place. That of long files was verified on its way: where it is that of the image, the bytes are too.
pub fn check_written(
    image: &mut (impl Read + Seek),
    label: VolumeLabel,
    expected: &[ExpectedFile<'_>],
    places: &[u64],
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
        if places.get(index) != Some(&found.offset) {
            return Err(SeedError::Place { name: name(), got: found.offset });
        }
        if file.size <= LONG {
            check_content(image, file, found)?;
        }
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
