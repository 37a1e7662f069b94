//! Checks a store: every blob has its digest, and every layer its record and its blob.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use super::{Audit, Kind, Problem, digest_of, names};
use crate::digest::{HashingWriter, Sha256};
use crate::layer::LayerIndex;
use crate::store::LayerRecord;

/// The longest record of a layer that is read, in bytes: half a million files.
const MAX_RECORD: u64 = 128 << 20;

/// The longest of the short texts that is read, in bytes: several times as long as they are.
const MAX_TEXT: u64 = 4096;

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
        let Some((got, size)) = digest_of(&path.join(&part), &part, &mut audit)? else { continue };
        audit.checked(&part, size, (expected, got));
        sizes.insert(expected, size);
    }
    for name in names(&path.join("layers"))? {
        let part = format!("layers/{name}");
        if name.strip_suffix(".json").is_none_or(|key| key.parse::<Sha256>().is_err()) {
            audit.found(part, Problem::Undeclared);
            continue;
        }
        if !path.join(&part).is_file() {
            audit.malformed(part, "it is no plain file");
            continue;
        }
        let mut text = Vec::new();
        fs::File::open(path.join(&part))?.take(MAX_RECORD).read_to_end(&mut text)?;
        layer(part, &text, &sizes, &mut audit);
    }
    // How far the digest of joined layers has come has a digest of its own; what an image came out as is only compared with.
    text_files("joined", |text| HashingWriter::from_text(text).is_some(), path, &mut audit)?;
    text_files("images", |text| text.parse::<Sha256>().is_ok(), path, &mut audit)?;
    Ok(audit)
}

/// Checks the short texts of a folder, which have digests for names.
fn text_files(folder: &str, is_whole: fn(&str) -> bool, path: &Path, audit: &mut Audit) -> Result<()> {
    for name in names(&path.join(folder))? {
        text_file(format!("{folder}/{name}"), &name, is_whole, path, audit)?;
    }
    Ok(())
}

fn text_file(
    part: String,
    name: &str,
    is_whole: fn(&str) -> bool,
    path: &Path,
    audit: &mut Audit,
) -> Result<()> {
    if name.parse::<Sha256>().is_err() {
        audit.found(part, Problem::Undeclared);
        return Ok(());
    }
    if !path.join(&part).is_file() {
        audit.malformed(part, "it is no plain file");
        return Ok(());
    }
    let mut text = String::new();
    let read = fs::File::open(path.join(&part))?.take(MAX_TEXT).read_to_string(&mut text);
    if read.is_err() || !is_whole(&text) {
        audit.malformed(part, "it has lost its digest");
    }
    audit.parts += 1;
    audit.bytes += text.len() as u64;
    Ok(())
}

/// Checks the record of a layer against the blobs.
fn layer(part: String, text: &[u8], sizes: &BTreeMap<Sha256, u64>, audit: &mut Audit) {
    match LayerRecord::<LayerIndex>::read(text) {
        Err(why) => audit.malformed(part, why),
        Ok(record) => match sizes.get(&record.sha256) {
            None => audit.found(format!("sha256/{}", record.sha256), Problem::Missing),
            Some(size) if *size != record.size => {
                audit.malformed(part, format!("its layer has {size} bytes, expected {}", record.size));
            }
            Some(_) => {}
        },
    }
    audit.parts += 1;
    audit.bytes += text.len() as u64;
}
