//! Decides whether the outputs are up to date, without writing anything.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use super::folder::{Found, NodeFolder};
use super::manifest::{Manifest, OutputFile};
use super::names::{IMAGE, LAYERS, MANIFEST, OVERLAY, SHARED};
use super::node::NodeOutput;
use super::output_cache::OutputCache;
use super::shared_layers::LayerSource;
use crate::digest::Sha256;
use crate::files::if_exists;
use crate::guest::Mode;
use crate::iso9660::{VolumeLabel, read_image};

/// What a node's folder is to a build.
pub enum FolderState {
    /// What it would write.
    Current(Box<Manifest>),
    /// Of an earlier plan, of another program, or not there.
    Old,
    /// Outputs are as written, except for this file, which was modified.
    Damaged(&'static str),
}

/// What the folder of a node is. The seed image's digest is the manifest's, for it follows from the others.
pub fn node_is_current(node: &NodeOutput<'_>, root: &Path, seen: &mut OutputCache) -> Result<FolderState> {
    let name = node.manifest.node.as_str();
    let folder = root.join(name);
    let Some(Found::Whole(found)) = NodeFolder::open(&folder)? else { return Ok(FolderState::Old) };
    let Some(image) = found.output(IMAGE) else { return Ok(FolderState::Old) };
    let expected = node.manifest(image);
    if expected.to_text()? != found.text() || !holds_only(&folder, &expected)? {
        return Ok(FolderState::Old);
    }
    if !has_mode(&folder.join(MANIFEST), node.mode(MANIFEST))? {
        return Ok(FolderState::Damaged(MANIFEST));
    }
    for (document, text) in &node.documents {
        let path = folder.join(document);
        if if_exists(fs::read(&path))?.as_deref() != Some(text.as_bytes())
            || !has_mode(&path, node.mode(document))?
        {
            return Ok(FolderState::Damaged(document));
        }
    }
    for large in [OVERLAY, IMAGE] {
        let Some(file) = expected.outputs.get(large) else { continue };
        if !seen.knows(&format!("{name}/{large}")) {
            return Ok(FolderState::Old);
        }
        if !seen.has(&format!("{name}/{large}"), *file)? || !has_mode(&folder.join(large), node.mode(large))?
        {
            return Ok(FolderState::Damaged(large));
        }
    }
    Ok(FolderState::Current(Box::new(expected)))
}

/// Whether the image that nodes share has these layers and no others.
pub fn shared_is_current(layers: &[LayerSource<'_>], root: &Path, seen: &mut OutputCache) -> Result<bool> {
    if !seen.is_as_written(SHARED)? {
        return Ok(false);
    }
    let Ok(listing) = read_image(&mut fs::File::open(root.join(SHARED))?) else { return Ok(false) };
    let listed: BTreeMap<_, _> = listing.files.iter().map(|file| (file.name.clone(), file.size)).collect();
    let expected = layers.iter().map(|source| (source.layer.sha256.to_string(), source.layer.size));
    Ok(listing.label == VolumeLabel::Imgbuild.as_str() && listed == expected.collect())
}

/// Whether the files of these layers are there.
pub fn layers_are_current(layers: &[LayerSource<'_>], seen: &mut OutputCache) -> Result<bool> {
    for LayerSource { layer, .. } in layers {
        let file = OutputFile { size: layer.size, sha256: layer.sha256 };
        if !seen.has(&format!("{LAYERS}/{}", layer.sha256), file)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether nothing is in the folder but what the manifest names, and itself.
fn holds_only(folder: &Path, manifest: &Manifest) -> Result<bool> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let is_known = |name: &str| name == MANIFEST || manifest.outputs.contains_key(name);
        if !name.to_str().is_some_and(is_known) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn has_mode(path: &Path, mode: Mode) -> Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o7777 == mode.bits())
}

impl NodeOutput<'_> {
    /// The manifest of all that is written, once the image is known.
    fn manifest(&self, image: OutputFile) -> Manifest {
        let documents = self.documents.iter().map(|(name, text)| {
            ((*name).to_owned(), OutputFile { size: text.len() as u64, sha256: Sha256::of(text) })
        });
        let mut outputs: BTreeMap<_, _> = documents.collect();
        if self.has_overlay() {
            outputs.insert(OVERLAY.to_owned(), self.overlay);
        }
        outputs.insert(IMAGE.to_owned(), image);
        self.manifest_of(outputs)
    }
}
