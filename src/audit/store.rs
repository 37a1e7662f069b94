//! Verifies a store: every file must have the digest in its name, and there must be no other file.

use std::path::Path;

use anyhow::Result;

use super::{Audit, AuditKind, FaultKind, digest_of, names};
use crate::digest::Sha256;
use crate::store::DERIVED;

/// What a store has beside its files: what is on its way to become one of them, and the user's own cache, which each build
/// verifies with the user's key.
const BESIDE: [&str; 6] = ["CACHEDIR.TAG", "lock", "lost+found", "partial", "tmp", DERIVED];

pub(super) fn audit(path: &Path) -> Result<Audit> {
    let mut audit = Audit::new(AuditKind::Store);
    for name in names(path)? {
        if name != "sha256" && !BESIDE.contains(&name.as_str()) {
            audit.found(name, FaultKind::Undeclared);
        }
    }
    for name in names(&path.join("sha256"))? {
        let part = format!("sha256/{name}");
        let Ok(expected) = name.parse::<Sha256>() else {
            // What lost its digest was set aside by a build and is never read.
            if !name.ends_with(".damaged") {
                audit.found(part, FaultKind::Undeclared);
            }
            continue;
        };
        let Some((got, size)) = digest_of(&path.join(&part), &part, &mut audit)? else { continue };
        audit.checked(&part, size, expected, got);
    }
    Ok(audit)
}
