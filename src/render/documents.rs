//! meta-data and network-config of a node.

use super::yaml::{Document, Map, Yaml};
use crate::plan::{Cluster, Member, NodePlan};

/// The `NoCloud` meta-data.
pub fn meta_data(node: &NodePlan) -> String {
    let root =
        Map::new().with("instance-id", node.instance_id.as_str()).with("local-hostname", node.name.as_str());
    Document::new(root).to_string()
}

/// The network configuration, version 2 (cloud-init and netplan): one interface with a static address.
///
/// It is matched by its MAC address where that is known, else by name; it is never renamed, and the node waits for it.
pub fn network_config(cluster: &Cluster, member: &Member) -> String {
    let network = &cluster.network;
    let matched = match member.mac {
        Some(mac) => Map::new().with("macaddress", mac.to_string()),
        None => Map::new().with("name", network.interface.as_str()),
    };
    let address = format!("{}/{}", member.address, network.subnet.prefix_len());
    let mut interface = Map::new()
        .with("match", matched)
        .with("dhcp4", false)
        .with("dhcp6", false)
        .with("addresses", vec![Yaml::from(address)]);
    if let Some(gateway) = network.gateway {
        let route = Map::new().with("to", "default").with("via", gateway.to_string());
        interface = interface.with("routes", vec![Yaml::from(route)]);
    }
    if !network.nameservers.is_empty() || !network.search.is_empty() {
        let mut resolver = Map::new();
        if !network.search.is_empty() {
            let search: Vec<_> = network.search.iter().map(|domain| Yaml::from(domain.as_str())).collect();
            resolver = resolver.with("search", search);
        }
        let addresses: Vec<_> =
            network.nameservers.iter().map(|address| Yaml::from(address.to_string())).collect();
        interface = interface.with("nameservers", resolver.with("addresses", addresses));
    }
    let ethernets = Map::new().with("lan", interface);
    let root = Map::new().with("network", Map::new().with("version", 2).with("ethernets", ethernets));
    Document::new(root).to_string()
}
