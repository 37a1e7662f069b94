//! From what the user wrote to what will be done: every name looked up, everything wrong reported.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::checks;
use super::cluster::{Cluster, Member, MetricsEndpoint, ReleaseView, Service};
use super::node::NodePlan;
use super::shape::{Shape, Shapes};
use crate::component::{Component, Components};
use crate::diagnostic::{Decoded, Diagnostic, Report, Step, nearest};
use crate::profile::Profile;
use crate::release::{Arch, Releases};
use crate::render::{Context, Templates};

/// Everything that a plan is made of.
pub struct Inputs<'a> {
    /// The profile.
    pub profile: &'a Decoded<Profile>,
    /// The pins.
    pub releases: &'a Decoded<Releases>,
    /// The components.
    pub components: &'a Components,
    /// The architecture of all nodes, whatever the profile says.
    pub arch: Option<Arch>,
    /// The modification time of every file in an overlay, in seconds since 1970.
    pub epoch: u64,
}

/// All that a build will do, decided.
#[derive(Serialize)]
pub struct Plan {
    /// The cluster.
    pub cluster: Cluster,
    /// The nodes, in the profile's order.
    pub nodes: Vec<NodePlan>,
    /// The modification time of every file in an overlay, in seconds since 1970.
    pub epoch: u64,
    /// The templates of all components.
    #[serde(skip)]
    pub templates: Templates,
    /// What the templates see.
    #[serde(skip)]
    pub context: Context,
}

impl Plan {
    /// Where a node may fetch its overlay.
    pub fn overlay_urls(&self, node: &NodePlan) -> Result<Vec<String>, String> {
        let seen = self.context.of_node("", node.index);
        self.cluster.overlay_urls.iter().map(|url| self.templates.expand(url, &seen)).collect()
    }

    /// The node of this name.
    pub fn node(&self, name: &str) -> Option<&NodePlan> {
        self.nodes.iter().find(|node| node.name == name)
    }
}

/// Makes the plan. All that is wrong goes into `report`; there is a plan only if nothing is.
pub fn resolve(inputs: &Inputs<'_>, report: &mut Report) -> Option<Plan> {
    let templates = Templates::new(inputs.components, report);
    let profile = inputs.profile.value.as_ref()?;
    checks::profile(profile, &inputs.profile.document, report);
    checks::components(inputs.components, report);
    let cluster = cluster(inputs, profile, &templates, report);
    let context = Context::new(&cluster);
    let mut shapes = Shapes::new(inputs, &cluster, &templates);
    let mut nodes = Vec::new();
    for (index, member) in cluster.members.iter().enumerate() {
        let shape = shapes.of(member, report);
        nodes.push(node(member, index, &shape, (&templates, &context), inputs.components, report));
    }
    // Counts of a cluster that could not be read as a whole say nothing.
    if !inputs.profile.lossy {
        checks::rules(inputs, &cluster, (&templates, &context), report);
    }
    if report.has_errors() || inputs.releases.value.is_none() {
        return None;
    }
    Some(Plan { nodes, epoch: inputs.epoch, cluster, templates, context })
}

/// The cluster, as far as it can be resolved.
fn cluster(inputs: &Inputs<'_>, profile: &Profile, templates: &Templates, report: &mut Report) -> Cluster {
    let members = members(inputs, profile, report);
    let mut services = BTreeMap::new();
    for name in members.iter().flat_map(|member| &member.components) {
        if let (Some(component), false) = (inputs.components.get(name), services.contains_key(name)) {
            services.insert(name.clone(), service(inputs, profile, component, templates, report));
        }
    }
    unknown_settings(inputs, profile, report);
    Cluster {
        name: profile.cluster.clone(),
        network: profile.network.clone(),
        system: profile.system.clone(),
        overlay_urls: profile.overlay_urls.clone(),
        members,
        services,
    }
}

fn members(inputs: &Inputs<'_>, profile: &Profile, report: &mut Report) -> Vec<Member> {
    let document = &inputs.profile.document;
    for (role, names) in &profile.roles {
        for (index, name) in
            names.iter().enumerate().filter(|(_, name)| !inputs.components.contains_key(*name))
        {
            let path = [Step::from("roles"), Step::from(role), Step::from(index)];
            let known = inputs.components.keys().map(String::as_str);
            report.push(
                document
                    .error(&path, format!("there is no component `{name}`"), meant(name, known.clone()))
                    .help(format!(
                        "the components are {}; a component is a folder of overlays/",
                        quoted(known)
                    )),
            );
        }
    }
    let everywhere: Vec<_> = inputs
        .components
        .values()
        .filter(|component| component.spec.everywhere)
        .map(|c| c.name.clone())
        .collect();
    let member = |(index, node): (usize, &crate::profile::Node)| {
        let mut components = everywhere.clone();
        for (position, role) in node.roles.iter().enumerate() {
            match profile.roles.get(role) {
                Some(names) => components.extend(names.iter().cloned()),
                None => {
                    let path =
                        [Step::from("nodes"), Step::from(index), Step::from("roles"), Step::from(position)];
                    let known = profile.roles.keys().map(String::as_str);
                    report.push(
                        document
                            .error(&path, format!("there is no role `{role}`"), meant(role, known.clone()))
                            .help(format!("the roles of this profile are {}", quoted(known))),
                    );
                }
            }
        }
        components.retain(|name| inputs.components.contains_key(name));
        let mut seen = std::collections::BTreeSet::new();
        components.retain(|name| seen.insert(name.clone()));
        Member {
            name: node.name.clone(),
            address: node.address,
            mac: node.mac,
            arch: inputs.arch.or(node.arch).unwrap_or(profile.arch),
            roles: node.roles.clone(),
            components,
        }
    };
    profile.nodes.iter().enumerate().map(member).collect()
}

fn service(
    inputs: &Inputs<'_>,
    profile: &Profile,
    component: &Component,
    templates: &Templates,
    report: &mut Report,
) -> Service {
    let spec = &component.spec;
    let mut settings: BTreeMap<_, _> =
        spec.settings.iter().map(|(name, setting)| (name.clone(), setting.default.clone())).collect();
    for (name, value) in profile.settings.get(&component.name).into_iter().flatten() {
        if let Some(setting) = spec.settings.get(name) {
            checks::setting(&inputs.profile.document, &component.name, (name, value, setting), report);
            settings.insert(name.clone(), value.clone());
        }
    }
    let context =
        minijinja::context! { settings => minijinja::Value::from(minijinja::value::Serde(&settings)) };
    let mut port = |path: &[Step], text: &str| {
        let expanded = templates.expand(text, &context);
        let number =
            expanded.as_ref().ok().and_then(|text| text.trim().parse::<u16>().ok()).filter(|port| *port > 0);
        if number.is_none() {
            let found = expanded.unwrap_or_else(|error| error);
            let message = format!("`{text}` is no TCP port: {found}");
            report.push(component.document.error(path, message, "expected a number from 1 to 65535"));
        }
        number
    };
    let metrics = spec.metrics.as_ref().and_then(|metrics| {
        Some(MetricsEndpoint {
            job: component.job().to_owned(),
            port: port(&["metrics".into(), "port".into()], &metrics.port)?,
            path: metrics.path.clone(),
            interval: metrics.interval.clone(),
        })
    });
    let ports =
        spec.ports.iter().enumerate().filter_map(|(index, text)| port(&["ports".into(), index.into()], text));
    let ports = ports.collect();
    Service { settings, release: release(inputs, component, report), ports, metrics }
}

fn release(inputs: &Inputs<'_>, component: &Component, report: &mut Report) -> Option<ReleaseView> {
    let name = component.spec.release.as_ref()?;
    let releases = &inputs.releases.value.as_ref()?.releases;
    if let Some(release) = releases.get(name) {
        return Some(ReleaseView { name: name.clone(), version: release.version.clone() });
    }
    let known = releases.keys().map(String::as_str);
    report.push(
        component
            .document
            .error(&["release".into()], format!("there is no release `{name}`"), meant(name, known.clone()))
            .help(format!("`{}` has {}", inputs.releases.document.source.name(), quoted(known))),
    );
    None
}

fn unknown_settings(inputs: &Inputs<'_>, profile: &Profile, report: &mut Report) {
    let document = &inputs.profile.document;
    for (name, settings) in &profile.settings {
        let path = [Step::from("settings"), Step::from(name)];
        let Some(component) = inputs.components.get(name) else {
            let label = meant(name, inputs.components.keys().map(String::as_str));
            let message = format!("there is no component `{name}`");
            report.push(Diagnostic::error(message).at(&document.source, document.key_span(&path), label));
            continue;
        };
        let known = component.spec.settings.keys().map(String::as_str);
        for setting in settings.keys().filter(|setting| !component.spec.settings.contains_key(*setting)) {
            let path = [&path[..], &[Step::from(setting)]].concat();
            report.push(
                Diagnostic::error(format!("`{name}` has no setting `{setting}`"))
                    .at(&document.source, document.key_span(&path), meant(setting, known.clone()))
                    .help(format!("its settings are {}", quoted(known.clone()))),
            );
        }
    }
}

fn node(
    member: &Member,
    index: usize,
    shape: &Arc<Shape>,
    (templates, context): (&Templates, &Context),
    components: &Components,
    report: &mut Report,
) -> NodePlan {
    let mut services = shape.services.clone();
    for service in services.iter_mut().filter(|service| service.health.is_some()) {
        let seen = context.of_node(&service.component, index);
        match templates.expand(service.health.as_deref().unwrap_or_default(), &seen) {
            Ok(url) => service.health = Some(url),
            Err(error) => {
                let document = &components[&service.component].document;
                let message = format!("this template does not render: {error}");
                report.push(document.error(&["health".into(), "url".into()], message, ""));
            }
        }
    }
    NodePlan {
        name: member.name.clone(),
        index,
        instance_id: member.name.clone(),
        layers: shape.layers.clone(),
        files: shape.files.clone(),
        private: shape.private.clone(),
        services,
    }
}

pub(super) fn meant<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(typed, known).map_or_else(|| "not known".to_owned(), |name| format!("did you mean `{name}`?"))
}

pub(super) fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "none".to_owned() } else { format!("`{}`", names.join("`, `")) }
}
