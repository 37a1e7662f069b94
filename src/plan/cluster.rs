//! The cluster as templates and documents know it: names resolved, defaults filled in.

use std::collections::BTreeMap;
use std::net::IpAddr;

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
    /// Whether it is an empty machine in the place of a dead one.
    pub replacement: bool,
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

impl Cluster {
    /// The network, as templates see it.
    pub fn network_view(&self) -> NetworkView {
        NetworkView {
            subnet: self.network.subnet.to_string(),
            gateway: self.network.gateway,
            nameservers: self.network.nameservers.clone(),
        }
    }
}
