//! Resolves the user's input into a plan: every name looked up, every error reported.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::checks;
use super::format::Format;
use super::members::{self, members};
use super::node::NodePlan;
use super::services::Services;
use super::shape::{Shape, Shapes};
use crate::cluster::{Cluster, Member, NodeIndex, Peer};
use crate::component::Components;
use crate::diagnostic::{Decoded, Report};
use crate::profile::Profile;
use crate::release::{Arch, Artifact, Releases};
use crate::template::{Context, Templates};

/// Everything that a plan is made of.
pub struct Inputs<'a> {
    /// The profile.
    pub profile: &'a Decoded<Profile>,
    /// The pins.
    pub releases: &'a Decoded<Releases>,
    /// The components.
    pub components: &'a Components,
    /// Components of which parts could not be read, for reasons already reported: what is left of them is looked at,
    /// and they run nowhere.
    pub partial: &'a Components,
    /// The names of components that are there and could not be read, for reasons already reported.
    pub unreadable: &'a BTreeSet<String>,
    /// The architecture of all nodes, whatever the profile says.
    pub arch: Option<Arch>,
    /// Where the nodes fetch a release's file from, if they do that themselves.
    pub fetched_from: Option<&'a dyn Fn(&Artifact) -> String>,
    /// In which form the nodes get what is below /usr.
    pub format: Format,
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
    /// Components whose `checks` do not hold, so that their files are not worth rendering.
    #[serde(skip)]
    pub unsound: BTreeSet<String>,
}

impl Plan {
    /// The node of this name.
    pub fn node(&self, name: &str) -> Option<&NodePlan> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Lets a node join these members of a component, as its files are to have it.
    pub fn join(&mut self, node: NodeIndex, component: &str, members: Vec<Peer>) {
        node.of_mut(&mut self.cluster.members).joins.insert(component.to_owned(), members);
        self.context = Context::new(&self.cluster);
    }
}

/// Makes the plan. All that is wrong goes into `report`.
///
/// There is a plan if every name in the profile has a meaning. What is wrong beyond that does not keep it from being
/// rendered, so that templates' errors are reported too; but it is not to be built.
pub fn resolve(inputs: &Inputs<'_>, report: &mut Report) -> Option<Plan> {
    let templates = Templates::new(inputs.components, report);
    let profile = inputs.profile.value.as_ref()?;
    checks::profile(profile, &inputs.profile.document, report);
    checks::components(inputs.components, inputs.partial, report);
    let is_complete = members::are_known(inputs, profile, report);
    let cluster = cluster(inputs, profile, &templates, report);
    let running = cluster.services.keys().filter_map(|name| inputs.components.get(name));
    checks::administrator(inputs, profile, running, report);
    let context = Context::new(&cluster);
    let mut shapes = Shapes::new(inputs, &cluster, &templates);
    let resolver = Resolver { inputs, cluster: &cluster, templates: &templates, context: &context };
    let mut nodes = Vec::new();
    for (index, member) in cluster.indexed() {
        let shape = shapes.of(member, report);
        nodes.push(resolver.node(member, index, &shape, report));
    }
    // What counts the parts of a cluster that could not be read as a whole says nothing.
    let unsound = if is_complete {
        checks::rules(inputs, &cluster, (&templates, &context), report)
    } else {
        BTreeSet::new()
    };
    let is_whole = is_complete && inputs.releases.value.is_some();
    is_whole.then(|| Plan { nodes, epoch: inputs.epoch, cluster, templates, context, unsound })
}

/// The cluster, as far as it can be resolved.
fn cluster(inputs: &Inputs<'_>, profile: &Profile, templates: &Templates, report: &mut Report) -> Cluster {
    let members = members(inputs, profile);
    let resolver = Services { inputs, profile, templates };
    let mut services = BTreeMap::new();
    for name in members.iter().flat_map(|member| &member.components) {
        if let (Some(component), false) = (inputs.components.get(name), services.contains_key(name)) {
            services.insert(name.clone(), resolver.of(component, report));
        }
    }
    resolver.unknown_settings(report);
    Cluster {
        // What templates make of one that cannot be follows from it, and it is told.
        name: if checks::is_cluster_name(&profile.cluster) {
            profile.cluster.clone()
        } else {
            "unnamed".to_owned()
        },
        network: profile.network.clone(),
        system: profile.system.clone(),
        members,
        services,
    }
}

/// What a node's share of the plan is made with.
struct Resolver<'a> {
    inputs: &'a Inputs<'a>,
    cluster: &'a Cluster,
    templates: &'a Templates,
    context: &'a Context,
}

impl Resolver<'_> {
    fn node(&self, member: &Member, index: NodeIndex, shape: &Shape, report: &mut Report) -> NodePlan {
        let mut services = shape.services.clone();
        for service in &mut services {
            let Some(url) = &service.health else { continue };
            let component = &self.inputs.components[&service.component];
            let expanded = self.templates.expand(url, &self.context.of_node(&service.component, index));
            let expanded = expanded.map_err(|error| format!("failed to render this template: {error}"));
            let checked = expanded.and_then(|url| {
                let checked = checks::health(&url, component, (self.cluster, member));
                let why = |why| format!("`{}` is not a valid health address: {why}", url.escape_debug());
                checked.map_err(why).map(|()| url)
            });
            match checked {
                Ok(url) => service.health = Some(url),
                Err(why) => report.push(component.document.error(&["health".into(), "url".into()], why, "")),
            }
        }
        NodePlan {
            name: member.name.clone(),
            index,
            instance_id: member.name.clone(),
            overlay_urls: self.overlay_urls(index, report),
            format: self.inputs.format,
            layers: shape.layers.clone(),
            files: shape.files.clone(),
            private: shape.private.clone(),
            services,
            folders: shape.folders.clone(),
        }
    }

    fn overlay_urls(&self, index: NodeIndex, report: &mut Report) -> Vec<String> {
        let seen = self.context.of_node("", index);
        let templates = self.inputs.profile.value.iter().flat_map(|profile| &profile.overlay_urls);
        let mut urls = Vec::new();
        for (position, template) in templates.enumerate() {
            let expanded = self.templates.expand(template, &seen);
            let expanded = expanded.map_err(|error| format!("failed to render this template: {error}"));
            match expanded.and_then(checks::overlay_url) {
                Ok(url) => urls.push(url),
                Err(why) => {
                    let path = ["overlay_urls".into(), position.into()];
                    let label = "expected `https://...`, with `{{ node.name }}` and the like";
                    report.push(self.inputs.profile.document.error(&path, why, label));
                }
            }
        }
        urls
    }
}
