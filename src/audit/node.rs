//! Checks a node's folder against its manifest, and its image against both.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use super::{Audit, AuditKind, FaultKind, digest_of, names, seed};
use crate::output::{Found, IMAGE, MANIFEST, Manifest, NodeFolder};

pub(super) fn audit(path: &Path) -> Result<Audit> {
    let mut audit = Audit::new(AuditKind::Node);
    let manifest = match NodeFolder::open(path)? {
        Some(Found::Whole(node)) => node.manifest,
        Some(Found::Unusable(why)) => {
            audit.malformed(MANIFEST, why);
            return Ok(audit);
        }
        None => {
            audit.found(MANIFEST, FaultKind::Missing);
            return Ok(audit);
        }
    };
    for (name, output) in &manifest.outputs {
        if !manifest.seed_files().contains(&name.as_str()) && name != IMAGE {
            let why = format!("it declares `{}`, which no build writes", name.escape_debug());
            audit.malformed(MANIFEST, why);
        } else if let Some((got, size)) = digest_of(&path.join(name), name, &mut audit)? {
            if manifest.is_private(name) && got != output.sha256 {
                audit.found(name, FaultKind::DamagedSecret);
            } else {
                audit.checked(name, size, output.sha256, got);
            }
        }
    }
    for name in manifest.seed_files().iter().copied().chain([IMAGE]) {
        if !manifest.outputs.contains_key(name) {
            audit.malformed(MANIFEST, format!("it does not declare `{name}`"));
        }
    }
    for name in names(path)? {
        if name != MANIFEST && !manifest.outputs.contains_key(&name) {
            audit.found(name, FaultKind::Undeclared);
        }
    }
    audit.faults.sort_by(|one, other| one.part.cmp(&other.part));
    if audit.faults.is_empty() {
        audit.faults = seed::audit_of(&path.join(IMAGE), Some(&manifest.seed_digests()))?.faults;
    }
    if manifest.secrets {
        exposed(path, &manifest, &mut audit);
    }
    Ok(audit)
}

/// Finds files with secrets that others can read.
fn exposed(folder: &Path, manifest: &Manifest, audit: &mut Audit) {
    let private = manifest.outputs.keys().map(String::as_str).filter(|name| manifest.is_private(name));
    for name in private.chain([MANIFEST]) {
        let Ok(found) = fs::symlink_metadata(folder.join(name)) else { continue };
        let mode = found.permissions().mode() & 0o7777;
        if found.is_file() && mode & 0o077 != 0 {
            audit.found(name, FaultKind::Exposed { mode: format!("{mode:04o}") });
        }
    }
}
