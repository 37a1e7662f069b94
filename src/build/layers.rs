//! Finished layers: taken from the user's cache, or made of verified artifacts and kept there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::num::NonZero;
use std::sync::Arc;

use anyhow::Context as _;

use crate::digest::{HashingWriter, Sha256};
use crate::event::{Event, Tell};
use crate::failure::{Exit, Failure};
use crate::fetch::{ArtifactRequest, FetchOptions};
use crate::guest::Mode;
use crate::layer::{
    ArchiveError, ArchiveLayout, ArchiveLimits, ArchiveSelection, Content, ExtensionHead, Extraction,
    LayerEntry, LayerIndex, MembersWriter, TakenMember, TarballError, Tree, extension_path, write_extension,
    write_layer,
};
use crate::plan::{Format, LayerPlan, NodePlan};
use crate::release::Artifact;
use crate::settings::CachePlace;
use crate::store::{Cache, LayerRecord, Store, StoreError};

/// Finished layers by their key.
pub(super) type Layers = BTreeMap<Sha256, Layer>;

/// A finished layer.
pub(super) struct Layer {
    /// What is in it.
    pub index: LayerIndex,
    /// Its digest.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
    bytes: Bytes,
}

/// Where a layer's bytes are.
enum Bytes {
    /// In the cache, under its digest.
    Kept,
    /// In a file that has no name.
    Loose(File),
}

impl Layer {
    /// Its bytes, from their beginning. One reader at a time.
    pub(super) fn read(&self, cache: &Cache) -> Result<Box<dyn Read>, Failure> {
        match &self.bytes {
            Bytes::Kept => Ok(Box::new(cache.read(&self.sha256)?)),
            Bytes::Loose(file) => {
                let mut file = file.try_clone()?;
                file.rewind()?;
                Ok(Box::new(file))
            }
        }
    }

    /// Its bytes as they are, unverified: the caller compares the digest.
    pub(super) fn read_unverified(&self, cache: &Cache) -> Result<Box<dyn Read>, Failure> {
        match &self.bytes {
            Bytes::Kept => Ok(Box::new(cache.read_unverified(&self.sha256)?)),
            Bytes::Loose(_) => self.read(cache),
        }
    }
}

impl From<LayerRecord<LayerIndex>> for Layer {
    fn from(record: LayerRecord<LayerIndex>) -> Self {
        Self { index: record.index, sha256: record.sha256, size: record.size, bytes: Bytes::Kept }
    }
}

/// What every node's layers are made of, each once.
fn distinct(nodes: &[&NodePlan]) -> BTreeMap<Sha256, Arc<LayerPlan>> {
    nodes.iter().flat_map(|node| &node.layers).map(|layer| (layer.key, Arc::clone(layer))).collect()
}

/// How the store is asked for these artifacts, each once.
fn requests<'a>(artifacts: impl Iterator<Item = &'a Artifact>) -> Vec<ArtifactRequest> {
    let artifacts: BTreeMap<_, _> = artifacts.map(|one| (one.title(), one)).collect();
    artifacts.into_values().map(request).collect()
}

/// How the store is asked for an artifact.
pub(crate) fn request(artifact: &Artifact) -> ArtifactRequest {
    ArtifactRequest {
        name: artifact.title(),
        url: artifact.url.clone(),
        sha256: artifact.sha256,
        size: artifact.size,
    }
}

/// The artifacts of these nodes, fetched by the build or by the node.
pub(crate) fn requests_of(nodes: &[&NodePlan]) -> Vec<ArtifactRequest> {
    requests(nodes.iter().flat_map(|node| node.artifacts()))
}

/// The artifacts that these layers are made of.
fn needed(layers: &[Arc<LayerPlan>]) -> Vec<ArtifactRequest> {
    requests(layers.iter().filter_map(|layer| layer.held_artifact()))
}

/// How a finished layer is looked for in the cache.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lookup {
    /// By its record alone: whether its bytes are whole shows where they are read.
    Recorded,
    /// By its record, and its bytes are read: damaged ones are removed.
    Verified,
    /// By its record and its bytes, and nothing is changed.
    Unchanged,
}

impl Lookup {
    fn find(self, cache: &Cache, key: &Sha256) -> Result<Option<LayerRecord<LayerIndex>>, StoreError> {
        match self {
            Self::Recorded => cache.recorded(key),
            Self::Verified => cache.layer(key),
            Self::Unchanged => cache.peek(key),
        }
    }
}

/// Where layers come from: the artifacts that they are made of, and the cache of those that are made.
#[derive(Clone, Copy)]
pub(super) struct Depot<'a> {
    /// Artifacts, which pins vouch for.
    pub store: &'a Store,
    /// Layers, which are this user's own work.
    pub cache: &'a Cache,
}

/// The user's own cache of layers. What cannot be believed is not used.
pub(crate) fn cache(place: Option<&CachePlace>, tell: Tell<'_>) -> Cache {
    let Some(place) = place else { return Cache::none() };
    Cache::open(&place.folder, &place.key).unwrap_or_else(|why| {
        tell(&Event::CacheUnusable(&why));
        Cache::none()
    })
}

/// Sees to it that every layer of these nodes is finished. Fetches the artifacts of those that are not.
pub(super) fn finish(
    nodes: &[&NodePlan],
    depot: Depot<'_>,
    lookup: Lookup,
    fetch: &FetchOptions,
    tell: Tell<'_>,
) -> Result<Layers, Failure> {
    let Depot { store, cache } = depot;
    let Sorted { mut finished, missing } = sorted(nodes, cache, lookup)?;
    store.fetch_all(&needed(&missing), fetch, &|event| tell(&Event::Fetch(event)))?;
    let keeps = !missing.is_empty() && is_prepared(cache, tell);
    for plan in missing {
        let layer = if keeps { kept(&plan, depot)? } else { loose(&plan, store)? };
        finished.insert(plan.key, layer);
    }
    let joined: BTreeMap<_, _> = nodes.iter().map(|node| (keys(node), &node.layers)).collect();
    for layers in joined.into_values() {
        let digests = digests(layers, &finished);
        if cache.joined(&digests)?.is_none() {
            let joined = join(layers, &finished, cache)?;
            // A cache that cannot be written to serves all the same.
            let _ = cache.keep_joined(&digests, &joined);
        }
    }
    Ok(finished)
}

/// The layers of some nodes.
struct Sorted {
    finished: Layers,
    /// What those are made of that are not.
    missing: Vec<Arc<LayerPlan>>,
}

fn sorted(nodes: &[&NodePlan], cache: &Cache, lookup: Lookup) -> Result<Sorted, Failure> {
    let mut sorted = Sorted { finished: Layers::new(), missing: Vec::new() };
    for (key, plan) in distinct(nodes) {
        match lookup.find(cache, &key)? {
            Some(record) => _ = sorted.finished.insert(key, record.into()),
            None => sorted.missing.push(plan),
        }
    }
    Ok(sorted)
}

/// Whether layers can be kept; says why, if they could but for something that the user can change.
fn is_prepared(cache: &Cache, tell: Tell<'_>) -> bool {
    cache.prepare().unwrap_or_else(|why| {
        tell(&Event::CacheUnusable(&why));
        false
    })
}

fn keys(node: &NodePlan) -> Vec<Sha256> {
    node.layers.iter().map(|layer| layer.key).collect()
}

fn digests(layers: &[Arc<LayerPlan>], finished: &Layers) -> Vec<Sha256> {
    layers.iter().map(|layer| finished[&layer.key].sha256).collect()
}

/// The digest of finished layers one after the other, to be continued.
pub(super) fn joined(
    layers: &[Arc<LayerPlan>],
    finished: &Layers,
    cache: &Cache,
) -> Result<HashingWriter<io::Sink>, Failure> {
    match cache.joined(&digests(layers, finished))? {
        Some(joined) => Ok(joined),
        None => join(layers, finished, cache),
    }
}

fn join(
    layers: &[Arc<LayerPlan>],
    finished: &Layers,
    cache: &Cache,
) -> Result<HashingWriter<io::Sink>, Failure> {
    let mut joined = HashingWriter::new(io::sink());
    for layer in layers {
        io::copy(&mut finished[&layer.key].read(cache)?, &mut joined)?;
    }
    Ok(joined)
}

/// The same without a network and without a change to store and cache: what is lacking is made in files that have no names.
pub(super) fn peek(nodes: &[&NodePlan], Depot { store, cache }: Depot<'_>) -> Result<Layers, Failure> {
    let Sorted { mut finished, missing } = sorted(nodes, cache, Lookup::Unchanged)?;
    store.has_all(&needed(&missing))?;
    for plan in missing {
        finished.insert(plan.key, loose(&plan, store)?);
    }
    Ok(finished)
}

/// A layer that is made and kept.
fn kept(plan: &LayerPlan, Depot { store, cache }: Depot<'_>) -> Result<Layer, Failure> {
    let (layer, index) = make(plan, store, [cache.scratch()?, cache.scratch()?], cache.new_layer()?)?;
    Ok(layer.commit(&plan.key, index)?.into())
}

/// A layer that is made for this once.
fn loose(plan: &LayerPlan, store: &Store) -> Result<Layer, Failure> {
    let (mut file, index) =
        make(plan, store, [tempfile::tempfile()?, tempfile::tempfile()?], tempfile::tempfile()?)?;
    file.rewind()?;
    let (sha256, size) = Sha256::of_reader(&file)?;
    Ok(Layer { index, sha256, size, bytes: Bytes::Loose(file) })
}

/// Writes a layer to `out`. What comes out of the release is put into `spool`, and a system extension into `image` first.
fn make<W: Write>(
    plan: &LayerPlan,
    store: &Store,
    [mut spool, mut image]: [File; 2],
    out: W,
) -> Result<(W, LayerIndex), Failure> {
    let mut tree = tree(plan, store, [&mut spool, &mut image])?;
    if plan.format == Format::Sysext {
        tree = extended(plan, tree, &mut spool, image)?;
    }
    let context = || format!("making the layer of `{}`", plan.component);
    spool.rewind().with_context(context)?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let mut compressed = MembersWriter::new(out, threads);
    let index = write_layer(&tree, &mut spool, plan.epoch, &mut compressed).with_context(context)?;
    Ok((compressed.finish().with_context(context)?, index))
}

/// The tree with a system extension in place of what is below /usr.
fn extended(plan: &LayerPlan, mut tree: Tree, spool: &mut File, mut image: File) -> Result<Tree, Failure> {
    let context = || format!("making the system extension of `{}`", plan.component);
    let below = tree.take_below(&"/usr".parse().expect("a constant path"));
    if below.is_empty() {
        return Ok(tree);
    }
    let head =
        ExtensionHead { name: &plan.component, architecture: plan.arch.of_systemd(), epoch: plan.epoch };
    write_extension(&below, spool, &head, &mut image).with_context(context)?;
    image.rewind().with_context(context)?;
    let offset = spool.seek(SeekFrom::End(0)).with_context(context)?;
    let mut appended = HashingWriter::new(spool);
    io::copy(&mut image, &mut appended).with_context(context)?;
    let (_, sha256, size) = appended.finish();
    let content = Content::Spooled { offset, size, sha256 };
    tree.insert(extension_path(&plan.component), LayerEntry::file(Mode::FILE, content))
        .with_context(context)?;
    Ok(tree)
}

/// The guest files of a layer; what comes out of the release is put into `spool`.
fn tree(plan: &LayerPlan, store: &Store, [spool, scratch]: [&mut File; 2]) -> Result<Tree, Failure> {
    let mut tree = Tree::default();
    let context = || format!("making the layer of `{}`", plan.component);
    if let Some(artifact) = plan.held_artifact() {
        let selection = |(from, to, mode): &(String, _, Option<Mode>)| ArchiveSelection {
            from: from.clone(),
            to: crate::guest::GuestPath::clone(to),
            mode: *mode,
        };
        let selections: Vec<_> = plan.install.iter().map(selection).collect();
        let layout = ArchiveLayout { top: &artifact.folder, selections: &selections };
        for member in members(artifact, &layout, store, [spool, scratch])? {
            tree.insert(member.path, member.entry).with_context(context)?;
        }
    }
    for file in &plan.files {
        let content = Content::Bytes(std::sync::Arc::clone(&file.bytes));
        tree.insert(file.path.clone(), LayerEntry::file(file.mode, content)).with_context(context)?;
    }
    Ok(tree)
}

/// What `layout` selects of a release; contents are put into `spool`. `scratch` is empty, and left so.
fn members(
    artifact: &Artifact,
    layout: &ArchiveLayout<'_>,
    store: &Store,
    [spool, scratch]: [&mut File; 2],
) -> Result<Vec<TakenMember>, Failure> {
    let failed = |error| unreadable(artifact, error);
    let limits = ArchiveLimits::default();
    let mut extraction = Extraction::new(layout, &limits);
    loop {
        let mut release = store.read(&artifact.sha256)?;
        let is_incomplete = extraction.read(&mut release, scratch, spool);
        // Whatever was wrong with it, bytes that have lost their digest are not the release's.
        release.finish()?;
        if !is_incomplete.map_err(failed)? {
            break;
        }
    }
    scratch.set_len(0)?;
    scratch.rewind()?;
    extraction.finish().map_err(failed)
}

/// A release that is not what it should be, or not what was said of it.
fn unreadable(artifact: &Artifact, error: ArchiveError) -> Failure {
    if matches!(
        error,
        ArchiveError::Spool(_) | ArchiveError::Tarball(TarballError::Read(_) | TarballError::Scratch(_))
    ) {
        return Failure::Other(
            anyhow::Error::new(error).context(format!("failed to read {}", artifact.title())),
        );
    }
    let exit = if error.is_of_archive() { Exit::Integrity } else { Exit::Invalid };
    let help = error.help().to_owned();
    let error = anyhow::Error::new(error);
    Failure::Refused { exit, message: format!("failed to read {}: {error:#}", artifact.title()), help }
}
