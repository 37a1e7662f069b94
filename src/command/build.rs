//! `imgbuild NODE...`: builds nodes.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::console::Console;
use super::delivery::Way;
use super::documents::{documents, rendered};
use super::failure::Failure;
use super::layers::{self, Layers};
use super::{inputs, password, problems, secrets, select};
use crate::cli::Options;
use crate::diagnostic::{Diagnostic, Report};
use crate::digest::Sha256;
use crate::layer::{
    Content, Entry, IndexKind, LayerIndex, MembersWriter, NamedLayer, OverlayWriter, Tree, write_layer,
};
use crate::output::{Delivery, LayerSource, Manifest, NodeOutput, OutputFile, Outputs, Staged, write};
use crate::plan::{LayerPlan, NodePlan, Plan};
use crate::profile::{ADMIN_PASSWORD, Secrets};
use crate::render::{NodeFile, NodeSecrets, OverlayFacts, lists, private_files};
use crate::store::{LayerRecord, Store};

/// Builds the nodes of these names, or all.
pub fn run(names: &[String], all: bool, options: &Options, console: &Console) -> Result<(), Failure> {
    if names.is_empty() && !all {
        return Err(Failure::Usage {
            message: "which node?".to_owned(),
            help: "`imgbuild NODE...` builds nodes, `imgbuild --all` every one; `imgbuild --help` says more"
                .to_owned(),
        });
    }
    let mut written = inputs::Written::read(options)?;
    let mut secrets = written.secrets(&options.secrets)?;
    let (plan, components, mut report) = written.draft(options)?;
    let nodes = select::nodes(&plan, names, all)?;
    let way = Way::of(options, &plan)?;
    let concerned = if way.is_of_all() { plan.nodes.iter().collect() } else { nodes.clone() };
    let rendered = rendered(&plan, &concerned, &secrets, &mut report);
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    nobody_can_log_in(&plan, &secrets, &mut report);
    console.report(&report);
    problems::tell(&nodes, console);
    let store = select::store(options)?;
    let layers = layers::finish(&concerned, &store, &select::fetching(options)?, console)?;
    secrets::generate(&mut secrets, &options.secrets, &secrets::needed(&nodes, &components), console)?;
    secrets::tell_what_is_lacking(&secrets, &nodes, console);
    let build = Build { plan: &plan, store: &store, layers: &layers, secrets: &secrets, way };
    let manifests = build.publish(concerned.into_iter().zip(rendered), &nodes, &options.out)?;
    if console.json {
        return Ok(Console::data_json(&manifests)?);
    }
    let folders = manifests.iter().map(|manifest| options.out.join(&manifest.node));
    let lines = folders.chain(build.way.beside(&options.out)).map(|path| format!("{}\n", path.display()));
    Ok(Console::data(lines.collect::<String>())?)
}

fn nobody_can_log_in(plan: &Plan, secrets: &Secrets, report: &mut Report) {
    let Some(admin) = &plan.cluster.system.admin else { return };
    if admin.ssh_authorized_keys.is_empty() && !secrets.has(ADMIN_PASSWORD) {
        let message = format!("nobody can log in: `{}` has neither an SSH key nor a password", admin.name);
        let help =
            format!("add a key to `ssh_authorized_keys` of the profile, or the secret `{ADMIN_PASSWORD}`");
        report.push(Diagnostic::warning(message).help(help));
    }
}

/// What all nodes of a build share.
struct Build<'a> {
    plan: &'a Plan,
    store: &'a Store,
    layers: &'a Layers,
    secrets: &'a Secrets,
    way: Way,
}

/// A node's own layer with the end of the archive, compressed.
struct OwnLayer {
    layer: NamedLayer,
    bytes: Vec<u8>,
    /// What all files of the overlay need on the node's disk.
    room_kib: u64,
}

impl Build<'_> {
    /// Writes the `wanted` ones of the nodes and what they share, and puts all into `out` when each of them is whole.
    fn publish<'n>(
        &self,
        nodes: impl Iterator<Item = (&'n NodePlan, Vec<NodeFile>)>,
        wanted: &[&NodePlan],
        out: &Path,
    ) -> Result<Vec<Manifest>, Failure> {
        let outputs = Outputs::open(out)?;
        let (mut staged, mut known) = (Vec::new(), Vec::new());
        for (node, files) in nodes {
            let own = self.own_layer(node, files)?;
            if wanted.iter().any(|other| other.name == node.name) {
                let folder = outputs.stage(&node.name)?;
                let manifest = self.node(node, &own, folder.path())?;
                staged.push((folder, manifest));
            }
            known.push((node, own));
        }
        let shared = self.way.stage(&outputs, self.plan.epoch, || self.all_layers(&known))?;
        // Before the nodes that name what is in it.
        shared.map(Staged::publish_files).transpose()?;
        let mut manifests = Vec::new();
        for (folder, manifest) in staged {
            folder.publish()?;
            manifests.push(manifest);
        }
        self.way.tidy(out)?;
        Ok(manifests)
    }

    /// Writes one node's files into a folder.
    fn node(&self, node: &NodePlan, own: &OwnLayer, folder: &Path) -> Result<Manifest, Failure> {
        let plan = self.plan;
        let secrets = self.secrets(node)?;
        let layers = self.shared_layers(node)?;
        let mut listed: Vec<_> = layers.iter().map(|source| source.layer.clone()).collect();
        listed.push(own.layer.clone());
        if self.way.delivery == Delivery::Image {
            listed.clear();
        }
        let has_secrets = !secrets.is_empty();
        let documents = |overlay: OutputFile| {
            let facts = OverlayFacts {
                sha256: overlay.sha256,
                size: overlay.size,
                room_kib: own.room_kib,
                layers: listed,
                layers_url: self.way.layers_url.clone(),
            };
            documents(plan, node, &facts, &secrets).map_err(|why| anyhow::anyhow!(why.message().to_owned()))
        };
        let output = NodeOutput {
            layers,
            own: own.layer.clone(),
            own_bytes: &own.bytes,
            documents: Box::new(documents),
            has_secrets,
            epoch: plan.epoch,
            manifest: self.manifest(node),
        };
        Ok(write(output, folder).with_context(|| format!("building `{}`", node.name))?)
    }

    /// The layers of a node that others have too, from the store.
    fn shared_layers(&self, node: &NodePlan) -> Result<Vec<LayerSource<'static>>, Failure> {
        let source = |layer: &Arc<LayerPlan>| {
            let LayerRecord { sha256, size, .. } = self.layers[&layer.key];
            let layer = NamedLayer { name: layer.component.clone(), sha256, size };
            Ok(LayerSource { layer, content: Box::new(self.store.read(&sha256)?) })
        };
        node.layers.iter().map(source).collect()
    }

    /// The layers of these nodes, those that they share as often as they have them.
    fn all_layers<'o>(&self, nodes: &'o [(&NodePlan, OwnLayer)]) -> Result<Vec<LayerSource<'o>>, Failure> {
        let mut layers = Vec::new();
        for (node, own) in nodes {
            layers.extend(self.shared_layers(node)?);
            layers.push(LayerSource { layer: own.layer.clone(), content: Box::new(&own.bytes[..]) });
        }
        Ok(layers)
    }

    /// What the node's user-data has of secrets, those among them that were generated after the rendering.
    fn secrets(&self, node: &NodePlan) -> Result<NodeSecrets, Failure> {
        let mut report = Report::new();
        let files = private_files(self.plan, node, self.secrets, &mut report);
        if report.has_errors() {
            return Err(Failure::Invalid(report));
        }
        Ok(NodeSecrets { files, password: self.password(node)? })
    }

    /// The node's own layer. What a release's folder holds is known only now, so that its paths are compared with all
    /// others here.
    fn own_layer(&self, node: &NodePlan, mut files: Vec<NodeFile>) -> Result<OwnLayer, Failure> {
        let indexes: Vec<(&str, &LayerIndex)> = node
            .layers
            .iter()
            .map(|layer| (layer.component.as_str(), &self.layers[&layer.key].index))
            .collect();
        let lists = lists(node, &indexes, &files);
        files.extend(lists);
        let mut tree = Tree::default();
        let context = || format!("building `{}`", node.name);
        for file in files {
            let entry = Entry::file(file.mode, Content::Bytes(Arc::clone(&file.bytes)));
            tree.insert(file.path, entry).with_context(context)?;
        }
        let mut compressed = MembersWriter::new(Vec::new(), NonZero::<usize>::MIN);
        let own =
            write_layer(&tree, &mut io::empty(), self.plan.epoch, &mut compressed).with_context(context)?;
        let whole = LayerIndex::merge(indexes.iter().map(|(_, index)| *index).chain([&own]));
        let room_kib = whole.with_context(context)?.entries.iter().map(|entry| kib(&entry.kind)).sum();
        let mut last = OverlayWriter::new(Vec::new());
        last.append(&compressed.finish().with_context(context)?[..]).with_context(context)?;
        let bytes = last.finish().with_context(context)?;
        let layer =
            NamedLayer { name: node.name.clone(), sha256: Sha256::of(&bytes), size: bytes.len() as u64 };
        Ok(OwnLayer { layer, bytes, room_kib })
    }

    fn password(&self, node: &NodePlan) -> Result<Option<String>, Failure> {
        let cluster = &self.plan.cluster;
        let (Some(admin), Some(password)) = (&cluster.system.admin, self.secrets.get(ADMIN_PASSWORD)) else {
            return Ok(None);
        };
        Ok(Some(password::hashed(password, &format!("{}/{}/{}", cluster.name, node.name, admin.name))?))
    }

    fn manifest(&self, node: &NodePlan) -> Manifest {
        let member = &self.plan.cluster.members[node.index];
        Manifest {
            imgbuild: env!("CARGO_PKG_VERSION").to_owned(),
            cluster: self.plan.cluster.name.clone(),
            node: node.name.clone(),
            instance_id: node.instance_id.clone(),
            arch: member.arch,
            components: member.components.clone(),
            artifacts: node
                .layers
                .iter()
                .filter_map(|layer| layer.artifact.as_ref())
                .map(Into::into)
                .collect(),
            delivery: self.way.delivery,
            overlay: None,
            layers: Vec::new(),
            outputs: BTreeMap::new(),
        }
    }
}

/// What a file needs on a disk with blocks of 4 KiB.
fn kib(kind: &IndexKind) -> u64 {
    match kind {
        IndexKind::File { size, .. } => size.div_ceil(4096) * 4,
        IndexKind::Directory | IndexKind::Symlink { .. } => 4,
    }
}
