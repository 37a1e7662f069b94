//! `imgbuild NODE...`: builds nodes.

use std::collections::BTreeMap;
use std::io::Write as _;

use super::select;
use crate::build::delivery::{self, Way};
use crate::build::documents::{documents, rendered};
use crate::build::layers::{self, Depot, Layer, Layers};
use crate::build::node_layer::{OwnLayer, RenderedLayer, room_kib};
use crate::build::{known_problems, obstacles, password};
use crate::cli::Options;
use crate::cluster::NodeIndex;
use crate::component::Components;
use crate::diagnostic::{Diagnostic, Report};
use crate::failure::{Exit, Failure};
use crate::input::{self, instance_ids, recorded, secrets};
use crate::layer::NamedLayer;
use crate::output::{LayerSource, Manifest, NodeOutput, OutputFile};
use crate::plan::{LayerPlan, NodePlan, Plan};
use crate::profile::{ADMIN_PASSWORD, Admin, Secrets, SshKey};
use crate::render::{NodeSecrets, OverlayFacts, private_files};
use crate::store::Cache;
use crate::terminal::Console;

/// Builds the nodes of these names, or all; as new instances, if they are to be reprovisioned.
pub fn run(
    names: &[String],
    all: bool,
    reprovision: bool,
    options: &Options,
    console: &Console,
) -> Result<(), Failure> {
    let prepare = |plan: &mut Plan, chosen: &[NodeIndex], _: &Components| {
        let mut report = Report::new();
        let nodes: Vec<_> = chosen.iter().map(|index| index.of(&plan.nodes)).collect();
        recorded::warn(plan, &nodes, &options.out, &mut report)?;
        console.report(&report);
        if reprovision { instance_ids::renew(plan, chosen, &options.out, console) } else { Ok(()) }
    };
    if names.is_empty() && !all {
        return Err(Failure::Usage {
            message: "which node?".to_owned(),
            help: "`imgbuild NODE...` builds nodes, `imgbuild --all` every one; `imgbuild --help` says more"
                .to_owned(),
        });
    }
    let written = input::Written::read(options)?;
    let manifests = build(written, (names, all), prepare, options, console)?;
    if console.json {
        return Ok(Console::data_json(&manifests)?);
    }
    let folders = manifests.iter().map(|manifest| options.out.join(&manifest.node));
    let lines = folders.chain(delivery::beside(options)).map(|path| format!("{}\n", path.display()));
    Ok(Console::data(lines.collect::<String>())?)
}

/// Builds nodes of what is written. `prepare` has the last word on their plan, before anything is fetched or written.
pub(crate) fn build(
    mut written: input::Written,
    (names, all): (&[String], bool),
    prepare: impl FnOnce(&mut Plan, &[NodeIndex], &Components) -> Result<(), Failure>,
    options: &Options,
    console: &Console,
) -> Result<Vec<Manifest>, Failure> {
    let mut secrets = written.secrets(options);
    let (mut plan, components, mut report) = written.draft(options)?;
    let wanted = select::nodes(&plan, names, all)?;
    let chosen: Vec<_> = wanted.iter().map(|node| node.index).collect();
    if !report.has_errors() {
        obstacles::check(&plan, &wanted, options)?;
        prepare(&mut plan, &chosen, &components)?;
    }
    let nodes: Vec<_> = chosen.iter().map(|index| index.of(&plan.nodes)).collect();
    let way = Way::of(options)?;
    way.check(&plan)?;
    let concerned = if way.is_of_all() { plan.nodes.iter().collect() } else { nodes.clone() };
    let rendered = rendered(&plan, &concerned, &secrets, &mut report);
    let needed = secrets::needed(&nodes, &components);
    secrets::check_given(&secrets, options, &needed, &mut report);
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    nobody_can_log_in(&plan, &secrets, &mut report);
    console.report(&report);
    tell_of_sudo(&plan, &secrets, console);
    known_problems::tell(&nodes, console);
    let (store, cache) = (select::store(options)?, select::cache(console));
    let depot = Depot { store: &store, cache: &cache };
    let fetching = select::fetching(options)?;
    let finish = |find| layers::finish(&concerned, (depot, find), &fetching, console);
    let layers = finish(Cache::recorded)?;
    secrets::generate(&mut secrets, secrets::path(options), &needed, console)?;
    secrets::tell_what_is_lacking(&secrets, &nodes, console);
    let publish = |layers| {
        let build = Build::new((&plan, layers), &cache, &secrets, way.clone())?;
        build.publish(concerned.iter().copied().zip(&rendered), &nodes, (&options.out, console))
    };
    match publish(&layers) {
        // A layer that has lost its digest is made again, and shows only where it is read.
        Err(failure) if failure.exit() == Exit::Integrity => publish(&finish(Cache::layer)?),
        done => done,
    }
}

/// Warns where the administrator has no way in, and where a password is nobody's.
pub(crate) fn nobody_can_log_in(plan: &Plan, secrets: &Secrets, report: &mut Report) {
    let Some(admin) = &plan.cluster.system.admin else {
        if secrets.has(ADMIN_PASSWORD) {
            let message =
                format!("the secret `{ADMIN_PASSWORD}` is not used: the profile has no administrator");
            report.push(Diagnostic::warning(message).help("add `admin` to `system` of the profile"));
        }
        return;
    };
    let opens = |key: &String| key.parse::<SshKey>().is_ok();
    if !admin.ssh_authorized_keys.iter().any(opens) && !secrets.has(ADMIN_PASSWORD) {
        let message = format!("nobody can log in: `{}` has neither an SSH key nor a password", admin.name);
        let help =
            format!("add a key to `ssh_authorized_keys` of the profile, or the secret `{ADMIN_PASSWORD}`");
        report.push(Diagnostic::warning(message).help(help));
    }
}

/// Whoever has the administrator's key is root then.
fn tell_of_sudo(plan: &Plan, secrets: &Secrets, console: &Console) {
    let admin = plan.cluster.system.admin.as_ref().filter(|admin| !admin.ssh_authorized_keys.is_empty());
    if let Some(admin) = admin.filter(|_| !secrets.has(ADMIN_PASSWORD)) {
        console.talk(&format!("`{}` uses sudo without a password: no secret `{ADMIN_PASSWORD}`", admin.name));
    }
}

/// What all nodes of a build share.
pub(crate) struct Build<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) cache: &'a Cache,
    pub(crate) layers: &'a Layers,
    secrets: &'a Secrets,
    pub(crate) way: Way,
    /// The administrator's password, hashed.
    password: Option<String>,
}

impl<'a> Build<'a> {
    /// Of a plan's nodes, whose layers are finished.
    pub(crate) fn new(
        (plan, layers): (&'a Plan, &'a Layers),
        cache: &'a Cache,
        secrets: &'a Secrets,
        way: Way,
    ) -> Result<Self, Failure> {
        let admin = plan.cluster.system.admin.as_ref().zip(secrets.get(ADMIN_PASSWORD));
        let hashed = |(admin, password): (&Admin, &str)| {
            password::hashed(password, &format!("{}/{}", plan.cluster.name, admin.name))
        };
        let password = admin.map(hashed).transpose()?;
        Ok(Self { plan, cache, layers, secrets, way, password })
    }

    /// What is written for a node.
    pub(crate) fn output<'n>(
        &'n self,
        node: &'n NodePlan,
        own: &'n OwnLayer,
    ) -> Result<NodeOutput<'n>, Failure> {
        let secrets = self.secrets(node)?;
        let mut layers =
            node.layers.iter().map(|layer| self.shared_layer(layer)).collect::<Result<Vec<_>, _>>()?;
        layers.extend(own.common.layer.as_ref().map(RenderedLayer::source));
        layers.push(own.own.source());
        let listed = if self.way.delivery.is_whole() {
            Vec::new()
        } else {
            layers.iter().map(|source| source.layer.clone()).collect()
        };
        let mut joined = own.common.joined.clone();
        joined.write_all(&own.own.bytes)?;
        let (_, sha256, size) = joined.finish();
        let facts = OverlayFacts {
            sha256,
            size,
            room_kib: room_kib(&own.index),
            layers: listed,
            layers_url: self.way.layers_url.clone(),
        };
        let documents = documents(self.plan, node, &facts, &secrets).map_err(Report::from)?;
        Ok(NodeOutput {
            layers,
            overlay: OutputFile { size, sha256 },
            documents,
            epoch: self.plan.epoch,
            manifest: Manifest { secrets: !secrets.is_empty(), ..self.manifest(node) },
        })
    }

    /// A layer that nodes share.
    pub(crate) fn shared_layer(&self, layer: &LayerPlan) -> Result<LayerSource<'static>, Failure> {
        let Layer { sha256, size, .. } = self.layers[&layer.key];
        let content = self.layers[&layer.key].read(self.cache)?;
        Ok(LayerSource { layer: NamedLayer { name: layer.component.clone(), sha256, size }, content })
    }

    /// What the node's user-data has of secrets, those among them that were generated after the rendering.
    fn secrets(&self, node: &NodePlan) -> Result<NodeSecrets, Failure> {
        let mut report = Report::new();
        let files = private_files(self.plan, node, self.secrets, &mut report);
        if report.has_errors() {
            return Err(Failure::Invalid(report));
        }
        Ok(NodeSecrets { files, password: self.password.clone() })
    }

    fn manifest(&self, node: &NodePlan) -> Manifest {
        let member = &self.plan.cluster[node.index];
        Manifest {
            imgbuild: env!("CARGO_PKG_VERSION").to_owned(),
            cluster: self.plan.cluster.name.clone(),
            node: node.name.clone(),
            instance_id: node.instance_id.clone(),
            arch: member.arch,
            components: member.components.clone(),
            members: self.plan.cluster.member_lists(node.index),
            artifacts: node
                .layers
                .iter()
                .filter_map(|layer| layer.artifact.as_ref())
                .map(Into::into)
                .collect(),
            delivery: self.way.delivery,
            secrets: false,
            overlay: None,
            layers: Vec::new(),
            outputs: BTreeMap::new(),
        }
    }
}
