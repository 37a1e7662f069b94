//! Reads back a node's folder that an earlier build wrote.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use fs_err as fs;

use super::folder::{Found, NodeFolder};
use super::manifest::{Manifest, MemberLists, OutputFile};
use super::names::{DOCUMENTS, IMAGE, MANIFEST, OVERLAY};
use super::overlay;
use super::staged_folder::replaced;
use crate::digest::Sha256;
use crate::files::{if_exists, read_bounded};
use crate::layer::{ArchiveLimits, LayerIndex, list};

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

/// A node's folder as found on disk.
#[derive(Debug)]
pub struct EarlierBuild {
    /// What is in it.
    pub snapshot: Snapshot,
    /// The files that are not, or not any more, what the manifest says.
    pub damaged: Vec<String>,
}

impl EarlierBuild {
    /// Reads a node's folder. Unusable is what has no whole build in it.
    pub fn read(folder: &Path) -> Result<Found<Self>> {
        let node = match NodeFolder::open(folder)? {
            None => return Ok(Found::Unusable("it is not built yet".to_owned())),
            Some(Found::Unusable(why)) => {
                return Ok(Found::Unusable(format!("its {MANIFEST} is not valid: {why}")));
            }
            Some(Found::Whole(node)) => node,
        };
        let mut built = Self {
            snapshot: Snapshot {
                texts: BTreeMap::from([(MANIFEST.to_owned(), node.facts())]),
                files: LayerIndex::default(),
            },
            damaged: Vec::new(),
        };
        for name in DOCUMENTS.into_iter().chain([IMAGE]) {
            let path = folder.join(name);
            let Some(file) = if_exists(fs::File::open(&path))? else {
                return Ok(Found::Unusable(format!("it has no {name}")));
            };
            let (sha256, size) = Sha256::of_reader(file)?;
            if node.output(name) != Some(OutputFile { size, sha256 }) {
                built.damaged.push(name.to_owned());
            }
            if name != IMAGE {
                let Some(text) = text(&path)? else {
                    return Ok(Found::Unusable(format!("its {name} is not valid UTF-8")));
                };
                built.snapshot.texts.insert(name.to_owned(), text);
            }
        }
        built.read_overlay(folder, &node.manifest)
    }

    fn read_overlay(mut self, folder: &Path, manifest: &Manifest) -> Result<Found<Self>> {
        let (bytes, overlay) =
            match (overlay::overlay(folder, manifest)?, overlay::overlay(folder, manifest)?) {
                (Found::Whole(bytes), Found::Whole(overlay)) => (bytes, overlay),
                (Found::Unusable(why), _) | (_, Found::Unusable(why)) => return Ok(Found::Unusable(why)),
            };
        let (sha256, _) = Sha256::of_reader(bytes)?;
        if manifest.overlay.is_none_or(|overlay| overlay.sha256 != sha256) {
            self.damaged.push(OVERLAY.to_owned());
        }
        match list(overlay, &ArchiveLimits::default()) {
            Ok(files) => self.snapshot.files = files,
            Err(error) => {
                let why =
                    format!("its {OVERLAY} cannot be read as an overlay: {:#}", anyhow::Error::new(error));
                return Ok(Found::Unusable(why));
            }
        }
        Ok(Found::Whole(self))
    }
}

/// The instance-id that the build in a node's folder has; `None` where there is no build of this cluster.
pub fn instance_id(folder: &Path, cluster: &str) -> Result<Option<String>> {
    // A build that was cut off may have left it under another name, and the next one puts it back.
    for folder in [folder, &replaced(folder)] {
        match NodeFolder::open(folder)? {
            None => {}
            Some(Found::Whole(node)) => {
                return Ok(Some(node.manifest)
                    .filter(|ours| ours.cluster == cluster)
                    .map(|ours| ours.instance_id));
            }
            Some(Found::Unusable(why)) => {
                bail!("{} is not a valid manifest: {why}", folder.join(MANIFEST).display());
            }
        }
    }
    Ok(None)
}

/// The lists of members of the build in a node's folder, for a build of this cluster; none where they are not known.
pub fn member_lists(folder: &Path, cluster: &str) -> Result<Option<MemberLists>> {
    let Some(Found::Whole(node)) = NodeFolder::open(folder)? else { return Ok(None) };
    Ok((node.manifest.cluster == cluster).then_some(node.manifest.members))
}

fn text(path: &Path) -> Result<Option<String>> {
    let bytes = read_bounded(fs::File::open(path)?, MAX_TEXT)?;
    Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
}
