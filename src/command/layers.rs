//! Finished layers: taken from the store, or made of verified artifacts and kept there.

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom};
use std::num::NonZero;
use std::sync::Arc;

use anyhow::Context as _;

use super::console::Console;
use super::failure::Failure;
use crate::digest::Sha256;
use crate::layer::{
    self, Content, Entry, LayerIndex, Layout, Limits, MembersWriter, Mode, Selection, Tree, write_layer,
};
use crate::plan::{LayerPlan, NodePlan};
use crate::store::{ArtifactRequest, FetchOptions, LayerRecord, Store};

/// Finished layers by their key.
pub type Layers = BTreeMap<Sha256, LayerRecord<LayerIndex>>;

/// What every node's layers are made of, each once.
fn distinct(nodes: &[&NodePlan]) -> BTreeMap<Sha256, Arc<LayerPlan>> {
    nodes.iter().flat_map(|node| &node.layers).map(|layer| (layer.key, Arc::clone(layer))).collect()
}

/// The artifacts that these layers are made of, each once.
pub fn requests<'a>(layers: impl IntoIterator<Item = &'a Arc<LayerPlan>>) -> Vec<ArtifactRequest> {
    let artifacts: BTreeMap<_, _> = layers
        .into_iter()
        .filter_map(|layer| layer.artifact.as_ref())
        .map(|one| (one.title(), one))
        .collect();
    let request = |(name, artifact): (String, &crate::release::Artifact)| ArtifactRequest {
        name,
        url: artifact.url.clone(),
        sha256: artifact.sha256,
        size: artifact.size,
    };
    artifacts.into_iter().map(request).collect()
}

/// The artifacts of these nodes.
pub fn requests_of(nodes: &[&NodePlan]) -> Vec<ArtifactRequest> {
    requests(distinct(nodes).values())
}

/// Sees to it that every layer of these nodes is finished. Fetches the artifacts of those that are not.
pub fn finish(
    nodes: &[&NodePlan],
    store: &Store,
    fetching: &FetchOptions,
    console: &Console,
) -> Result<Layers, Failure> {
    let mut finished = Layers::new();
    let mut missing = Vec::new();
    for (key, plan) in distinct(nodes) {
        match store.layer::<LayerIndex>(&key)? {
            Some(record) => {
                finished.insert(key, record);
            }
            None => missing.push(plan),
        }
    }
    let progress = console.progress();
    store.fetch_all(&requests(&missing), fetching, &|event| progress.show(event))?;
    drop(progress);
    for plan in missing {
        let record = make(&plan, store)?;
        finished.insert(plan.key, record);
    }
    Ok(finished)
}

fn make(plan: &LayerPlan, store: &Store) -> Result<LayerRecord<LayerIndex>, Failure> {
    let mut spool = store.scratch()?;
    let tree = tree(plan, store, &mut spool)?;
    let context = || format!("making the layer of `{}`", plan.component);
    spool.seek(SeekFrom::Start(0)).with_context(context)?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let mut compressed = MembersWriter::new(store.new_layer()?, threads);
    let index = write_layer(&tree, &mut spool, plan.epoch, &mut compressed).with_context(context)?;
    Ok(compressed.finish().with_context(context)?.commit(&plan.key, index)?)
}

/// The guest files of a layer; what comes out of the archive is put into `spool`.
fn tree(plan: &LayerPlan, store: &Store, spool: &mut std::fs::File) -> Result<Tree, Failure> {
    let mut tree = Tree::default();
    let context = || format!("making the layer of `{}`", plan.component);
    if let Some(artifact) = &plan.artifact {
        let selection = |(from, to, mode): &(String, _, Option<Mode>)| Selection {
            from: from.clone(),
            to: crate::layer::GuestPath::clone(to),
            mode: *mode,
        };
        let selections: Vec<_> = plan.install.iter().map(selection).collect();
        let layout = Layout { top: &artifact.folder, selections: &selections };
        let mut archive = store.read(&artifact.sha256)?;
        let members = layer::extract(&mut archive, &layout, &Limits::default(), spool);
        // Whatever was wrong with them, bytes that have lost their digest are not the archive's.
        archive.finish()?;
        for member in members.with_context(|| format!("reading the archive of {}", artifact.title()))? {
            tree.insert(member.path, member.entry).with_context(context)?;
        }
    }
    for file in &plan.files {
        let content = Content::Bytes(std::sync::Arc::clone(&file.bytes));
        tree.insert(file.path.clone(), Entry::file(file.mode, content)).with_context(context)?;
    }
    Ok(tree)
}
