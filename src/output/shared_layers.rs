//! The layers that nodes share, each once: on one image, or as files for a web server.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;

use super::folder::{Found, NodeFolder};
use super::manifest::OutputFile;
use super::names::{LAYERS, SHARED};
use super::output_cache::OutputCache;
use super::output_file::write_file;
use super::volume::write_volume;
use crate::digest::Sha256;
use crate::files::remove;
use crate::guest::Mode;
use crate::iso9660::{ExpectedFile, ImageHead, VolumeLabel};
use crate::layer::NamedLayer;

/// A layer with its bytes, which are read when its turn comes. It is known by its digest alone on volumes and servers:
/// Joliet has room for 64 characters, which those are.
pub struct LayerSource<'a> {
    /// What it is.
    pub layer: NamedLayer,
    /// Its bytes.
    pub content: Box<dyn Read + 'a>,
}

/// Writes the image with these layers, each once, whatever their order.
pub fn write_shared(layers: Vec<LayerSource<'_>>, epoch: u64, folder: &Path) -> Result<OutputFile> {
    let layers = each_once(layers);
    let names: Vec<String> = layers.keys().map(ToString::to_string).collect();
    let files = names.iter().zip(layers.into_values()).map(|(name, source)| {
        let (size, digest) = (source.layer.size, source.layer.sha256);
        (ExpectedFile { name, mode: Mode::FILE, size, digest }, source.content)
    });
    // The names are the digests, so that the image need not say them a second time.
    let head = ImageHead { label: VolumeLabel::Imgbuild, epoch_seconds: epoch, application: b"" };
    write_volume(&folder.join(SHARED), &head, files.collect(), Mode::FILE)
}

/// Writes these layers, each once, as files. Their names are returned.
pub fn write_layers(layers: Vec<LayerSource<'_>>, folder: &Path) -> Result<Vec<Sha256>> {
    let layers = each_once(layers);
    let names = layers.keys().copied().collect();
    for (digest, mut source) in layers {
        write_file(&folder.join(digest.to_string()), Mode::FILE, source.layer.size, |mut file| {
            io::copy(&mut source.content, &mut file).context("copying a layer")?;
            Ok(file)
        })?;
    }
    Ok(names)
}

fn each_once(layers: Vec<LayerSource<'_>>) -> BTreeMap<Sha256, LayerSource<'_>> {
    layers.into_iter().map(|source| (source.layer.sha256, source)).collect()
}

/// The layers that the nodes in `out` have, or that this program wrote there: those that it may remove.
pub fn known_layers(out: &Path, seen: &OutputCache) -> Result<BTreeSet<Sha256>> {
    let mut known = used(out)?.unwrap_or_default();
    known.extend(
        seen.names().filter_map(|name| name.strip_prefix(LAYERS)?.strip_prefix('/')?.parse::<Sha256>().ok()),
    );
    Ok(known)
}

/// Removes those of the `known` layers that no node in `out` has any more. While a manifest cannot be read, all stay.
pub fn remove_unused_layers(out: &Path, known: &BTreeSet<Sha256>) -> Result<()> {
    let Some(used) = used(out)? else { return Ok(()) };
    for unused in known.difference(&used) {
        remove(&out.join(LAYERS).join(unused.to_string()))?;
    }
    Ok(())
}

fn used(out: &Path) -> Result<Option<BTreeSet<Sha256>>> {
    let mut used = BTreeSet::new();
    for entry in fs::read_dir(out)? {
        match NodeFolder::open(&entry?.path())? {
            None => {}
            Some(Found::Whole(node)) => used.extend(node.manifest.layers.iter().map(|layer| layer.sha256)),
            Some(Found::Unusable(_)) => return Ok(None),
        }
    }
    Ok(Some(used))
}
