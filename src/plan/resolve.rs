//! Resolves the user's input into a plan: every name looked up, every error reported.

use std::collections::{BTreeMap, BTreeSet};

use super::Plan;
use super::checks;
use super::delivery::LAYERS;
use super::error::{PlanError, RequestError};
use super::inputs::{Inputs, Selection};
use super::instance::{Instance, LastInstances};
use super::members::{self, members};
use super::node::NodePlan;
use super::packages;
use super::services::Services;
use super::shape::{ComponentSet, Shapes};
use crate::cluster::{Cluster, Member, NodeIndex};
use crate::diagnostic::Report;
use crate::profile::{Profile, System};
use crate::template::{Context, Templates};

/// Makes the plan. All that is wrong goes into `report`.
///
/// There is a plan if every name has a meaning, in the profile and in what is asked for. What is wrong beyond that does not keep it from being
/// rendered, so that templates' errors are reported too; but it is not to be built.
pub fn resolve(inputs: &Inputs<'_>, report: &mut Report) -> Result<Plan, PlanError> {
    let templates = Templates::new(inputs.components, report);
    let profile = inputs.profile.value.as_ref().ok_or(PlanError::Invalid)?;
    checks::profile(profile, &inputs.profile.document, report);
    checks::components(inputs.components, inputs.partial, report);
    inputs.releases.check_archives(report);
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
        checks::rules(inputs, &cluster, &templates, &context, report)
    } else {
        BTreeSet::new()
    };
    if !is_complete || inputs.releases.value.is_none() {
        return Err(PlanError::Invalid);
    }
    let selected = selected(&inputs.request.selection, &cluster)?;
    let delivery = inputs.request.delivery.clone();
    if delivery.layers_url().is_some() && cluster.find(LAYERS).is_some() {
        return Err(RequestError::NamedAsLayers.into());
    }
    if inputs.request.reprovision {
        nodes = renewed(nodes, &selected, &inputs.request.last_instances)?;
    }
    let epoch = inputs.request.layers.epoch;
    Ok(Plan { cluster, nodes, selected, delivery, epoch, templates, context, unsound })
}

/// The nodes, of which the selected ones are new instances.
fn renewed(
    nodes: Vec<NodePlan>,
    selected: &[NodeIndex],
    last: &LastInstances,
) -> Result<Vec<NodePlan>, RequestError> {
    let renew = |node: NodePlan| {
        if selected.binary_search(&node.index).is_err() {
            return Ok(node);
        }
        let instance = node.instance.next(&node.name, last.get(&node.name))?;
        Ok(NodePlan { instance, ..node })
    };
    nodes.into_iter().map(renew).collect()
}

/// The nodes that are meant, each once, in the profile's order.
fn selected(selection: &Selection, cluster: &Cluster) -> Result<Vec<NodeIndex>, RequestError> {
    let Selection::Named(names) = selection else {
        return Ok(cluster.indexed().map(|(index, _)| index).collect());
    };
    if let Some(name) = names.iter().find(|name| cluster.find(name).is_none()) {
        return Err(RequestError::unknown_node(name, cluster));
    }
    let is_named = |member: &Member| names.contains(&member.name);
    Ok(cluster.indexed().filter(|(_, member)| is_named(member)).map(|(index, _)| index).collect())
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
        system: System { base: packages::base(inputs, profile, report), ..profile.system.clone() },
        members,
        services,
    }
}

/// What a node's share of the plan is made with.
pub(super) struct Resolver<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) cluster: &'a Cluster,
    pub(super) templates: &'a Templates,
    pub(super) context: &'a Context,
}

impl Resolver<'_> {
    fn node(&self, member: &Member, index: NodeIndex, shape: &ComponentSet, report: &mut Report) -> NodePlan {
        let mut services = shape.services.clone();
        for service in &mut services {
            let Some(url) = &service.health else { continue };
            let component = &self.inputs.components[&service.component];
            let expanded = self.templates.expand(url, &self.context.of_node(&service.component, index));
            let expanded = expanded.map_err(|error| format!("failed to render this template: {error}"));
            let checked = expanded.and_then(|url| {
                let checked = checks::health(&url, component, self.cluster, member);
                let why = |why| format!("`{}` is not a valid health address: {why}", url.escape_debug());
                checked.map_err(why).map(|()| url)
            });
            match checked {
                Ok(url) => service.health = Some(url),
                Err(why) => report.push(component.document.error(&["health".into(), "url".into()], why, "")),
            }
        }
        let request = self.inputs.request;
        NodePlan {
            name: member.name.clone(),
            index,
            instance: Instance::last(&member.name, request.last_instances.get(&member.name), report),
            overlay_urls: self.overlay_urls(index, report),
            format: request.layers.format,
            layers: shape.layers.clone(),
            files: shape.files.clone(),
            packages: self.packages(member, index, report),
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
