//! `imgbuild NODE...`: builds nodes.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::console::Console;
use super::documents::{documents, rendered};
use super::failure::Failure;
use super::layers::{self, Layers};
use super::{inputs, instances, password, problems, secrets, select};
use crate::cli::Options;
use crate::component::Components;
use crate::diagnostic::{Diagnostic, Report};
use crate::layer::{Content, Entry, IndexKind, LayerIndex, MembersWriter, Tree, write_layer};
use crate::output::{Manifest, NodeOutput, Outputs, write};
use crate::plan::{NodePlan, Plan};
use crate::profile::{ADMIN_PASSWORD, Secrets};
use crate::render::{NodeFile, NodeSecrets, OverlayFacts, lists, private_files};
use crate::store::Store;

/// Builds the nodes of these names, or all; as new instances, if they are to be reprovisioned.
pub fn run(
    names: &[String],
    all: bool,
    reprovision: bool,
    options: &Options,
    console: &Console,
) -> Result<(), Failure> {
    let prepare = |plan: &mut Plan, _: &Components| {
        if reprovision { instances::renew(plan, names, all, &options.out, console) } else { Ok(()) }
    };
    if names.is_empty() && !all {
        return Err(Failure::Usage {
            message: "which node?".to_owned(),
            help: "`imgbuild NODE...` builds nodes, `imgbuild --all` every one; `imgbuild --help` says more"
                .to_owned(),
        });
    }
    let written = inputs::Written::read(options)?;
    let manifests = build(written, (names, all), prepare, options, console)?;
    if console.json {
        return Ok(Console::data_json(&manifests)?);
    }
    let lines =
        manifests.iter().map(|manifest| options.out.join(&manifest.node).display().to_string() + "\n");
    Ok(Console::data(lines.collect::<String>())?)
}

/// Builds nodes of what is written. `prepare` has the last word on their plan, before anything is fetched or written.
pub(super) fn build(
    mut written: inputs::Written,
    (names, all): (&[String], bool),
    prepare: impl FnOnce(&mut Plan, &Components) -> Result<(), Failure>,
    options: &Options,
    console: &Console,
) -> Result<Vec<Manifest>, Failure> {
    let mut secrets = written.secrets(&options.secrets)?;
    let (mut plan, components, mut report) = written.draft(options)?;
    select::nodes(&plan, names, all)?;
    if !report.has_errors() {
        prepare(&mut plan, &components)?;
    }
    let nodes = select::nodes(&plan, names, all)?;
    let rendered = rendered(&plan, &nodes, &secrets, &mut report);
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    nobody_can_log_in(&plan, &secrets, &mut report);
    console.report(&report);
    problems::tell(&nodes, console);
    let store = select::store(options)?;
    let layers = layers::finish(&nodes, &store, &select::fetching(options)?, console)?;
    secrets::generate(&mut secrets, &options.secrets, &secrets::needed(&nodes, &components), console)?;
    secrets::tell_what_is_lacking(&secrets, &nodes, console);
    let build = Build { plan: &plan, store: &store, layers: &layers, secrets: &secrets };
    build.publish(nodes.into_iter().zip(rendered), &options.out)
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
pub(super) struct Build<'a> {
    pub(super) plan: &'a Plan,
    pub(super) store: &'a Store,
    pub(super) layers: &'a Layers,
    pub(super) secrets: &'a Secrets,
}

impl Build<'_> {
    /// Writes all nodes, and puts them into `out` when each of them is whole.
    fn publish<'n>(
        &self,
        nodes: impl Iterator<Item = (&'n NodePlan, Vec<NodeFile>)>,
        out: &Path,
    ) -> Result<Vec<Manifest>, Failure> {
        let outputs = Outputs::open(out)?;
        let mut staged = Vec::new();
        for (node, files) in nodes {
            let folder = outputs.stage(&node.name)?;
            let manifest = self.node(node, files, folder.path())?;
            staged.push((folder, manifest));
        }
        let mut manifests = Vec::new();
        for (folder, manifest) in staged {
            folder.publish()?;
            manifests.push(manifest);
        }
        Ok(manifests)
    }

    /// Writes one node's files into a folder.
    fn node(&self, node: &NodePlan, files: Vec<NodeFile>, folder: &Path) -> Result<Manifest, Failure> {
        let output = self.output(node, files)?.0;
        Ok(write(output, folder).with_context(|| format!("building `{}`", node.name))?)
    }

    /// What is written for a node, and what is in its overlay.
    pub(super) fn output<'n>(
        &'n self,
        node: &'n NodePlan,
        files: Vec<NodeFile>,
    ) -> Result<(NodeOutput<'n>, LayerIndex), Failure> {
        let secrets = self.secrets(node)?;
        let (own, index) = self.own_layer(node, files)?;
        let mut layers: Vec<Box<dyn Read>> = Vec::new();
        for layer in &node.layers {
            layers.push(self.layers[&layer.key].read(self.store)?);
        }
        layers.push(Box::new(Cursor::new(own)));
        let room_kib = index.entries.iter().map(|entry| kib(&entry.kind)).sum();
        let output = NodeOutput {
            layers,
            has_secrets: !secrets.is_empty(),
            documents: Box::new(move |overlay| {
                let facts = OverlayFacts { sha256: overlay.sha256, size: overlay.size, room_kib };
                documents(self.plan, node, facts, &secrets)
                    .map_err(|why| anyhow::anyhow!(why.message().to_owned()))
            }),
            epoch: self.plan.epoch,
            manifest: self.manifest(node),
        };
        Ok((output, index))
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

    /// The node's own layer, compressed, and the index of the whole overlay. What a release's folder holds is known
    /// only now, so that its paths are compared with all others here.
    fn own_layer(&self, node: &NodePlan, mut files: Vec<NodeFile>) -> Result<(Vec<u8>, LayerIndex), Failure> {
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
        Ok((compressed.finish().with_context(context)?, whole.with_context(context)?))
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
