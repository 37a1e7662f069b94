//! The addresses where members may be, where they were found, and their state.

use std::net::IpAddr;

use super::context::ListedMember;
use crate::cluster::NodeIndex;
use crate::input::recorded::Recorded;
use crate::plan::Plan;
use crate::probe::Reply;

/// A node, and where it may be: where the profile has it, and where its last build does.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) node: NodeIndex,
    pub(super) addresses: Vec<IpAddr>,
}

/// A member that was found at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FoundMember {
    pub(super) node: NodeIndex,
    pub(super) address: IpAddr,
}

/// What is known of the members that live.
#[derive(Debug, Default)]
pub(crate) struct LiveMembers {
    /// The others that are well.
    pub(super) alive: Vec<FoundMember>,
    /// The list of members, if one could be asked for it.
    pub(super) list: Option<Vec<ListedMember>>,
}

/// How one of those that were asked is.
pub(super) enum MemberHealth {
    Well,
    Ill,
    /// It gave no answer, or not that of a member.
    None(String, Reply),
}

impl Seat {
    pub(super) fn of(plan: &Plan, component: &str, node: NodeIndex, recorded: &Recorded) -> Self {
        let member = &plan.cluster[node];
        let last = recorded.get(&member.name).and_then(|lists| lists.get(component)?.get(&member.name));
        let last = last.filter(|address| **address != member.address);
        Self { node, addresses: std::iter::once(member.address).chain(last.copied()).collect() }
    }

    pub(super) fn found(&self) -> impl Iterator<Item = FoundMember> + '_ {
        self.addresses.iter().map(|address| FoundMember { node: self.node, address: *address })
    }

    /// Where a list has it.
    pub(super) fn listed(&self, list: &[ListedMember]) -> Option<FoundMember> {
        self.found().find(|found| list.iter().any(|entry| entry.is_at(found.address)))
    }
}

impl LiveMembers {
    /// Only members of the list count as alive: a machine that runs a cluster of its own does not.
    pub(super) fn of_list(pulses: &[(FoundMember, &MemberHealth)], list: Vec<ListedMember>) -> Self {
        let is_listed = |found: &FoundMember| list.iter().any(|entry| entry.is_at(found.address));
        let well =
            pulses.iter().filter(|(_, pulse)| matches!(pulse, MemberHealth::Well)).map(|(found, _)| *found);
        Self { alive: well.filter(is_listed).collect(), list: Some(list) }
    }
}
