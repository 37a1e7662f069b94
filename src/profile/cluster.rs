//! The profile: one cluster, its network, its roles, its nodes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_yaml::Value;

use super::{Mac, address};
use crate::release::Arch;

/// What the user writes of a cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a cluster")]
pub struct Profile {
    /// The cluster's name.
    pub cluster: String,
    /// The architecture of nodes that do not name one. Default: amd64.
    #[serde(default)]
    pub arch: Arch,
    /// The network that all nodes are in.
    pub network: Network,
    /// What is the same on every node's operating system.
    #[serde(default)]
    pub system: System,
    /// Where a node may fetch its overlay when no attached volume has it: templates over `node` and `cluster`,
    /// such as `http://depot/{{ node.name }}/overlay.tar.gz`.
    #[serde(default)]
    pub overlay_urls: Vec<String>,
    /// Lists of components, by the name that a node's `roles` says.
    pub roles: BTreeMap<String, Vec<String>>,
    /// The nodes, in the order in which they are written into configurations.
    pub nodes: Vec<Node>,
    /// Settings of components that differ from their defaults: component, setting, value.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, BTreeMap<String, serde_json::Value>>")]
    pub settings: BTreeMap<String, BTreeMap<String, Value>>,
}

/// The network that the nodes are in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a network")]
pub struct Network {
    /// The subnet of all nodes, such as `192.168.2.0/24`.
    #[serde(deserialize_with = "address::subnet")]
    #[schemars(with = "String")]
    pub subnet: IpNet,
    /// The default route; none if the network leads nowhere.
    #[serde(default, deserialize_with = "address::optional")]
    #[schemars(with = "Option<String>")]
    pub gateway: Option<IpAddr>,
    /// Name servers.
    #[serde(default, deserialize_with = "address::list")]
    #[schemars(with = "Vec<String>")]
    pub nameservers: Vec<IpAddr>,
    /// Domains that are searched for short names.
    #[serde(default)]
    pub search: Vec<String>,
    /// The name of a node's interface, as a pattern; used where the node gives no MAC address. Default: `e*`, which
    /// is the first Ethernet interface under every naming scheme.
    #[serde(default = "any_ethernet")]
    pub interface: String,
}

fn any_ethernet() -> String {
    "e*".to_owned()
}

/// What is the same on every node's operating system.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a mapping that describes the system")]
pub struct System {
    /// What the nodes boot, by its name among the `systems` of the pins file. Default: the only one there is. It matters
    /// where components need packages.
    pub base: Option<String>,
    /// The time zone by its name in the tz database. Default: that of the image.
    pub timezone: Option<String>,
    /// Whether packages are upgraded on first boot, with a reboot if that asks for one. Needs a package archive that
    /// the node can reach. Default: no.
    pub upgrade: bool,
    /// The user that people log in as. Default: that of the image.
    pub admin: Option<Admin>,
}

/// The user that people log in as. Its password, if it has one, is the secret `admin_password`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping that describes the administrator")]
pub struct Admin {
    /// The login name.
    pub name: String,
    /// The user id. Default: the system's choice.
    #[serde(default)]
    pub uid: Option<u32>,
    /// Public keys, as in `authorized_keys`, one a line.
    #[serde(default)]
    pub ssh_authorized_keys: Vec<String>,
}

/// One VM.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a node")]
pub struct Node {
    /// The host name: lower-case letters, digits, hyphens.
    pub name: String,
    /// The static address, within the subnet.
    #[serde(deserialize_with = "address::one")]
    #[schemars(with = "String")]
    pub address: IpAddr,
    /// What it is for: names of `roles`.
    pub roles: Vec<String>,
    /// The hardware address by which the interface is found.
    #[serde(default)]
    pub mac: Option<Mac>,
    /// The architecture, if it differs from the profile's.
    #[serde(default)]
    pub arch: Option<Arch>,
}
