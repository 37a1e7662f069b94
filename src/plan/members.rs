//! Which components run on which node: from the names in nodes and roles.

use std::collections::BTreeSet;

use super::inputs::Inputs;
use crate::cluster::Member;
use crate::diagnostic::{Diagnostic, Report, Step, meant, quoted};
use crate::profile::{Node, Profile};

/// Whether every node, role and component of the profile could be read and found. Names that mean nothing go into
/// `report`.
pub(super) fn are_known(inputs: &Inputs<'_>, profile: &Profile, report: &mut Report) -> bool {
    let components = unknown_components(inputs, profile, report);
    let roles = unknown_roles(inputs, profile, report);
    if roles == 0 {
        unused_roles(inputs, profile, report);
    }
    !inputs.profile.lossy && inputs.unreadable.is_empty() && components + roles == 0
}

/// The nodes with their components, less those that do not exist.
pub(super) fn members(inputs: &Inputs<'_>, profile: &Profile) -> Vec<Member> {
    let everywhere: Vec<_> = inputs
        .components
        .values()
        .filter(|component| component.spec.everywhere)
        .map(|component| &component.name)
        .collect();
    profile.nodes.iter().map(|node| member(inputs, profile, &everywhere, node)).collect()
}

fn member(inputs: &Inputs<'_>, profile: &Profile, everywhere: &[&String], node: &Node) -> Member {
    let named = node.roles.iter().filter_map(|role| profile.roles.get(role)).flatten();
    let mut seen = BTreeSet::new();
    let components = everywhere.iter().copied().chain(named);
    let components = components.filter(|name| inputs.components.contains_key(*name) && seen.insert(*name));
    Member {
        name: node.name.clone(),
        address: node.address,
        mac: node.mac,
        arch: inputs.request.arch.or(node.arch).unwrap_or(profile.arch),
        roles: node.roles.clone(),
        components: components.cloned().collect(),
        joins: inputs.request.joins.get(&node.name).cloned().unwrap_or_default(),
    }
}

fn unknown_components(inputs: &Inputs<'_>, profile: &Profile, report: &mut Report) -> usize {
    let known = inputs.components.keys().map(String::as_str);
    let mut count = 0;
    for (role, names) in &profile.roles {
        for (index, name) in names.iter().enumerate() {
            if inputs.components.contains_key(name) || inputs.unreadable.contains(name) {
                continue;
            }
            count += 1;
            let path = [Step::from("roles"), Step::from(role), Step::from(index)];
            let help = format!(
                "the components are {}; one of your own is a folder of `--overlays DIR`",
                quoted(known.clone())
            );
            let message = format!("unknown component `{}`", name.escape_debug());
            report.push(inputs.profile.document.error(&path, message, meant(name, known.clone())).help(help));
        }
    }
    count
}

/// Roles that no node has, which may be what is left of a slip.
fn unused_roles(inputs: &Inputs<'_>, profile: &Profile, report: &mut Report) {
    // Without any node all are unused, and that is told.
    let is_used = |role: &String| profile.nodes.iter().any(|node| node.roles.contains(role));
    for role in profile.roles.keys().filter(|role| !profile.nodes.is_empty() && !is_used(role)) {
        let document = &inputs.profile.document;
        let span = document.key_span(&[Step::from("roles"), Step::from(role)]);
        let message = format!("no node has the role `{}`", role.escape_debug());
        let warning = Diagnostic::warning(message).at(&document.source, span, "");
        report.push(warning.help("add it to the `roles` of a node, or remove it"));
    }
}

fn unknown_roles(inputs: &Inputs<'_>, profile: &Profile, report: &mut Report) -> usize {
    let known = profile.roles.keys().map(String::as_str);
    let mut count = 0;
    for (index, node) in profile.nodes.iter().enumerate() {
        // Reported with the node.
        count += usize::from(node.roles.is_empty());
        for (position, role) in node.roles.iter().enumerate() {
            if profile.roles.contains_key(role) {
                continue;
            }
            count += 1;
            let path = [Step::from("nodes"), Step::from(index), Step::from("roles"), Step::from(position)];
            let help = format!("the roles of this profile are {}", quoted(known.clone()));
            let message = format!("unknown role `{}`", role.escape_debug());
            report.push(inputs.profile.document.error(&path, message, meant(role, known.clone())).help(help));
        }
    }
    count
}
