//! Checks a seed image, or the image that nodes share: the files against the digests in the image, everything else by writing it again and comparing.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use super::{Audit, AuditKind, FaultKind};
use crate::digest::Sha256;
use crate::iso9660::{Listing, SeedError, VolumeLabel, check_rest, read_image};
use crate::output::{DOCUMENTS, OVERLAY, SeedDigests, USER_DATA};

pub(super) fn audit(path: &Path) -> Result<Audit> {
    audit_of(path, None)
}

/// Checks an image, and that it is made of the files with these digests, where they are known from elsewhere.
pub(super) fn audit_of(path: &Path, known: Option<&SeedDigests>) -> Result<Audit> {
    let mut audit = Audit::new(AuditKind::Seed);
    let name = path.display().to_string();
    let mut image = fs::File::open(path)?;
    let listing = match read_image(&mut image) {
        Ok(listing) => listing,
        Err(error) => {
            audit.malformed(name, unless_io(error)?.to_string());
            return Ok(audit);
        }
    };
    let digests = if known.is_none() && listing.label == VolumeLabel::Imgbuild.as_str() {
        audit.kind = AuditKind::Shared;
        named(&listing)
    } else {
        let digests = SeedDigests::read(&listing.application).unwrap_or_default();
        names(&listing, &digests, &mut audit);
        digests
    };
    let length = image.metadata()?.len();
    if length != listing.size {
        let why = format!("expected {} bytes from its volume descriptor, got {length}", listing.size);
        audit.malformed(&name, why);
    }
    contents(&mut image, &listing, &digests, &mut audit)?;
    if let Some(known) = known.filter(|known| **known != digests) {
        let all = DOCUMENTS.into_iter().chain(known.0.keys().chain(digests.0.keys()).map(String::as_str));
        let other = all.into_iter().find(|name| known.0.get(*name) != digests.0.get(*name));
        audit.malformed(
            &name,
            format!("its `{}` differs from the file of that name beside it", other.unwrap_or_default()),
        );
    }
    if let Err(error) = check_rest(&mut image, &listing) {
        audit.malformed(name, unless_io(error)?.to_string());
    }
    Ok(audit)
}

/// Compares the bytes of all files with their digests.
fn contents(image: &mut fs::File, listing: &Listing, digests: &SeedDigests, audit: &mut Audit) -> Result<()> {
    // A build makes an image with secrets readable only by its owner.
    let others = image.metadata()?.permissions().mode() & 0o077;
    for file in &listing.files {
        let (got, size) = Sha256::of_reader(file.open(&mut *image)?)?;
        match digests.0.get(&file.name) {
            Some(expected) if others == 0 && file.name == USER_DATA && got != *expected => {
                audit.found(&file.name, FaultKind::DamagedSecret);
            }
            Some(expected) => audit.checked(&file.name, size, *expected, got),
            None => audit.malformed(&file.name, "the image does not record a digest for it"),
        }
    }
    Ok(())
}

fn unless_io(error: SeedError) -> Result<SeedError> {
    match error {
        SeedError::Read(error) => Err(error.into()),
        error => Ok(error),
    }
}

/// The files of a shared image, whose names are their digests.
fn named(listing: &Listing) -> SeedDigests {
    let named = listing.files.iter().filter_map(|file| Some((file.name.clone(), file.name.parse().ok()?)));
    SeedDigests(named.collect())
}

/// Compares the image's label and names with those that a seed has: its documents and, unless they come in another way,
/// the overlay or the node's own layer.
fn names(listing: &Listing, digests: &SeedDigests, audit: &mut Audit) {
    let expected = VolumeLabel::Cidata.as_str();
    if listing.label != expected {
        audit.malformed("label", format!("it is `{}`, expected `{expected}`", listing.label.escape_debug()));
    }
    let has = |name: &str| listing.files.iter().any(|file| file.name == name);
    let said = digests.0.keys().map(String::as_str).filter(|name| !DOCUMENTS.contains(name));
    for name in DOCUMENTS.into_iter().chain(said).filter(|name| !has(name)) {
        audit.found(name, FaultKind::Missing);
    }
    let is_layer = |name: &str| digests.0.get(name).is_some_and(|digest| digest.to_string() == name);
    let is_known = |name: &str| DOCUMENTS.contains(&name) || name == OVERLAY || is_layer(name);
    for file in listing.files.iter().filter(|file| !is_known(&file.name)) {
        audit.found(&file.name, FaultKind::Undeclared);
    }
}
