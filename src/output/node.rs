//! One node's folder: overlay, documents, seed image, manifest.

use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::path::Path;

use super::digests::SeedDigests;
use super::manifest::{self, Manifest, OutputFile};
use super::names::{DOCUMENTS, IMAGE, MANIFEST, OVERLAY};
use super::output_file::{create, write_file};
use super::shared_layers::LayerSource;
use super::tee_concat::TeeConcat;
use super::volume::{VolumeFile, write_volume};
use crate::digest::Sha256;
use crate::guest::Mode;
use crate::iso9660::{ExpectedFile, ImageHead, VolumeLabel};
use crate::plan::Delivery;
use anyhow::Result;

/// A document: file name and text.
pub type Text = (&'static str, String);

/// What is written for a node.
pub struct NodeOutput<'a> {
    /// Its layers in order. The last is its own, which has the archive's end.
    pub layers: Vec<LayerSource<'a>>,
    /// What they join to.
    pub overlay: OutputFile,
    /// How the node gets them.
    pub delivery: &'a Delivery,
    /// The documents: name and text.
    pub documents: Vec<Text>,
    /// The time of every file in the image, in seconds since 1970.
    pub epoch: u64,
    /// The manifest, less overlay, layers and outputs.
    pub manifest: Manifest,
}

impl NodeOutput<'_> {
    /// Whether the overlay is a file beside the others.
    pub(super) fn has_overlay(&self) -> bool {
        self.delivery.is_whole()
    }

    /// The mode of an output: files with secrets or digests of secrets are private.
    pub(super) fn mode(&self, name: &str) -> Mode {
        let is_manifest = self.manifest.secrets && name == MANIFEST;
        if is_manifest || self.manifest.is_private(name) { Mode::PRIVATE } else { Mode::FILE }
    }

    /// The digest of what its image is made of. `None` for an image without layers, which is written in no time, and for
    /// one with secrets: a digest of a secret allows guessing it.
    pub fn parts(&self) -> Option<Sha256> {
        if self.manifest.secrets || *self.delivery != Delivery::Image {
            return None;
        }
        let documents = self.documents.iter().map(|(name, text)| ((*name).to_owned(), Sha256::of(text)));
        let all = SeedDigests(documents.chain([(OVERLAY.to_owned(), self.overlay.sha256)]).collect());
        Some(Sha256::of(format!("{}\n{all}", self.epoch)))
    }

    /// The manifest of these outputs.
    pub(super) fn manifest_of(&self, outputs: BTreeMap<String, OutputFile>) -> Manifest {
        let layers = self.layers.iter().map(|source| source.layer.clone()).collect();
        Manifest { overlay: Some(self.overlay), layers, outputs, ..self.manifest.clone() }
    }
}

/// Writes all of a node's files into a folder, and reads the image back.
pub fn write(mut node: NodeOutput<'_>, folder: &Path) -> Result<Manifest> {
    let mut outputs = BTreeMap::new();
    for (name, text) in &node.documents {
        let file = write_file(&folder.join(name), node.mode(name), text.len() as u64, |mut file| {
            file.write_all(text.as_bytes())?;
            Ok(file)
        })?;
        outputs.insert((*name).to_owned(), file);
    }
    let mut manifest = node.manifest_of(BTreeMap::new());
    let layers = std::mem::take(&mut node.layers);
    let payload = match node.delivery {
        Delivery::Image | Delivery::Download { .. } => {
            outputs.insert(OVERLAY.to_owned(), node.overlay);
            let file = create(&folder.join(OVERLAY), Mode::FILE, node.overlay.size)?;
            let (name, content) = (OVERLAY.to_owned(), Box::new(TeeConcat::new(layers, file)));
            Some(Payload { name, file: node.overlay, content })
        }
        Delivery::Shared => layers.into_iter().next_back().map(|LayerSource { layer, content }| {
            let file = OutputFile { size: layer.size, sha256: layer.sha256 };
            Payload { name: layer.sha256.to_string(), file, content }
        }),
        Delivery::Http { .. } => None,
    };
    let image = write_seed(&node, &outputs, payload, folder)?;
    outputs.insert(IMAGE.to_owned(), image);
    manifest.outputs = outputs;
    let text = manifest.to_text()?;
    write_file(&folder.join(MANIFEST), node.mode(MANIFEST), text.len() as u64, |mut file| {
        file.write_all(&text)?;
        Ok(file)
    })?;
    Ok(manifest)
}

/// The texts that would be written for a node, by their files' names; the manifest without its outputs.
pub fn texts(node: NodeOutput<'_>) -> Result<BTreeMap<String, String>> {
    let documents = node.documents.into_iter().map(|(name, text)| (name.to_owned(), text));
    let mut texts: BTreeMap<_, _> = documents.collect();
    texts.insert(MANIFEST.to_owned(), manifest::facts(serde_json::to_value(node.manifest)?));
    Ok(texts)
}

/// What a seed holds beside the documents.
struct Payload<'a> {
    name: String,
    file: OutputFile,
    content: Box<dyn Read + 'a>,
}

/// Writes the seed of the documents and what comes with them.
fn write_seed(
    node: &NodeOutput<'_>,
    outputs: &BTreeMap<String, OutputFile>,
    payload: Option<Payload<'_>>,
    folder: &Path,
) -> Result<OutputFile> {
    let name = payload.as_ref().map_or(String::new(), |payload| payload.name.clone());
    let mut seed: Vec<VolumeFile<'_>> = Vec::new();
    for name in DOCUMENTS {
        let text = node.documents.iter().find(|(document, _)| *document == name);
        let (Some((_, text)), Some(file)) = (text, outputs.get(name)) else { continue };
        let expected = ExpectedFile { name, mode: node.mode(name), size: file.size, digest: file.sha256 };
        seed.push((expected, Box::new(text.as_bytes())));
    }
    seed.extend(payload.map(|Payload { file, content, .. }| {
        (ExpectedFile { name: &name, mode: Mode::FILE, size: file.size, digest: file.sha256 }, content)
    }));
    let digests = SeedDigests::of(seed.iter().map(|(file, _)| file)).to_string();
    let (label, epoch_seconds) = (VolumeLabel::Cidata, node.epoch);
    let head = ImageHead { label, epoch_seconds, application: digests.as_bytes() };
    write_volume(&folder.join(IMAGE), &head, seed, node.mode(IMAGE))
}
