//! Checks a seed image: the files that it holds against the digests that it says, all else by writing it again.

use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use super::{Audit, Kind, Problem};
use crate::digest::Sha256;
use crate::output::{SEED_FILES, SeedDigests};
use crate::seed::{Listing, SeedError, VolumeLabel, check_rest, read_image};

pub(super) fn audit(path: &Path) -> Result<Audit> {
    audit_of(path, None)
}

/// Checks an image, and that it is made of the files with these digests, where they are known from elsewhere.
pub(super) fn audit_of(path: &Path, known: Option<&SeedDigests>) -> Result<Audit> {
    let mut audit = Audit::new(Kind::Seed);
    let name = path.display().to_string();
    let mut image = fs::File::open(path)?;
    let listing = match read_image(&mut image) {
        Ok(listing) => listing,
        Err(error) => {
            audit.malformed(name, unless_io(error)?.to_string());
            return Ok(audit);
        }
    };
    names(&listing, &mut audit);
    let length = image.metadata()?.len();
    if length != listing.size {
        let why = format!("it has {length} bytes, it says itself that it has {}", listing.size);
        audit.malformed(&name, why);
    }
    let digests = SeedDigests::read(&listing.application).unwrap_or_default();
    for file in &listing.files {
        let (got, size) = Sha256::of_reader(file.open(&mut image)?)?;
        match digests.0.get(&file.name) {
            Some(expected) => audit.checked(&file.name, size, (*expected, got)),
            None => audit.malformed(&file.name, "the image does not say its digest"),
        }
    }
    if let Some(known) = known.filter(|known| **known != digests) {
        let other = SEED_FILES.into_iter().find(|name| known.0.get(*name) != digests.0.get(*name));
        audit.malformed(&name, format!("its `{}` is not the one beside it", other.unwrap_or_default()));
    }
    if let Err(error) = check_rest(&mut image, &listing) {
        audit.malformed(name, unless_io(error)?.to_string());
    }
    Ok(audit)
}

fn unless_io(error: SeedError) -> Result<SeedError> {
    match error {
        SeedError::Read(error) => Err(error.into()),
        error => Ok(error),
    }
}

/// Compares the image's label and names with those that a seed has.
fn names(listing: &Listing, audit: &mut Audit) {
    let expected = VolumeLabel::Cidata.as_str();
    if listing.label != expected {
        audit.malformed("label", format!("it is `{}`, expected `{expected}`", listing.label.escape_debug()));
    }
    let has = |name: &str| listing.files.iter().any(|file| file.name == name);
    for name in SEED_FILES.into_iter().filter(|name| !has(name)) {
        audit.found(name, Problem::Missing);
    }
    for file in listing.files.iter().filter(|file| !SEED_FILES.contains(&file.name.as_str())) {
        audit.found(&file.name, Problem::Undeclared);
    }
}
