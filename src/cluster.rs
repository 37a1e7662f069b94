//! The cluster as templates and documents know it: names resolved, defaults filled in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Index;

use serde::Serialize;
use serde_yaml::Value;

use crate::profile::{Mac, Network, System};
use crate::release::Arch;

/// All nodes and all that runs on them.
#[derive(Clone, Debug, Serialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// The network of all nodes.
    #[serde(skip)]
    pub network: Network,
    /// What is the same on every node's operating system.
    #[serde(skip)]
    pub system: System,
    /// The nodes, in the profile's order.
    pub members: Vec<Member>,
    /// The components that run on some node.
    pub services: BTreeMap<String, Service>,
}

/// A node.
#[derive(Clone, Debug, Serialize)]
pub struct Member {
    /// The host name.
    pub name: String,
    /// The static address.
    pub address: IpAddr,
    /// The hardware address, where it is known.
    pub mac: Option<Mac>,
    /// The architecture.
    pub arch: Arch,
    /// What it is for.
    pub roles: Vec<String>,
    /// What runs on it, in start order, each once.
    pub components: Vec<String>,
    /// The members of a component that it finds when it joins those that run, itself among them, by component.
    pub joins: BTreeMap<String, Vec<Peer>>,
}

/// A node among the members that another joins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// Where it is at that moment, which may not be where the profile has it.
    pub address: IpAddr,
}

/// A node's place among the members of its cluster, found once by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeIndex(usize);

/// An address as a URL has it: IPv6 in brackets.
pub fn url_host(address: IpAddr) -> String {
    if address.is_ipv6() { format!("[{address}]") } else { address.to_string() }
}

/// A component that runs in the cluster.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Service {
    /// Its settings: the defaults, overlaid with the profile's.
    pub settings: BTreeMap<String, Value>,
    /// The release that it installs files of.
    pub release: Option<ReleaseView>,
    /// The TCP ports that it listens on.
    pub ports: Vec<u16>,
    /// Where it serves metrics.
    pub metrics: Option<MetricsEndpoint>,
    /// Whether its members keep a list of themselves.
    #[serde(skip)]
    pub is_listed: bool,
}

/// A release, as templates see it.
#[derive(Clone, Debug, Serialize)]
pub struct ReleaseView {
    /// Its name in the pins file.
    pub name: String,
    /// Upstream's version.
    pub version: String,
}

/// Where a component serves metrics.
#[derive(Clone, Debug, Serialize)]
pub struct MetricsEndpoint {
    /// The scrape job.
    pub job: String,
    /// The TCP port.
    pub port: u16,
    /// The path.
    pub path: String,
    /// How often it is scraped, if not as everything else.
    pub interval: Option<String>,
}

/// The network, as templates see it.
#[derive(Debug, Serialize)]
pub struct NetworkView {
    subnet: String,
    gateway: Option<IpAddr>,
    nameservers: Vec<IpAddr>,
}

impl Index<NodeIndex> for Cluster {
    type Output = Member;

    fn index(&self, index: NodeIndex) -> &Member {
        &self.members[index.0]
    }
}

impl NodeIndex {
    /// That of a node that no cluster has.
    #[cfg(test)]
    pub const FIRST: Self = Self(0);

    /// The place in a list that has an item for each node, in the profile's order.
    pub fn of<T>(self, items: &[T]) -> &T {
        &items[self.0]
    }
}

impl Cluster {
    /// The place of the node of this name.
    pub fn find(&self, name: &str) -> Option<NodeIndex> {
        self.members.iter().position(|member| member.name == name).map(NodeIndex)
    }

    /// The members that each component of a node keeps a list of, with their addresses.
    pub fn member_lists(&self, node: NodeIndex) -> BTreeMap<String, BTreeMap<String, IpAddr>> {
        let is_listed = |name: &&String| self.services.get(*name).is_some_and(|service| service.is_listed);
        let members = |name: &str| self.running(name).map(|index| &self[index]).collect::<Vec<_>>();
        let list = |name: &String| {
            let list = members(name).into_iter().map(|member| (member.name.clone(), member.address));
            (name.clone(), list.collect())
        };
        self[node].components.iter().filter(is_listed).map(list).collect()
    }

    /// All nodes with their places.
    pub fn indexed(&self) -> impl Iterator<Item = (NodeIndex, &Member)> {
        self.members.iter().enumerate().map(|(index, member)| (NodeIndex(index), member))
    }

    /// The places of the nodes that run a component.
    pub fn running<'a>(&'a self, component: &'a str) -> impl Iterator<Item = NodeIndex> + 'a {
        let runs_it = move |member: &Member| member.components.iter().any(|name| name == component);
        self.indexed().filter(move |(_, member)| runs_it(member)).map(|(index, _)| index)
    }

    /// The network, as templates see it.
    pub fn network_view(&self) -> NetworkView {
        NetworkView {
            subnet: self.network.subnet.to_string(),
            gateway: self.network.gateway,
            nameservers: self.network.nameservers.clone(),
        }
    }
}
