//! Checks the network: a subnet for hosts, and addresses that a host can have.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::diagnostic::{Diagnostic, Document, Report, Step};
use crate::profile::{Network, Profile};

/// What no host can have an address in, with what it is for (RFC 6890, RFC 4291).
const NOT_OF_HOSTS: [(&str, &str); 9] = [
    ("0.0.0.0/8", "hosts without an address"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local addresses"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "future use"),
    ("::/127", "loopback"),
    ("::ffff:0:0/96", "IPv4 within IPv6"),
    ("fe80::/10", "link-local addresses"),
    ("ff00::/8", "multicast"),
];

fn path(key: &str) -> Vec<Step> {
    vec![Step::from("network"), Step::from(key)]
}

/// Everything that can be said of the network.
pub(super) fn network(profile: &Profile, document: &Document, report: &mut Report) {
    let network = &profile.network;
    subnet(network.subnet, document, report);
    if not_of_hosts(network.subnet).is_none() {
        gateway(network, document, report);
        families(profile, document, report);
    }
    for (index, server) in network.nameservers.iter().enumerate() {
        let path = [path("nameservers"), vec![Step::from(index)]].concat();
        name_server(*server, network.subnet, &path, document, report);
    }
    let is_pattern = |c: char| c.is_ascii_alphanumeric() || "*?[]-_.".contains(c);
    if network.interface.is_empty() || !network.interface.chars().all(is_pattern) {
        let message = format!("`{}` is not a valid interface name", network.interface.escape_debug());
        let label = "expected a name such as `ens18`, or a pattern";
        report.push(document.error(&path("interface"), message, label));
    }
    for (index, domain) in network.search.iter().enumerate() {
        if let Err(help) = search_domain(domain) {
            let path = [path("search"), vec![Step::from(index)]].concat();
            let message = format!("`{}` is not a valid domain", domain.escape_debug());
            report.push(document.error(&path, message, "").help(help));
        }
    }
}

fn subnet(subnet: IpNet, document: &Document, report: &mut Report) {
    if subnet.addr() != subnet.network() {
        let message = format!("`{subnet}` is an address, not a subnet");
        let label = format!("did you mean `{}`?", subnet.trunc());
        report.push(document.error(&path("subnet"), message, label));
    }
    if let Some((within, purpose)) = not_of_hosts(subnet) {
        let message = format!("machines cannot have addresses in the subnet {}", subnet.trunc());
        let label = format!("{within} is reserved for {purpose}");
        let help = "choose a private one, such as `10.0.0.0/24`";
        report.push(document.error(&path("subnet"), message, label).help(help));
    }
}

/// What a subnet shares with the ranges that no host is in.
fn not_of_hosts(subnet: IpNet) -> Option<(&'static str, &'static str)> {
    NOT_OF_HOSTS.into_iter().find(|(range, _)| {
        let range: IpNet = range.parse().expect("the ranges are our own");
        range.contains(&subnet) || subnet.contains(&range)
    })
}

fn gateway(network: &Network, document: &Document, report: &mut Report) {
    let Some(gateway) = network.gateway else { return };
    let subnet = network.subnet.trunc();
    let is_of_family = gateway.is_ipv4() == subnet.addr().is_ipv4();
    let is_link_local = matches!(gateway, IpAddr::V6(address) if address.is_unicast_link_local());
    if !is_of_family || is_link_local {
        // Told with the families; routers of IPv6 go by their link-local address.
        return;
    }
    if let Some((range, purpose)) = not_of_hosts(IpNet::from(gateway)) {
        let message = format!("the gateway {gateway} is not a valid address of a machine");
        report.push(document.error(&path("gateway"), message, format!("{range} is reserved for {purpose}")));
    } else if !subnet.contains(&gateway) {
        // Usual where each machine has a subnet of its own.
        if subnet.prefix_len() + 1 < subnet.max_prefix_len() {
            let message = format!("the gateway {gateway} is outside of the subnet {subnet}");
            let help = "nodes reach the gateway on their own link; correct it if it is in another network";
            let span = document.span(&path("gateway"));
            report.push(Diagnostic::warning(message).at(&document.source, span, "").help(help));
        }
    } else if let Err(why) = is_of_host(subnet, gateway) {
        let help = "write the address of the router in this subnet";
        report.push(document.error(&path("gateway"), why, "no machine has it").help(help));
    }
}

/// One cause, said once: the subnet of one family, all else of the other.
fn families(profile: &Profile, document: &Document, report: &mut Report) {
    let subnet = profile.network.subnet;
    let family = |is_ipv4: bool| if is_ipv4 { "IPv4" } else { "IPv6" };
    let of_subnet = subnet.addr().is_ipv4();
    let is_other = |address: &IpAddr| address.is_ipv4() != of_subnet;
    let nodes: Vec<_> =
        (0..profile.nodes.len()).filter(|index| is_other(&profile.nodes[*index].address)).collect();
    let gateway = profile.network.gateway.filter(is_other);
    let gateway = gateway.map(|_| path("gateway"));
    let node = nodes.first().map(|index| vec!["nodes".into(), Step::from(*index), "address".into()]);
    let Some(other) = node.or_else(|| gateway.clone()) else { return };
    let who = match (nodes.len(), gateway.is_some()) {
        (0, _) => "the gateway has an".to_owned(),
        (1, false) => "a node has an".to_owned(),
        (1, true) => "a node and the gateway have".to_owned(),
        (count, false) => format!("{count} nodes have"),
        (count, true) => format!("{count} nodes and the gateway have"),
    };
    let ending = if who.ends_with("an") { "address" } else { "addresses" };
    let (has, others) = (family(of_subnet), family(!of_subnet));
    let message = format!("the subnet is {has}, and {who} {others} {ending}");
    let diagnostic = document
        .error(&other, message, format!("an {others} address"))
        .at(&document.source, document.span(&path("subnet")), format!("an {has} subnet"))
        .help("nodes have one address each, in the subnet");
    report.push(diagnostic);
}

fn name_server(server: IpAddr, subnet: IpNet, path: &[Step], document: &Document, report: &mut Report) {
    // The stub of systemd-resolved, which asks these very servers (systemd-resolved.service(8)).
    const STUBS: [IpAddr; 2] =
        [IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53)), IpAddr::V4(Ipv4Addr::new(127, 0, 0, 54))];
    let is_link_local = matches!(server, IpAddr::V6(address) if address.is_unicast_link_local());
    let help = "write the address of a DNS server in the network, as `resolvectl status` shows it on a machine there";
    if STUBS.contains(&server) {
        let message = format!("the name server {server} is the node's own systemd-resolved");
        report.push(document.error(path, message, "it would ask itself").help(help));
    } else if server.is_loopback() {
        let message = format!("the name server {server} is the node itself");
        let warning = Diagnostic::warning(message).at(&document.source, document.span(path), "");
        report.push(warning.help(
            "a component of the node has to serve DNS there; otherwise write the address of a DNS server",
        ));
    } else if let Some((range, purpose)) = not_of_hosts(IpNet::from(server)).filter(|_| !is_link_local) {
        let message = format!("the name server {server} is not a valid address of a machine");
        report.push(document.error(path, message, format!("{range} is reserved for {purpose}")).help(help));
    } else if let Err(why) = is_of_host(subnet, server) {
        report.push(document.error(path, why, "no machine has it").help(help));
    }
}

/// Whether resolvers take a domain, as glibc and systemd-resolved do; `Err` says how to write it.
fn search_domain(domain: &str) -> Result<(), String> {
    let is_character = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(is_character)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = domain.strip_suffix('.').unwrap_or(domain);
    if name.len() <= 253 && name.split('.').all(is_label) {
        return Ok(());
    }
    if !domain.is_ascii() {
        return Err("write it in Punycode, which begins with `xn--`".to_owned());
    }
    if name.contains([' ', ',']) {
        return Err("write one domain per item: `search: [a.example, b.example]`".to_owned());
    }
    Err("a domain has letters, digits, `-` and `_` between its dots, such as `corp.example`".to_owned())
}

/// Whether a host of the subnet can have this address; `Err` says why not.
pub(super) fn host_address(profile: &Profile, address: IpAddr) -> Result<(), String> {
    let subnet = profile.network.subnet.trunc();
    if subnet.addr().is_ipv4() != address.is_ipv4() || not_of_hosts(subnet).is_some() {
        // Told once for all, with the subnet.
        return Ok(());
    }
    if !subnet.contains(&address) {
        return Err(format!("the address {address} is outside of the subnet {subnet}"));
    }
    if profile.network.gateway == Some(address) {
        return Err(format!("the address {address} is that of the gateway"));
    }
    is_of_host(subnet, address)
}

/// Whether an address, if it is of the subnet, can be one host's.
fn is_of_host(subnet: IpNet, address: IpAddr) -> Result<(), String> {
    let subnet = subnet.trunc();
    let is_point_to_point = subnet.max_prefix_len() - subnet.prefix_len() <= 1;
    if !is_point_to_point && address == subnet.network() {
        return Err(format!("the address {address} is that of the subnet itself"));
    }
    if !is_point_to_point && address.is_ipv4() && address == subnet.broadcast() {
        return Err(format!("the address {address} is the broadcast address of {subnet}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_of_hosts_share_nothing_with_the_ranges_of_no_host() {
        for (subnet, good) in [
            ("10.20.0.0/24", true),
            ("100.64.0.0/10", true),
            ("203.0.113.17/32", true),
            ("fd00:20::/64", true),
            ("2001:db8::/48", true),
            ("0.0.0.0/0", false),
            ("128.0.0.0/1", false),
            ("127.0.0.0/8", false),
            ("169.254.3.0/24", false),
            ("224.0.0.0/24", false),
            ("255.255.255.0/24", false),
            ("::/0", false),
            ("::/64", false),
            ("fe80::/64", false),
            ("ff02::/64", false),
            ("::ffff:10.0.0.0/104", false),
        ] {
            assert_eq!(not_of_hosts(subnet.parse().unwrap()).is_none(), good, "{subnet}");
        }
    }

    #[test]
    fn search_domains_are_what_resolvers_take() {
        for (domain, good) in [
            ("lan", true),
            ("CORP.local", true),
            ("corp.example.com.", true),
            ("_msdcs.corp.local", true),
            ("xn--e1afmkfd.xn--p1ai", true),
            ("", false),
            (".", false),
            ("a..b", false),
            ("-a.b", false),
            ("a b", false),
            ("пример.рф", false),
            (&"a.".repeat(128), false),
            (&"a".repeat(64), false),
        ] {
            assert_eq!(search_domain(domain).is_ok(), good, "{domain}");
        }
    }
}
