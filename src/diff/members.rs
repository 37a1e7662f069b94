//! Members that come, go or move between what earlier builds recorded and a plan: their component keeps a list of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

/// The addresses of members by component and node, as each node's build has them.
type Lists = BTreeMap<String, BTreeMap<String, BTreeMap<String, IpAddr>>>;

/// A change that a component's running members must be told of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MemberChange {
    /// A node that the members do not know.
    New {
        /// The component.
        component: String,
        /// The node.
        node: String,
    },
    /// A node that has another address.
    Moved {
        /// The component.
        component: String,
        /// The node.
        node: String,
        /// Where its last build has it.
        from: IpAddr,
        /// Where it is to be.
        to: IpAddr,
    },
    /// A node that runs the component no more.
    Gone {
        /// The component.
        component: String,
        /// The node.
        node: String,
    },
}

/// What changed between the lists of earlier builds and those of a plan.
///
/// A node's own build knows best where it is. One that is not built yet is new only if a member's build did not count on
/// it: the nodes of a first build are built one after the other.
pub(crate) fn member_changes(recorded: &Lists, planned: &Lists) -> BTreeSet<MemberChange> {
    let mut changes = BTreeSet::new();
    for (component, list) in recorded.values().flatten() {
        for node in list.keys().filter(|node| !is_planned(planned, component, node)) {
            changes.insert(MemberChange::Gone { component: component.clone(), node: node.clone() });
        }
    }
    for (node, lists) in planned {
        for (component, to) in
            lists.iter().filter_map(|(component, list)| Some((component, *list.get(node)?)))
        {
            let (component, node) = (component.clone(), node.clone());
            let own =
                recorded.get(&node).and_then(|lists| lists.get(&component)).and_then(|list| list.get(&node));
            let of_others = || recorded.values().filter_map(|lists| lists.get(&component));
            let known = own.or_else(|| of_others().find_map(|list| list.get(&node)));
            match known {
                Some(from) if *from != to => {
                    changes.insert(MemberChange::Moved { component, node, from: *from, to });
                }
                _ if own.is_none() && of_others().any(|list| !list.contains_key(&node)) => {
                    changes.insert(MemberChange::New { component, node });
                }
                _ => {}
            }
        }
    }
    changes
}

fn is_planned(planned: &Lists, component: &str, node: &str) -> bool {
    planned.get(node).is_some_and(|lists| lists.contains_key(component))
}

impl fmt::Display for MemberChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New { component, node } => write!(
                f,
                "`{node}` is new to `{component}`, whose other members were built without it: with this seed it does not \
                 join them"
            ),
            Self::Moved { component, node, from, to } => write!(
                f,
                "`{component}` on `{node}` moves from {from} to {to}: its members keep the old address in their data, and \
                 do not find it at the new one"
            ),
            Self::Gone { component, node } => write!(
                f,
                "`{node}` no longer runs `{component}`, whose other members still count it as a member"
            ),
        }
    }
}

impl MemberChange {
    /// How the members are told.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::New { node, .. } => {
                format!(
                    "if they run already, `imgbuild member add {node}` builds it so that it joins, one node at a time"
                )
            }
            Self::Moved { node, .. } => {
                format!(
                    "use `imgbuild member move {node}` instead, one node at a time while the others are healthy"
                )
            }
            Self::Gone { node, .. } => format!("run `imgbuild member remove {node}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lists, MemberChange, member_changes};

    /// The lists of builds, each written `NODE: NODE=LAST_BYTE ...`.
    fn lists(builds: &[(&str, &[(&str, u8)])]) -> Lists {
        let list = |members: &[(&str, u8)]| {
            members.iter().map(|(name, byte)| ((*name).to_owned(), [10, 0, 0, *byte].into())).collect()
        };
        builds
            .iter()
            .map(|(node, members)| ((*node).to_owned(), [("etcd".to_owned(), list(members))].into()))
            .collect()
    }

    fn all(members: &[(&str, u8)]) -> Lists {
        lists(&members.iter().map(|(name, _)| (*name, members)).collect::<Vec<_>>())
    }

    fn told(recorded: &Lists, planned: &Lists) -> Vec<String> {
        let short = |change| match change {
            MemberChange::New { node, .. } => format!("+{node}"),
            MemberChange::Gone { node, .. } => format!("-{node}"),
            MemberChange::Moved { node, from, to, .. } => format!("{node} {from} {to}"),
        };
        member_changes(recorded, planned).into_iter().map(short).collect()
    }

    const THREE: &[(&str, u8)] = &[("a", 1), ("b", 2), ("c", 3)];
    const FIVE: &[(&str, u8)] = &[("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)];

    #[test]
    fn members_come_go_and_move() {
        assert!(told(&all(THREE), &all(THREE)).is_empty());
        assert_eq!(told(&all(THREE), &all(FIVE)), ["+d", "+e"]);
        assert_eq!(told(&all(FIVE), &all(THREE)), ["-d", "-e"]);
        assert_eq!(told(&all(THREE), &all(&[("a", 1), ("b", 9), ("c", 3)])), ["b 10.0.0.2 10.0.0.9"]);
        assert!(told(&Lists::new(), &all(THREE)).is_empty(), "nothing is known of builds");
    }

    #[test]
    fn a_first_build_one_node_after_the_other_is_no_change() {
        assert!(told(&lists(&[("a", THREE)]), &all(THREE)).is_empty());
    }

    #[test]
    fn what_is_built_already_is_not_new_and_the_next_still_is() {
        let mut recorded = all(THREE);
        recorded.extend(lists(&[("d", FIVE)]));
        assert_eq!(told(&recorded, &all(FIVE)), ["+e"]);
    }

    #[test]
    fn of_two_moves_the_first_built_is_done() {
        let moved: &[(&str, u8)] = &[("a", 11), ("b", 12), ("c", 3)];
        let mut recorded = all(THREE);
        recorded.extend(lists(&[("a", moved)]));
        assert_eq!(told(&recorded, &all(moved)), ["b 10.0.0.2 10.0.0.12"]);
    }
}
