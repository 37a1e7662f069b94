//! Writes what a build comes to: what is there already stays, the rest is staged, and takes its place when all of it is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;

use super::obstacles;
use super::once;
use crate::build::delivery::{Shared, Way};
use crate::build::node_layer::{OwnLayer, Renderer};
use crate::command::build::Build;
use crate::digest::Sha256;
use crate::failure::Failure;
use crate::layer::LayerIndex;
use crate::output::{
    IMAGE, LayerSource, Manifest, NodeOutput, OVERLAY, Outputs, Place, Seen, Staged, State, node_is_current,
    write,
};
use crate::plan::NodePlan;
use crate::render::NodeFile;
use crate::terminal::Console;

/// A node's folder, and whether it was written.
struct Written {
    folder: Option<Staged>,
    manifest: Manifest,
}

impl Build<'_> {
    /// Writes the `wanted` ones of the nodes and what they share into `out`, as far as it is not there.
    pub(crate) fn publish<'n>(
        &self,
        nodes: impl Iterator<Item = (&'n NodePlan, &'n Vec<NodeFile>)>,
        wanted: &[&NodePlan],
        (out, console): (&Path, &Console),
    ) -> Result<Vec<Manifest>, Failure> {
        let mut outputs = Outputs::open(out, |lock| {
            console.say(&format!(
                "waiting for another build that writes there: it holds the lock `{}`",
                lock.display()
            ));
        })?;
        let wanted: BTreeSet<_> = wanted.iter().map(|node| node.name.as_str()).collect();
        let mut renderer = Renderer::new(self.plan, self.cache, self.layers);
        let (mut written, mut known) = (Vec::new(), Vec::new());
        for (node, files) in nodes {
            let own = renderer.own_layer(node, files.clone())?;
            if wanted.contains(node.name.as_str()) {
                written.push(self.write(node, &own, &mut outputs, console)?);
            }
            if !self.way.delivery.is_whole() {
                // What is in it is told, and of many nodes takes much memory.
                known.push((node, OwnLayer { index: LayerIndex::default(), ..own }));
            }
        }
        obstacles::check_shared(&self.place(out), self.way.delivery)?;
        let layers = self.all_layers(&known)?;
        let shared = self.way.stage(&mut outputs, self.plan.epoch, layers)?;
        tell_what_stays(&written, shared.is_none(), console);
        let layers_before = self.way.layers_before(&outputs)?;
        let was_written = shared.is_some() || written.iter().any(|node| node.folder.is_some());
        let manifests = put_in_place(written, shared, &mut outputs)?;
        outputs.seen.save();
        if was_written {
            Way::tidy(out, &layers_before)?;
        }
        Ok(manifests)
    }

    /// Writes a node's folder, unless it is there as it would be written.
    fn write(
        &self,
        node: &NodePlan,
        own: &OwnLayer,
        outputs: &mut Outputs,
        console: &Console,
    ) -> Result<Written, Failure> {
        let output = self.output(node, own)?;
        let root = outputs.root().to_owned();
        match node_is_current(&output, &root, &mut outputs.seen)? {
            State::Current(manifest) => return Ok(Written { folder: None, manifest: *manifest }),
            State::Damaged(name) => {
                let name = root.join(&node.name).join(name);
                console
                    .talk(&format!("{} is not what was built any more: it is written again", name.display()));
            }
            State::Old => once::tell(&output, &root.join(&node.name), console),
        }
        // Somebody may have put it there since that was asked before the build.
        obstacles::check_node(&self.place(&root), &node.name)?;
        let parts = output.parts();
        let known = parts.map(|parts| self.cache.image(&parts)).transpose()?.flatten();
        let output = match known {
            None => output,
            Some(known) => match self.write_as_before(node, output, known, outputs)? {
                Some(written) => return Ok(written),
                None => self.output(node, own)?,
            },
        };
        let folder = outputs.stage(&node.name)?;
        let manifest = write(output, folder.path()).with_context(|| format!("building `{}`", node.name))?;
        if let Some((parts, image)) = parts.zip(manifest.outputs.get(IMAGE)) {
            // A cache that cannot be written to serves all the same.
            let _ = self.cache.keep_image(&parts, &image.sha256);
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
            source.content = self.layers[&layer.key].read_unverified(self.cache)?;
        }
        let folder = outputs.stage(&node.name)?;
        let manifest = write(output, folder.path()).ok();
        let is_it =
            |manifest: &Manifest| manifest.outputs.get(IMAGE).is_some_and(|image| image.sha256 == known);
        Ok(manifest.filter(is_it).map(|manifest| Written { folder: Some(folder), manifest }))
    }

    fn place<'p>(&'p self, root: &'p Path) -> Place<'p> {
        Place { root, cluster: &self.plan.cluster.name }
    }

    /// The layers of these nodes, each once: a fleet has more than a process may have files.
    fn all_layers<'o>(&self, nodes: &'o [(&NodePlan, OwnLayer)]) -> Result<Vec<LayerSource<'o>>, Failure> {
        let shared: BTreeMap<_, _> =
            nodes.iter().flat_map(|(node, _)| &node.layers).map(|layer| (layer.key, layer)).collect();
        let common = nodes.iter().filter_map(|(_, own)| own.common.layer.as_ref());
        let common: BTreeMap<_, _> = common.map(|layer| (layer.layer.sha256, layer)).collect();
        let rendered = common.into_values().chain(nodes.iter().map(|(_, own)| &own.own));
        let rendered = rendered.map(|layer| Ok(layer.source()));
        shared.into_values().map(|layer| self.shared_layer(layer)).chain(rendered).collect()
    }
}

/// Gives all that was written its place: after all of it is on the disk, and so that its names are there too in the end.
fn put_in_place(
    nodes: Vec<Written>,
    shared: Option<Shared>,
    outputs: &mut Outputs,
) -> Result<Vec<Manifest>, Failure> {
    let folders = || nodes.iter().filter_map(|node| node.folder.as_ref());
    folders().try_for_each(Staged::finish)?;
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
fn note(manifest: &Manifest, seen: &mut Seen) -> Result<(), Failure> {
    for large in [OVERLAY, IMAGE] {
        if let Some(file) = manifest.outputs.get(large) {
            seen.wrote(&format!("{}/{large}", manifest.node), file.sha256)?;
        }
    }
    Ok(())
}

fn tell_what_stays(nodes: &[Written], all_else_does: bool, console: &Console) {
    let count = nodes.iter().filter(|node| node.folder.is_none()).count();
    if count == nodes.len() && all_else_does {
        console.talk("nothing has changed since the last build");
    } else if count > 0 {
        console.talk(&format!("{count} of {} nodes have not changed since the last build", nodes.len()));
    }
}
