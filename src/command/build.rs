//! `imgbuild NODE...`: builds nodes.

use std::num::NonZero;

use anyhow::Context as _;

use super::console::Console;
use super::failure::Failure;
use super::layers::{self, Layers};
use super::{inputs, password, problems, secrets, select};
use crate::cli::Options;
use crate::diagnostic::Report;
use crate::layer::{Content, Entry, IndexKind, LayerIndex, MembersWriter, Tree, write_layer};
use crate::output::{Manifest, NodeOutput, OutputFile, Outputs, Text, write};
use crate::plan::{NodePlan, Plan};
use crate::profile::{ADMIN_PASSWORD, Secrets};
use crate::render::{
    NodeFile, NodeFiles, OverlayFacts, PrivateContent, lists, meta_data, network_config, private_files,
    user_data,
};
use crate::store::Store;

/// What user-data may be without secrets, in bytes: the tightest limit that a data source is known to have.
const USER_DATA_LIMIT: usize = 16 * 1024;

/// Builds the nodes of these names, or all.
pub fn run(names: &[String], all: bool, options: &Options, console: &Console) -> Result<(), Failure> {
    if names.is_empty() && !all {
        return Err(Failure::Usage {
            message: "which node?".to_owned(),
            help: "`imgbuild NODE...` builds nodes, `imgbuild --all` every one; `imgbuild --help` says more"
                .to_owned(),
        });
    }
    let (plan, components, mut report) = inputs::Written::read(options)?.plan(options)?;
    let nodes = select::nodes(&plan, names, all)?;
    let mut secrets = secrets::read(&options.secrets, &components, &mut report)?;
    let rendered = render(&plan, &nodes, &secrets, &mut report);
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    nobody_can_log_in(&plan, &secrets, &mut report);
    console.report(&report);
    problems::tell(&nodes, console);
    let store = select::store(options)?;
    let finished = layers::finish(&nodes, &store, &select::fetching(options)?, console)?;
    secrets::generate(&mut secrets, &options.secrets, &nodes, &components, console)?;
    secrets::tell_what_is_lacking(&secrets, &nodes, console);
    let build = Build { plan: &plan, store: &store, layers: &finished, secrets: &secrets };
    let outputs = Outputs::open(&options.out)?;
    let mut staged = Vec::new();
    for (node, files) in nodes.iter().zip(rendered) {
        let folder = outputs.stage(&node.name)?;
        let manifest = build.node(node, files, folder.path())?;
        staged.push((folder, manifest));
    }
    let mut manifests = Vec::new();
    for (folder, manifest) in staged {
        folder.publish()?;
        if !console.json {
            Console::data(format!("{}\n", select::shown(&options.out, &manifest.node)))?;
        }
        manifests.push(manifest);
    }
    if console.json { Ok(Console::data_json(&manifests)?) } else { Ok(()) }
}

fn render(plan: &Plan, nodes: &[&NodePlan], secrets: &Secrets, report: &mut Report) -> Vec<Vec<NodeFile>> {
    let mut files = NodeFiles::new(plan);
    nodes
        .iter()
        .map(|node| {
            private_files(plan, node, secrets, report);
            files.of(node, report)
        })
        .collect()
}

fn nobody_can_log_in(plan: &Plan, secrets: &Secrets, report: &mut Report) {
    let Some(admin) = &plan.cluster.system.admin else { return };
    if admin.ssh_authorized_keys.is_empty() && !secrets.has(ADMIN_PASSWORD) {
        let message = format!("nobody can log in: `{}` has neither an SSH key nor a password", admin.name);
        let help =
            format!("add a key to `ssh_authorized_keys` of the profile, or the secret `{ADMIN_PASSWORD}`");
        report.push(crate::diagnostic::Diagnostic::warning(message).help(help));
    }
}

/// What all nodes of a build share.
struct Build<'a> {
    plan: &'a Plan,
    store: &'a Store,
    layers: &'a Layers,
    secrets: &'a Secrets,
}

impl Build<'_> {
    /// Writes one node's files into a folder.
    fn node(
        &self,
        node: &NodePlan,
        files: Vec<NodeFile>,
        folder: &std::path::Path,
    ) -> Result<Manifest, Failure> {
        let plan = self.plan;
        let mut report = Report::new();
        let private = private_files(plan, node, self.secrets, &mut report);
        if report.has_errors() {
            return Err(Failure::Invalid(report));
        }
        let password = self.password(node)?;
        let (own, room_kib) = self.own_layer(node, files)?;
        let mut readers: Vec<Box<dyn std::io::Read>> = Vec::new();
        for layer in &node.layers {
            readers.push(Box::new(self.store.read(&self.layers[&layer.key].sha256)?));
        }
        readers.push(Box::new(std::io::Cursor::new(own)));
        let has_secrets = !private.is_empty() || password.is_some();
        let documents = |overlay: OutputFile| {
            let facts = OverlayFacts { sha256: overlay.sha256, size: overlay.size, room_kib };
            documents(plan, node, facts, (&private, password.as_deref()))
        };
        let output = NodeOutput {
            layers: readers,
            documents: Box::new(documents),
            has_secrets,
            epoch: plan.epoch,
            manifest: self.manifest(node),
        };
        Ok(write(output, folder).with_context(|| format!("building `{}`", node.name))?)
    }

    /// The node's own layer, compressed, and the KiB that all of the overlay's files need. What a release's folder
    /// holds is known only now, so that its paths are compared with all others here.
    fn own_layer(&self, node: &NodePlan, mut files: Vec<NodeFile>) -> Result<(Vec<u8>, u64), Failure> {
        let indexes: Vec<(&str, &LayerIndex)> = node
            .layers
            .iter()
            .map(|layer| (layer.component.as_str(), &self.layers[&layer.key].index))
            .collect();
        let lists = lists(node, &indexes, &files);
        files.extend(lists);
        let mut tree = Tree::default();
        let context = || format!("building `{}`", node.name);
        let mut room_kib: u64 =
            indexes.iter().flat_map(|(_, index)| &index.entries).map(|entry| kib(&entry.kind)).sum();
        for file in files {
            room_kib += (file.bytes.len() as u64).div_ceil(4096) * 4;
            let entry = Entry::file(file.mode, Content::Bytes(std::sync::Arc::clone(&file.bytes)));
            tree.insert(file.path, entry).with_context(context)?;
        }
        let mut compressed = MembersWriter::new(Vec::new(), NonZero::<usize>::MIN);
        let own = write_layer(&tree, &mut std::io::empty(), self.plan.epoch, &mut compressed)
            .with_context(context)?;
        LayerIndex::merge(indexes.iter().map(|(_, index)| *index).chain([&own])).with_context(context)?;
        Ok((compressed.finish().with_context(context)?, room_kib))
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
            outputs: std::collections::BTreeMap::new(),
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

/// The cloud-init documents of a node: file name and text.
pub fn documents(
    plan: &Plan,
    node: &NodePlan,
    overlay: OverlayFacts,
    (private, password): (&[PrivateContent], Option<&str>),
) -> anyhow::Result<Vec<Text>> {
    let failed = |why| anyhow::anyhow!("writing the user-data of `{}`: {why}", node.name);
    let user_data = user_data(plan, node, overlay, private, password).map_err(failed)?;
    let private_size: usize = private.iter().map(|file| file.content.len() + file.path.len()).sum();
    anyhow::ensure!(
        user_data.len() - private_size.min(user_data.len()) <= USER_DATA_LIMIT,
        "the user-data of `{}` has {} bytes, more than {USER_DATA_LIMIT}: shorten keys or `overlay_urls`",
        node.name,
        user_data.len(),
    );
    Ok(vec![
        ("meta-data", meta_data(node)),
        ("user-data", user_data),
        ("network-config", network_config(&plan.cluster, &plan.cluster.members[node.index])),
    ])
}
