//! Checks a node's folder against its manifest, and its image against itself.

use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use super::{Audit, Kind, Problem, seed};
use crate::digest::Sha256;
use crate::output::{IMAGE, MANIFEST, Manifest};

/// The longest manifest that is read, in bytes.
const MAX_MANIFEST: u64 = 1 << 20;

pub(super) fn audit(path: &Path) -> Result<Audit> {
    let mut audit = Audit::new(Kind::Node);
    let mut text = Vec::new();
    fs::File::open(path.join(MANIFEST))?.take(MAX_MANIFEST).read_to_end(&mut text)?;
    let manifest: Manifest = match serde_json::from_slice(&text) {
        Ok(manifest) => manifest,
        Err(error) => {
            audit.malformed(MANIFEST, error.to_string());
            return Ok(audit);
        }
    };
    for (name, output) in &manifest.outputs {
        if name.contains('/') || name == ".." {
            audit.malformed(
                MANIFEST,
                format!("it names `{}`, which is no file beside it", name.escape_debug()),
            );
            continue;
        }
        match fs::File::open(path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => audit.found(name, Problem::Missing),
            file => {
                let (got, size) = Sha256::of_reader(file?)?;
                audit.checked(name, size, (output.sha256, got));
            }
        }
    }
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != MANIFEST && !manifest.outputs.contains_key(&name) {
            audit.found(name, Problem::Undeclared);
        }
    }
    audit.faults.sort_by(|one, other| one.part.cmp(&other.part));
    if audit.faults.is_empty() && manifest.outputs.contains_key(IMAGE) {
        audit.faults = seed::audit(&path.join(IMAGE))?.faults;
    }
    Ok(audit)
}
