//! Checks a store: every blob has its digest, and every layer its blob.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use anyhow::Result;
use fs_err as fs;
use serde::de::IgnoredAny;

use super::{Audit, Kind, Problem};
use crate::digest::Sha256;
use crate::store::LayerRecord;

/// The longest record of a layer that is read, in bytes: half a million files.
const MAX_RECORD: u64 = 128 << 20;

pub(super) fn audit(path: &Path) -> Result<Audit> {
    let mut audit = Audit::new(Kind::Store);
    let mut sizes = BTreeMap::new();
    for name in names(&path.join("sha256"))? {
        let part = format!("sha256/{name}");
        let Ok(expected) = name.parse::<Sha256>() else {
            // What lost its digest was set aside by a build and is never read.
            if !name.ends_with(".damaged") {
                audit.found(part, Problem::Undeclared);
            }
            continue;
        };
        let (got, size) = Sha256::of_reader(fs::File::open(path.join(&part))?)?;
        audit.checked(&part, size, (expected, got));
        sizes.insert(expected, size);
    }
    for name in names(&path.join("layers"))? {
        let part = format!("layers/{name}");
        let mut text = Vec::new();
        fs::File::open(path.join(&part))?.take(MAX_RECORD).read_to_end(&mut text)?;
        match serde_json::from_slice::<LayerRecord<IgnoredAny>>(&text) {
            Err(error) => audit.malformed(part, error.to_string()),
            Ok(record) => match sizes.get(&record.sha256) {
                None => audit.found(format!("sha256/{}", record.sha256), Problem::Missing),
                Some(size) if *size != record.size => {
                    audit.malformed(part, format!("its layer has {size} bytes, expected {}", record.size));
                }
                Some(_) => {}
            },
        }
    }
    Ok(audit)
}

/// The names in a folder, sorted; none if there is no such folder.
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
