//! Reads back what an earlier build left in a node's folder.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde_json::Value;

use super::joined::{self, open};
use super::manifest::{self, MemberLists};
use super::node::{DOCUMENTS, IMAGE, OVERLAY};
use super::staging::replaced;
use crate::digest::Sha256;
use crate::layer::{LayerIndex, Limits, list};

/// The longest text that is read: several times what any data source takes.
const MAX_TEXT: u64 = 16 << 20;

/// What is compared of a node's folder.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The documents and, without its outputs, the manifest: by file name.
    pub texts: BTreeMap<String, String>,
    /// What is in the overlay.
    pub files: LayerIndex,
}

/// A node's folder as an earlier build, and whoever came later, left it.
#[derive(Debug)]
pub struct Built {
    /// What is in it.
    pub snapshot: Snapshot,
    /// The files that are not, or not any more, what the manifest says.
    pub damaged: Vec<String>,
}

impl Built {
    /// Reads a node's folder. The inner error says in words why there is no whole build in it.
    pub fn read(folder: &Path) -> Result<Result<Self, String>> {
        let Some(manifest) = manifest(folder)? else { return Ok(Err("it is not built yet".to_owned())) };
        if manifest.is_null() {
            return Ok(Err(format!("its {} is not valid JSON", manifest::FILE)));
        }
        let (facts, outputs) = manifest::facts(manifest.clone());
        let mut texts = BTreeMap::from([(manifest::FILE.to_owned(), facts)]);
        let mut damaged = Vec::new();
        for name in DOCUMENTS.into_iter().chain([IMAGE]) {
            let Some(file) = open(&folder.join(name))? else { return Ok(Err(format!("it has no {name}"))) };
            let (sha256, size) = Sha256::of_reader(file)?;
            if outputs.get(name).is_none_or(|output| (output.sha256, output.size) != (sha256, size)) {
                damaged.push(name.to_owned());
            }
            if name != IMAGE {
                let Some(text) = text(&folder.join(name))? else {
                    return Ok(Err(format!("its {name} is not valid UTF-8")));
                };
                texts.insert(name.to_owned(), text);
            }
        }
        let (bytes, overlay) =
            match (joined::overlay(folder, &manifest)?, joined::overlay(folder, &manifest)?) {
                (Ok(bytes), Ok(overlay)) => (bytes, overlay),
                (Err(why), _) | (_, Err(why)) => return Ok(Err(why)),
            };
        let (sha256, _) = Sha256::of_reader(bytes)?;
        if manifest["overlay"]["sha256"].as_str() != Some(&sha256.to_string()) {
            damaged.push(OVERLAY.to_owned());
        }
        match list(overlay, &Limits::default()) {
            Ok(files) => Ok(Ok(Self { snapshot: Snapshot { texts, files }, damaged })),
            Err(error) => Ok(Err(format!(
                "its {OVERLAY} cannot be read as an overlay: {:#}",
                anyhow::Error::new(error)
            ))),
        }
    }
}

/// The instance-id that the build in a node's folder has; `None` where there is no build of this cluster.
pub fn instance_id(folder: &Path, cluster: &str) -> Result<Option<String>> {
    let (mut path, mut found) = (folder.to_owned(), manifest(folder)?);
    if found.is_none() {
        // A build that was cut off may have left it under another name, and the next one puts it back.
        path = replaced(folder);
        found = manifest(&path)?;
    }
    let Some(manifest) = found else { return Ok(None) };
    if manifest["cluster"].as_str().is_some_and(|theirs| theirs != cluster) {
        return Ok(None);
    }
    let path = path.join(manifest::FILE);
    let id = manifest["instance_id"].as_str();
    Ok(Some(id.with_context(|| format!("{} has no instance_id", path.display()))?.to_owned()))
}

/// The lists of members of the build in a node's folder, for a build of this cluster; none where they are not known.
pub fn member_lists(folder: &Path, cluster: &str) -> Result<Option<MemberLists>> {
    let Some(mut manifest) = manifest(folder)? else { return Ok(None) };
    let lists = manifest["members"].take();
    Ok(serde_json::from_value(lists).ok().filter(|_| manifest["cluster"].as_str() == Some(cluster)))
}

/// The manifest in a folder, if there is one; null if it is none.
fn manifest(folder: &Path) -> Result<Option<Value>> {
    let path = folder.join(manifest::FILE);
    if open(&path)?.is_none() {
        return Ok(None);
    }
    let manifest = text(&path)?.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    Ok(Some(manifest.filter(Value::is_object).unwrap_or_default()))
}

fn text(path: &Path) -> Result<Option<String>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_TEXT + 1).read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= MAX_TEXT))
}
