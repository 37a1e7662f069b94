//! meta-data and network-config of a node.

use super::yaml::{Yaml, YamlDocument, YamlMap};
use crate::cluster::{Cluster, Member};
use crate::plan::NodePlan;

/// The `NoCloud` meta-data.
pub fn meta_data(node: &NodePlan) -> String {
    let root = YamlMap::new()
        .with("instance-id", node.instance.id.as_str())
        .with("local-hostname", node.name.as_str());
    YamlDocument::new(root).to_string()
}

/// The network configuration, version 2 (cloud-init and netplan): one interface with a static address.
///
/// It is matched by its MAC address where that is known, else by name; it is never renamed, and the node waits for it. To all
/// but netplan cloud-init hands on the key of the interface as its name, unless it finds one by the MAC address: so the key is
/// the name unless that is a pattern, which netplan does not take as a key.
pub fn network_config(cluster: &Cluster, member: &Member) -> String {
    let network = &cluster.network;
    let is_pattern = network.interface.contains(['*', '?', '[']);
    let key = if is_pattern { "lan" } else { network.interface.as_str() };
    let mut interface = match member.mac {
        Some(mac) => YamlMap::new().with("match", YamlMap::new().with("macaddress", mac.to_string())),
        None if is_pattern => {
            YamlMap::new().with("match", YamlMap::new().with("name", network.interface.as_str()))
        }
        None => YamlMap::new(),
    };
    let address = format!("{}/{}", member.address, network.subnet.prefix_len());
    interface =
        interface.with("dhcp4", false).with("dhcp6", false).with("addresses", vec![Yaml::from(address)]);
    if let Some(gateway) = network.gateway {
        // Not `default`, which is netplan's word alone.
        let all = if gateway.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
        let mut route = YamlMap::new().with("to", all).with("via", gateway.to_string());
        if !network.subnet.contains(&gateway) {
            route = route.with("on-link", true);
        }
        interface = interface.with("routes", vec![Yaml::from(route)]);
    }
    if !network.nameservers.is_empty() || !network.search.is_empty() {
        let mut resolver = YamlMap::new();
        if !network.search.is_empty() {
            let search: Vec<_> = network.search.iter().map(|domain| Yaml::from(domain.as_str())).collect();
            resolver = resolver.with("search", search);
        }
        if !network.nameservers.is_empty() {
            let addresses = network.nameservers.iter().map(|address| Yaml::from(address.to_string()));
            resolver = resolver.with("addresses", addresses.collect::<Vec<_>>());
        }
        interface = interface.with("nameservers", resolver);
    }
    let ethernets = YamlMap::new().with(key, interface);
    let root = YamlMap::new().with("network", YamlMap::new().with("version", 2).with("ethernets", ethernets));
    YamlDocument::new(root).to_string()
}
