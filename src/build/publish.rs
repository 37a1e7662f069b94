//! Writes what a build comes to: what is there already stays, the rest is staged, and takes its place when all of it is whole.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use super::assembly::Assembly;
use super::beside::{self, Shared};
use super::documents::Rendered;
use super::node_layer::{OwnLayer, Renderer};
use super::{obstacles, once};
use crate::digest::Sha256;
use crate::event::{Event, Tell};
use crate::failure::{Damaged, Failure};
use crate::layer::LayerIndex;
use crate::output::{
    FolderState, IMAGE, LayerSource, Manifest, NodeOutput, OVERLAY, OutputCache, OutputRoot, Outputs,
    StagedFolder, node_is_current, write,
};
use crate::plan::NodePlan;

/// What is written, and where.
pub(super) struct Publication<'a> {
    /// What is written.
    pub assembly: Assembly<'a>,
    /// The folder of the nodes' folders.
    pub out: &'a Path,
    /// To whom it is reported.
    pub tell: Tell<'a>,
}

/// What a publication came to.
pub(super) enum Published {
    /// All of it is there.
    Done(Vec<Manifest>),
    /// Nothing was written: the bytes of a layer are not those that were kept any more.
    LayerLost {
        /// The digest that it was kept under.
        digest: Sha256,
        /// The one that it has.
        got: Sha256,
    },
}

/// A node's folder, and whether it was written.
struct Written {
    folder: Option<StagedFolder>,
    manifest: Manifest,
}

/// A node and its own layer.
struct Owned<'a> {
    node: &'a NodePlan,
    own: OwnLayer,
}

impl Publication<'_> {
    /// Writes the nodes that are meant and what they share, as far as it is not there. `nodes` has all that are concerned.
    pub(super) fn publish(&self, nodes: &[Rendered<'_>]) -> Result<Published, Failure> {
        match self.write_all(nodes) {
            Ok(manifests) => Ok(Published::Done(manifests)),
            Err(failure) => match failure.damaged() {
                Some(Damaged { digest, got }) => Ok(Published::LayerLost { digest, got }),
                None => Err(failure),
            },
        }
    }

    fn write_all(&self, nodes: &[Rendered<'_>]) -> Result<Vec<Manifest>, Failure> {
        let Assembly { plan, layers, cache, .. } = self.assembly;
        let mut outputs = Outputs::open(self.out, |lock| (self.tell)(&Event::WaitingForBuild { lock }))?;
        let mut renderer = Renderer::new(plan, cache, layers);
        let (mut written, mut known) = (Vec::new(), Vec::new());
        for Rendered { node, files } in nodes {
            let own = renderer.own_layer(node, files.clone())?;
            if plan.selected.binary_search(&node.index).is_ok() {
                written.push(self.write(node, &own, &mut outputs)?);
            }
            if !plan.delivery.is_whole() {
                // What is in it is told, and of many nodes takes much memory.
                known.push(Owned { node, own: OwnLayer { index: LayerIndex::default(), ..own } });
            }
        }
        obstacles::check_shared(&self.place(self.out), &plan.delivery)?;
        let shared = beside::stage(&plan.delivery, &mut outputs, plan.epoch, self.all_layers(&known)?)?;
        self.tell_what_stays(&written, shared.is_none());
        let layers_before = beside::layers_before(&plan.delivery, &outputs)?;
        let was_written = shared.is_some() || written.iter().any(|node| node.folder.is_some());
        let manifests = put_in_place(written, shared, &mut outputs)?;
        outputs.seen.save();
        if was_written {
            beside::tidy(self.out, &layers_before)?;
        }
        Ok(manifests)
    }

    /// Writes a node's folder, unless it is there as it would be written.
    fn write(&self, node: &NodePlan, own: &OwnLayer, outputs: &mut Outputs) -> Result<Written, Failure> {
        let output = self.assembly.output(node, own)?;
        let root = outputs.root().to_owned();
        match node_is_current(&output, &root, &mut outputs.seen)? {
            FolderState::Current(manifest) => return Ok(Written { folder: None, manifest: *manifest }),
            FolderState::Damaged(name) => {
                (self.tell)(&Event::OutputDamaged { path: &root.join(&node.name).join(name) });
            }
            FolderState::Old => once::report(&output, &root.join(&node.name), self.tell),
        }
        // Somebody may have put it there since that was asked before the build.
        obstacles::check_node(&self.place(&root), &node.name)?;
        let parts = output.parts();
        let known = parts.map(|parts| self.assembly.cache.image(&parts)).transpose()?.flatten();
        let output = match known {
            None => output,
            Some(known) => match self.write_as_before(node, output, known, outputs)? {
                Some(written) => return Ok(written),
                None => self.assembly.output(node, own)?,
            },
        };
        let folder = outputs.stage(&node.name)?;
        let manifest = write(output, folder.path()).with_context(|| format!("building `{}`", node.name))?;
        if let Some((parts, image)) = parts.zip(manifest.outputs.get(IMAGE)) {
            // A cache that cannot be written to serves all the same.
            let _ = self.assembly.cache.keep_image(&parts, &image.sha256);
        }
        Ok(Written { folder: Some(folder), manifest })
    }

    /// Writes a node's folder, if its image comes out as one of the same parts did: then every layer in it is whole, and each
    /// byte is hashed once in place of twice. In every other case the layers have to be verified.
    fn write_as_before(
        &self,
        node: &NodePlan,
        mut output: NodeOutput<'_>,
        known: Sha256,
        outputs: &Outputs,
    ) -> Result<Option<Written>, Failure> {
        for (source, layer) in output.layers.iter_mut().zip(&node.layers) {
            source.content = self.assembly.layers[&layer.key].read_unverified(self.assembly.cache)?;
        }
        let folder = outputs.stage(&node.name)?;
        let manifest = write(output, folder.path()).ok();
        let is_it =
            |manifest: &Manifest| manifest.outputs.get(IMAGE).is_some_and(|image| image.sha256 == known);
        Ok(manifest.filter(is_it).map(|manifest| Written { folder: Some(folder), manifest }))
    }

    fn place<'p>(&'p self, root: &'p Path) -> OutputRoot<'p> {
        OutputRoot { root, cluster: &self.assembly.plan.cluster.name }
    }

    /// The layers of these nodes, each once: a fleet has more than a process may have files.
    fn all_layers<'o>(&self, nodes: &'o [Owned<'_>]) -> Result<Vec<LayerSource<'o>>, Failure> {
        let shared: BTreeMap<_, _> =
            nodes.iter().flat_map(|owned| &owned.node.layers).map(|layer| (layer.key, layer)).collect();
        let common = nodes.iter().filter_map(|owned| owned.own.common.layer.as_ref());
        let common: BTreeMap<_, _> = common.map(|layer| (layer.layer.sha256, layer)).collect();
        let rendered = common.into_values().chain(nodes.iter().map(|owned| &owned.own.own));
        let rendered = rendered.map(|layer| Ok(layer.source()));
        shared.into_values().map(|layer| self.assembly.shared_layer(layer)).chain(rendered).collect()
    }

    fn tell_what_stays(&self, nodes: &[Written], all_else_does: bool) {
        let count = nodes.iter().filter(|node| node.folder.is_none()).count();
        let is_all = count == nodes.len() && all_else_does;
        if is_all || count > 0 {
            (self.tell)(&Event::Unchanged { count, of: nodes.len(), is_all });
        }
    }
}

/// Gives all that was written its place: after all of it is on the disk, and so that its names are there too in the end.
fn put_in_place(
    nodes: Vec<Written>,
    shared: Option<Shared>,
    outputs: &mut Outputs,
) -> Result<Vec<Manifest>, Failure> {
    let folders = || nodes.iter().filter_map(|node| node.folder.as_ref());
    folders().try_for_each(StagedFolder::finish)?;
    outputs.settle(folders().chain(shared.as_ref().map(Shared::staged)))?;
    // Before the nodes that name what is in it.
    shared.map(|shared| shared.publish(&mut outputs.seen)).transpose()?;
    let mut replaced = Vec::new();
    let mut manifests = Vec::new();
    for Written { folder, manifest } in nodes {
        if let Some(folder) = folder {
            replaced.push(folder.publish()?);
            note(&manifest, &mut outputs.seen)?;
        }
        manifests.push(manifest);
    }
    if !replaced.is_empty() {
        outputs.settle_names()?;
    }
    // Not before: what they hold is what a power cut would have left.
    drop(replaced);
    Ok(manifests)
}

/// Notes what large files a node's folder has now.
fn note(manifest: &Manifest, seen: &mut OutputCache) -> Result<(), Failure> {
    for large in [OVERLAY, IMAGE] {
        if let Some(file) = manifest.outputs.get(large) {
            seen.wrote(&format!("{}/{large}", manifest.node), file.sha256)?;
        }
    }
    Ok(())
}
