//! Checks that an image holds what was put into it, by reading it back.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::{ListedFile, SeedError, VolumeLabel, read_image};
use crate::digest::Sha256;
use crate::layer::Mode;

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
    let listing = read_image(image)?;
    if listing.label != label.as_str() {
        return Err(SeedError::Label { expected: label.as_str(), got: listing.label });
    }
    let mut listed: BTreeMap<_, _> = listing.files.iter().map(|file| (file.name.as_str(), file)).collect();
    for file in expected {
        let name = || file.name.to_owned();
        let found = listed.remove(file.name).ok_or_else(|| SeedError::Missing { name: name() })?;
        check_file(image, file, found)?;
    }
    match listed.into_keys().next() {
        Some(name) => Err(SeedError::Unexpected { name: name.to_owned() }),
        None => Ok(()),
    }
}

fn check_file(
    image: &mut (impl Read + Seek),
    expected: &ExpectedFile<'_>,
    found: &ListedFile,
) -> Result<(), SeedError> {
    let name = expected.name.to_owned();
    if found.mode != expected.mode {
        return Err(SeedError::FileMode { name, expected: expected.mode, got: found.mode });
    }
    if found.size != expected.size {
        return Err(SeedError::FileSize { name, expected: expected.size, got: found.size });
    }
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
