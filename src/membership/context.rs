//! The template context of a component's `membership` checks and commands.

use std::net::IpAddr;

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::Inquiry;
use super::seats::{FoundMember, LiveMembers, Seat};
use crate::cluster::url_host;
use crate::template::{Context, value};

/// A member, as the list has it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListedMember {
    /// What it is called in commands.
    id: String,
    /// Its name; empty where it has not started yet.
    name: String,
    /// Where it is, as a URL has it.
    host: String,
    /// Whether it counts for a majority.
    votes: bool,
}

impl ListedMember {
    pub(super) fn is_at(&self, address: IpAddr) -> bool {
        self.host == url_host(address)
    }
}

/// A change, and what is known of those that live.
pub(super) struct ChangeContext<'a> {
    pub(super) inquiry: &'a Inquiry<'a>,
    pub(super) known: &'a LiveMembers,
}

impl ChangeContext<'_> {
    pub(super) fn value(&self) -> Value {
        let Inquiry { plan, component, change, node, others, .. } = self.inquiry;
        let view = |found: &FoundMember| Context::node_at(&plan.cluster, found.node, found.address);
        let alive: Vec<_> = self.known.alive.iter().map(view).collect();
        let members: Vec<_> = others.iter().map(|seat| view(&self.at(seat))).collect();
        let base = plan.context.of_component(&component.name);
        let base = match node {
            Some(seat) => {
                context! { node => view(&FoundMember { node: seat.node, address: seat.addresses[0] }), ..base }
            }
            None => base,
        };
        let seen = context! { change => value(change), name => self.inquiry.name, alive, members, ..base };
        let Some(list) = &self.known.list else { return seen };
        let (mine, rest): (Vec<_>, Vec<_>) = list.iter().partition(|entry| self.is_mine(entry));
        let strangers: Vec<_> = rest.iter().filter(|entry| !self.is_known(entry)).collect();
        context! {
            listed => value(list),
            mine => value(mine.first()),
            others => value(&rest),
            strangers => value(strangers),
            ..seen
        }
    }

    /// Where another member is: at the address that answers, or that the list has, or that the profile has.
    fn at(&self, seat: &Seat) -> FoundMember {
        let answers = self.known.alive.iter().find(|found| found.node == seat.node).copied();
        let listed = || seat.listed(self.known.list.as_deref().unwrap_or_default());
        answers.or_else(listed).unwrap_or(FoundMember { node: seat.node, address: seat.addresses[0] })
    }

    fn is_mine(&self, entry: &ListedMember) -> bool {
        entry.name == self.inquiry.name || self.inquiry.node.as_ref().is_some_and(|seat| is_in(seat, entry))
    }

    fn is_known(&self, entry: &ListedMember) -> bool {
        self.inquiry.others.iter().any(|seat| is_in(seat, entry))
    }
}

/// A member is known by its address: that of a name may be another's.
fn is_in(seat: &Seat, entry: &ListedMember) -> bool {
    seat.addresses.iter().any(|address| entry.is_at(*address))
}
