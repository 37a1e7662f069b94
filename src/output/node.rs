//! One node's folder: overlay, documents, seed image, manifest.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;

use super::digests::SeedDigests;
use super::manifest::{self, Manifest, OutputFile};
use crate::digest::{HashingWriter, Sha256};
use crate::layer::{Mode, OverlayWriter};
use crate::seed::{ExpectedFile, ImageFile, ImageHead, VolumeLabel, check_image, write_image};

/// The overlay's file name, on the seed too.
pub const OVERLAY: &str = "overlay.tar.gz";
/// The image's file name.
pub const IMAGE: &str = "seed.iso";
/// What is on the seed, in this order.
pub const SEED_FILES: [&str; 4] = ["meta-data", "user-data", "network-config", OVERLAY];

/// A document: file name and text.
pub type Text = (&'static str, String);

/// What is written for a node.
pub struct NodeOutput<'a> {
    /// The layers' gzip members, in order, the node's own last.
    pub layers: Vec<Box<dyn Read + 'a>>,
    /// The documents, once the overlay's digest and size are known: name and text.
    pub documents: Box<dyn FnOnce(OutputFile) -> Result<Vec<Text>> + 'a>,
    /// Whether user-data holds secrets.
    pub has_secrets: bool,
    /// The time of every file in the image, in seconds since 1970.
    pub epoch: u64,
    /// The manifest, less its outputs.
    pub manifest: Manifest,
}

/// Writes all of a node's files into a folder, and reads the image back.
pub fn write(node: NodeOutput<'_>, folder: &Path) -> Result<Manifest> {
    let mut outputs = BTreeMap::new();
    let overlay = write_file(&folder.join(OVERLAY), Mode::FILE, |file| join(node.layers, file))?;
    outputs.insert(OVERLAY.to_owned(), overlay);
    let private = if node.has_secrets { Mode::PRIVATE } else { Mode::FILE };
    let mode = |name: &str| if name == "user-data" { private } else { Mode::FILE };
    for (name, text) in (node.documents)(overlay)? {
        let file = write_file(&folder.join(name), mode(name), |mut file| {
            file.write_all(text.as_bytes())?;
            Ok(file)
        })?;
        outputs.insert(name.to_owned(), file);
    }
    let expected: Vec<_> = SEED_FILES
        .iter()
        .filter_map(|name| {
            let file = outputs.get(*name)?;
            Some(ExpectedFile { name, mode: mode(name), size: file.size, digest: file.sha256 })
        })
        .collect();
    let image = write_seed(folder, &expected, private, node.epoch)?;
    outputs.insert(IMAGE.to_owned(), image);
    let manifest = Manifest { outputs, ..node.manifest };
    write_file(&folder.join(manifest::FILE), Mode::FILE, |mut file| {
        serde_json::to_writer_pretty(&mut file, &manifest)?;
        file.write_all(b"\n")?;
        Ok(file)
    })?;
    Ok(manifest)
}

/// The texts that would be written for a node, by their files' names; the manifest without its outputs.
pub fn texts(node: NodeOutput<'_>) -> Result<BTreeMap<String, String>> {
    let (_, sha256, size) = join(node.layers, HashingWriter::new(io::sink()))?.finish();
    let mut texts = BTreeMap::new();
    for (name, text) in (node.documents)(OutputFile { size, sha256 })? {
        texts.insert(name.to_owned(), text);
    }
    texts.insert(manifest::FILE.to_owned(), manifest::facts(serde_json::to_value(node.manifest)?).0);
    Ok(texts)
}

fn join<W: Write>(layers: Vec<Box<dyn Read + '_>>, out: W) -> Result<W> {
    let mut overlay = OverlayWriter::new(out);
    for layer in layers {
        overlay.append(layer).context("joining the layers")?;
    }
    Ok(overlay.finish()?)
}

fn write_seed(folder: &Path, files: &[ExpectedFile<'_>], mode: Mode, epoch: u64) -> Result<OutputFile> {
    let path = folder.join(IMAGE);
    let mut contents = Vec::new();
    for file in files {
        let content = fs::File::open(folder.join(file.name))?;
        contents.push(ImageFile::from_reader(file.name, file.mode, file.size, content));
    }
    let digests = SeedDigests::of(files).to_string();
    let head =
        ImageHead { label: VolumeLabel::Cidata, epoch_seconds: epoch, application: digests.as_bytes() };
    let written = write_file(&path, mode, |mut file| {
        write_image(&head, contents, &mut file).context("writing the seed image")?;
        Ok(file)
    })?;
    let mut image = fs::File::open(&path)?;
    check_image(&mut image, VolumeLabel::Cidata, files).context("reading the seed image back")?;
    Ok(written)
}

type Sink = HashingWriter<BufWriter<fs::File>>;

/// Writes a new file, and says what is in it.
fn write_file(path: &Path, mode: Mode, fill: impl FnOnce(Sink) -> Result<Sink>) -> Result<OutputFile> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = fs::OpenOptions::new().create_new(true).write(true).mode(mode.bits()).open(path)?;
    let sink = fill(HashingWriter::new(BufWriter::with_capacity(256 * 1024, file)))?;
    let (buffer, sha256, size): (_, Sha256, u64) = sink.finish();
    let file = buffer.into_inner().map_err(std::io::IntoInnerError::into_error).context("writing")?;
    // The umask took what it wanted when the file was made.
    file.set_permissions(std::fs::Permissions::from_mode(mode.bits()))?;
    Ok(OutputFile { size, sha256 })
}
