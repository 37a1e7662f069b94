//! One node's folder: overlay, documents, seed image, manifest.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;

use super::delivery::Delivery;
use super::digests::SeedDigests;
use super::file::write_file;
use super::layers::LayerSource;
use super::manifest::{self, Manifest, OutputFile};
use super::volume::{VolumeFile, write_volume};
use crate::digest::HashingWriter;
use crate::layer::{Mode, NamedLayer};
use crate::seed::{ExpectedFile, ImageHead, VolumeLabel};

/// The overlay's file name, on the seed too.
pub const OVERLAY: &str = "overlay.tar.gz";
/// The image's file name.
pub const IMAGE: &str = "seed.iso";
/// The document that holds the secrets.
const USER_DATA: &str = "user-data";
/// What is on every seed, in this order.
pub const DOCUMENTS: [&str; 3] = ["meta-data", USER_DATA, "network-config"];
/// What is on a seed that holds all, in this order.
pub const SEED_FILES: [&str; 4] = ["meta-data", USER_DATA, "network-config", OVERLAY];

/// A document: file name and text.
pub type Text = (&'static str, String);

/// What is written for a node.
pub struct NodeOutput<'a> {
    /// The layers that it shares with other nodes, in order.
    pub layers: Vec<LayerSource<'a>>,
    /// Its own layer, the last, which has the archive's end.
    pub own: NamedLayer,
    /// The bytes of that.
    pub own_bytes: &'a [u8],
    /// The documents, once the overlay's digest and size are known: name and text.
    pub documents: Box<dyn FnOnce(OutputFile) -> Result<Vec<Text>> + 'a>,
    /// Whether user-data holds secrets.
    pub has_secrets: bool,
    /// The time of every file in the image, in seconds since 1970.
    pub epoch: u64,
    /// The manifest, less overlay, layers and outputs.
    pub manifest: Manifest,
}

/// Writes all of a node's files into a folder, and reads the image back.
pub fn write(node: NodeOutput<'_>, folder: &Path) -> Result<Manifest> {
    let mut outputs = BTreeMap::new();
    let mut layers: Vec<_> = node.layers.iter().map(|source| source.layer.clone()).collect();
    let delivery = node.manifest.delivery;
    let overlay = overlay(node.layers, node.own_bytes, delivery.is_whole().then_some(folder))?;
    if delivery.is_whole() {
        outputs.insert(OVERLAY.to_owned(), overlay);
    }
    let private = if node.has_secrets { Mode::PRIVATE } else { Mode::FILE };
    for (name, text) in (node.documents)(overlay)? {
        let mode = if name == USER_DATA { private } else { Mode::FILE };
        let file = write_file(&folder.join(name), mode, |mut file| {
            file.write_all(text.as_bytes())?;
            Ok(file)
        })?;
        outputs.insert(name.to_owned(), file);
    }
    let own = (delivery == Delivery::Shared).then_some((&node.own, node.own_bytes));
    let image = write_seed(folder, &outputs, own, (private, node.epoch))?;
    outputs.insert(IMAGE.to_owned(), image);
    layers.push(node.own);
    let manifest = Manifest { overlay: Some(overlay), layers, outputs, ..node.manifest };
    write_file(&folder.join(manifest::FILE), Mode::FILE, |mut file| {
        serde_json::to_writer_pretty(&mut file, &manifest)?;
        file.write_all(b"\n")?;
        Ok(file)
    })?;
    Ok(manifest)
}

/// The texts that would be written for a node, by their files' names; the manifest without its outputs.
pub fn texts(node: NodeOutput<'_>) -> Result<BTreeMap<String, String>> {
    let overlay = overlay(node.layers, node.own_bytes, None)?;
    let mut texts = BTreeMap::new();
    for (name, text) in (node.documents)(overlay)? {
        texts.insert(name.to_owned(), text);
    }
    texts.insert(manifest::FILE.to_owned(), manifest::facts(serde_json::to_value(node.manifest)?).0);
    Ok(texts)
}

/// Writes the seed of the documents and the overlay in the folder, and of the node's own layer where it is given.
fn write_seed(
    folder: &Path,
    outputs: &BTreeMap<String, OutputFile>,
    own: Option<(&NamedLayer, &[u8])>,
    (private, epoch_seconds): (Mode, u64),
) -> Result<OutputFile> {
    let own = own.map(|(layer, bytes)| (layer.sha256.to_string(), layer, bytes));
    let mut seed: Vec<VolumeFile<'_>> = Vec::new();
    for (name, file) in SEED_FILES.iter().filter_map(|name| Some((*name, outputs.get(*name)?))) {
        let mode = if name == USER_DATA { private } else { Mode::FILE };
        let expected = ExpectedFile { name, mode, size: file.size, digest: file.sha256 };
        seed.push((expected, Box::new(fs::File::open(folder.join(name))?)));
    }
    if let Some((name, layer, bytes)) = &own {
        let expected = ExpectedFile { name, mode: Mode::FILE, size: layer.size, digest: layer.sha256 };
        seed.push((expected, Box::new(*bytes)));
    }
    let digests = SeedDigests::of(seed.iter().map(|(file, _)| file)).to_string();
    let head = ImageHead { label: VolumeLabel::Cidata, epoch_seconds, application: digests.as_bytes() };
    write_volume(&folder.join(IMAGE), &head, seed, private)
}

/// Copies all layers, the node's own last: gzip members follow one another.
fn join<W: Write>(layers: Vec<LayerSource<'_>>, own: &[u8], mut sink: W) -> Result<W> {
    for mut source in layers {
        io::copy(&mut source.content, &mut sink).context("joining the layers")?;
    }
    sink.write_all(own)?;
    sink.flush()?;
    Ok(sink)
}

/// The overlay as a file where the seed is to hold it; else what that file would be.
fn overlay(layers: Vec<LayerSource<'_>>, own: &[u8], folder: Option<&Path>) -> Result<OutputFile> {
    if let Some(folder) = folder {
        return write_file(&folder.join(OVERLAY), Mode::FILE, |file| join(layers, own, file));
    }
    let (_, sha256, size) = join(layers, own, HashingWriter::new(io::sink()))?.finish();
    Ok(OutputFile { size, sha256 })
}
