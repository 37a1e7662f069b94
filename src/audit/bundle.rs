//! Verifies a bundle: every byte must match its index.

use std::io::{self, Read};
use std::path::Path;

use anyhow::Result;

use super::{Audit, AuditKind, FaultKind, digest_of};
use crate::bundle::{Bundle, BundleError, Part, Parts, header, padding};
use crate::digest::Sha256;

/// The name of the trailer after the parts.
const END: &str = "end of the archive";

pub(super) fn audit(path: &Path) -> Result<Audit> {
    let mut audit = Audit::new(AuditKind::Bundle);
    let name = path.display().to_string();
    if let Some(list) = Parts::list_of(path) {
        match Parts::read(&list) {
            Ok(parts) => pieces(&parts, &list, &mut audit)?,
            Err(error) => audit.malformed(list.display().to_string(), unless_io(error)?.to_string()),
        }
        // Pieces that are not sound have no bundle to look into.
        if !audit.faults.is_empty() {
            return Ok(audit);
        }
        (audit.parts, audit.bytes) = (0, 0);
    }
    match Bundle::open(path) {
        Ok(bundle) => members(&bundle, &mut audit)?,
        Err(error) => audit.malformed(name, unless_io(error)?.to_string()),
    }
    Ok(audit)
}

fn unless_io(error: BundleError) -> Result<BundleError> {
    if error.is_integrity() { Ok(error) } else { Err(error.into()) }
}

/// Checks the pieces of a split bundle, each by itself.
fn pieces(parts: &Parts, list: &Path, audit: &mut Audit) -> Result<()> {
    for (path, piece) in parts.files(list) {
        let name = path.display().to_string();
        let Some((got, size)) = digest_of(&path, &name, audit)? else { continue };
        let other = parts.pieces.iter().position(|other| other.sha256 == got && *other != *piece);
        match other {
            Some(other) => {
                audit.malformed(name, format!("it is piece {} with the name of another piece", other + 1));
            }
            None => audit.checked(&name, size, piece.sha256, got),
        }
    }
    Ok(())
}

/// Checks everything behind the index, which was verified when the bundle was opened.
fn members(bundle: &Bundle, audit: &mut Audit) -> Result<()> {
    let mut bytes = io::BufReader::with_capacity(64 * 1024, bundle.members());
    for (part, end) in bundle.parts_and_ends() {
        // What lies behind the end of the file is missing, and so is all that should follow.
        if end > bundle.available() {
            audit.found(&part.path, FaultKind::Missing);
        } else {
            member(part, &mut bytes, audit)?;
        }
    }
    if bundle.available() < bundle.size() {
        audit.found(END, FaultKind::Missing);
        return Ok(());
    }
    if !same(&mut bytes, &mut io::repeat(0).take(1024))? {
        audit.malformed(END, "expected two empty blocks");
    }
    let (_, behind) = Sha256::of_reader(bytes)?;
    if behind > 0 {
        audit.found(format!("{behind} bytes behind the {END}"), FaultKind::Undeclared);
    }
    Ok(())
}

/// Checks one member.
fn member(part: &Part, bytes: &mut impl Read, audit: &mut Audit) -> Result<()> {
    if !same(bytes, &mut header(&part.path, part.size)?.as_slice())? {
        audit.malformed(&part.path, "its tar header was modified");
    }
    let (got, size) = Sha256::of_reader(bytes.by_ref().take(part.size))?;
    audit.checked(&part.path, size, part.sha256, got);
    if !same(bytes, &mut io::repeat(0).take(padding(part.size)))? {
        audit.malformed(&part.path, "the padding of its last block was modified");
    }
    Ok(())
}

/// Whether the next bytes are the `expected` ones. Reads as many, or to the end.
fn same(bytes: &mut impl Read, expected: &mut impl Read) -> io::Result<bool> {
    let mut wanted = Vec::new();
    expected.read_to_end(&mut wanted)?;
    let mut got = Vec::new();
    bytes.take(wanted.len() as u64).read_to_end(&mut got)?;
    Ok(got == wanted)
}
