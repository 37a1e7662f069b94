//! Reads every byte of what imgbuild wrote, and says what is damaged, missing or not declared.
#![expect(clippy::disallowed_methods, reason = "edge: reads files")]

mod bundle;
mod fault;
mod kind;
mod node;
mod seed;
mod store;

pub use fault::{Audit, Fault, FaultKind};
pub use kind::{AuditKind, kind};

use std::io;
use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use crate::digest::Sha256;

/// The digest and the size of a plain file; its absence is kept as a fault.
fn digest_of(path: &Path, name: &str, audit: &mut Audit) -> Result<Option<(Sha256, u64)>> {
    // Checked before it is opened: opening a named pipe would block until something writes to it. No build writes links: what one
    // leads to may belong to others, who can change it after the check.
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => audit.malformed(name, "it is a link, expected a file"),
        Ok(found) if found.is_file() => return Ok(Some(Sha256::of_reader(fs::File::open(path)?)?)),
        Ok(_) => audit.malformed(name, "it is not a plain file"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => audit.found(name, FaultKind::Missing),
        Err(error) => return Err(error.into()),
    }
    Ok(None)
}

/// The names in a folder, sorted; none if the folder does not exist.
fn names(folder: &Path) -> Result<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<_> =
        entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// Checks what is at `path`.
pub fn audit(path: &Path) -> Result<Audit> {
    match kind(path)? {
        AuditKind::Bundle => bundle::audit(path),
        AuditKind::Node => node::audit(path),
        AuditKind::Seed | AuditKind::Shared => seed::audit(path),
        AuditKind::Store => store::audit(path),
    }
}
