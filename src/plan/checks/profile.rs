//! The profile by itself: the system, the network, the settings.

use std::net::IpAddr;

use serde_yaml::Value;

use super::nodes;
use crate::component::{Setting, matches_whole};
use crate::diagnostic::{Diagnostic, Document, Report, Step};
use crate::profile::{Admin, Profile};

/// Everything that can be said of the profile without looking at components.
pub(in crate::plan) fn profile(profile: &Profile, document: &Document, report: &mut Report) {
    if profile.cluster.is_empty() || profile.cluster.chars().any(char::is_control) {
        report.push(document.error(&["cluster".into()], "a cluster needs a name, on one line", ""));
    }
    network(profile, document, report);
    if let Some(zone) = &profile.system.timezone {
        timezone(zone, document, report);
    }
    if let Some(admin) = &profile.system.admin {
        administrator(admin, document, report);
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
    if let Some(gateway) = network.gateway.filter(|gateway| !network.subnet.contains(gateway)) {
        let message = format!("the gateway {gateway} is outside of the subnet {}", network.subnet.trunc());
        let help = "a node reaches its gateway directly, so that it must be in the subnet";
        report.push(document.error(&path("gateway"), message, "").help(help));
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

/// Names of the tz database: parts of letters, digits, `_`, `+` and `-`.
fn timezone(zone: &str, document: &Document, report: &mut Report) {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "_+-".contains(c))
    };
    if !zone.split('/').all(is_part) {
        let message = format!("`{}` is no time zone", zone.escape_debug());
        let label = "expected a name of the tz database";
        report.push(
            document
                .error(&["system".into(), "timezone".into()], message, label)
                .help("such as `Europe/Moscow` or `UTC`"),
        );
    }
}

fn administrator(admin: &Admin, document: &Document, report: &mut Report) {
    let path = |key: &str| vec![Step::from("system"), Step::from("admin"), Step::from(key)];
    let is_first = |c: char| c.is_ascii_lowercase() || c == '_';
    let is_other = |c: char| is_first(c) || c.is_ascii_digit() || c == '-';
    let name = &admin.name;
    if !name.starts_with(is_first) || !name.chars().all(is_other) || name.len() > 32 {
        let message = format!("`{}` is no login name", name.escape_debug());
        let label = "expected lower-case letters, digits, `-` and `_`, at most 32";
        report.push(document.error(&path("name"), message, label));
    }
    if name == "root" || admin.uid.is_some_and(|uid| uid < 1000) {
        let key = if name == "root" { "name" } else { "uid" };
        let message = "the administrator is a person, not a system user";
        report.push(
            document.error(&path(key), message, "").help("choose a name of its own, and a uid from 1000 on"),
        );
    }
    for (index, key) in admin.ssh_authorized_keys.iter().enumerate() {
        if let Err(why) = ssh_key(key) {
            let path = [path("ssh_authorized_keys"), vec![Step::from(index)]].concat();
            let help = "copy a line of an `id_*.pub` file";
            report.push(document.error(&path, "this is no public SSH key", why).help(help));
        }
    }
}

/// A line of `authorized_keys` (sshd(8)): options may stand first, then the type and the key in base64.
fn ssh_key(line: &str) -> Result<(), &'static str> {
    if line.chars().any(char::is_control) {
        return Err("expected one line");
    }
    if line.contains("PRIVATE KEY") {
        return Err("this is a private key: keep it to yourself");
    }
    let is_type =
        |word: &&str| ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].iter().any(|start| word.starts_with(start));
    let mut words = line.split_whitespace().skip_while(|word| !is_type(word));
    let key = words.nth(1).ok_or("expected a type such as `ssh-ed25519` and the key")?;
    let is_base64 = key.len() >= 16 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    if is_base64 { Ok(()) } else { Err("the key is not in base64") }
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
    let is_point_to_point = subnet.max_prefix_len() - subnet.prefix_len() <= 1;
    if !subnet.contains(&address) {
        return Err(format!("the address {address} is outside of the subnet {subnet}"));
    }
    if profile.network.gateway == Some(address) {
        return Err(format!("the address {address} is that of the gateway"));
    }
    if !is_point_to_point && address == subnet.network() {
        return Err(format!("the address {address} is that of the subnet itself"));
    }
    if !is_point_to_point && address.is_ipv4() && address == subnet.broadcast() {
        return Err(format!("the address {address} is the broadcast address of {subnet}"));
    }
    Ok(())
}

/// A diagnostic that points at a second place too.
pub(super) fn collision(document: &Document, message: String, path: &[Step], earlier: &[Step]) -> Diagnostic {
    document.error(path, message, "again").at(&document.source, document.span(earlier), "first")
}
