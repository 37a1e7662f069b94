//! The lists of members that earlier builds recorded in the nodes' manifests.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use crate::cluster::{Member, NodeIndex};
use crate::diagnostic::{Diagnostic, Report};
use crate::diff::{MemberChange, member_changes};
use crate::failure::Failure;
use crate::output::{MemberLists, member_lists};
use crate::plan::Plan;

/// What the last build of each node recorded, by node.
pub(crate) type Recorded = BTreeMap<String, MemberLists>;

/// Reads the manifests of the plan's nodes. What another cluster's builds recorded is not this one's.
pub(crate) fn read(plan: &Plan, out: &Path) -> Result<Recorded, Failure> {
    let mut recorded = Recorded::new();
    for node in &plan.nodes {
        if let Some(lists) = member_lists(&out.join(&node.name), &plan.cluster.name)? {
            recorded.insert(node.name.clone(), lists);
        }
    }
    Ok(recorded)
}

/// Where the last build of a node has it, if that is known.
pub(crate) fn address(plan: &Plan, out: &Path, node: NodeIndex) -> Result<Option<IpAddr>, Failure> {
    let name = &plan.cluster[node].name;
    let lists = member_lists(&out.join(name), &plan.cluster.name)?.unwrap_or_default();
    Ok(lists.values().find_map(|list| list.get(name)).copied())
}

/// Warns of members that come, go or move between the builds in `out` and the plan: their component must be told. Of those
/// that come or move, if they are meant.
pub(crate) fn warn(plan: &Plan, out: &Path, report: &mut Report) -> Result<(), Failure> {
    let recorded = read(plan, out)?;
    let selected = plan.selected_nodes();
    let lists =
        |(index, member): (NodeIndex, &Member)| (member.name.clone(), plan.cluster.member_lists(index));
    let planned = plan.cluster.indexed().map(lists).filter(|(_, lists)| !lists.is_empty()).collect();
    for change in member_changes(&recorded, &planned) {
        let concerns = match &change {
            MemberChange::Gone { .. } => true,
            MemberChange::New { node, .. } | MemberChange::Moved { node, .. } => {
                selected.iter().any(|selected| selected.name == *node)
            }
        };
        if concerns {
            report.push(Diagnostic::warning(change.to_string()).help(change.help()));
        }
    }
    Ok(())
}
