//! Checks the nodes against each other: names, addresses and MAC addresses are unique.

use std::collections::BTreeMap;

use super::network::host_address;
use super::profile::collision;
use crate::diagnostic::{Diagnostic, Document, Report, Step};
use crate::profile::{Node, Profile};

/// Checks for duplicates between nodes, and for mistakes within one node.
pub(super) fn nodes(profile: &Profile, document: &Document, report: &mut Report) {
    if profile.nodes.is_empty() && !report.has_errors() {
        let help = "add `- {name: NAME, address: ADDRESS, roles: [ROLE]}` below `nodes:`";
        report.push(document.error(&["nodes".into()], "the profile has no node", "").help(help));
    }
    let mut seen = [Seen::default(), Seen::default(), Seen::default()];
    for (index, node) in profile.nodes.iter().enumerate() {
        let path = |index: usize, key: &str| [Step::from("nodes"), Step::from(index), Step::from(key)];
        if let Some(problem) = name(node, document, &path(index, "name")) {
            report.push(problem);
        }
        if node.roles.is_empty() {
            let message = format!("`{}` has no role", node.name.escape_debug());
            report.push(document.error(&path(index, "roles"), message, "").help("add one of `roles:`"));
        }
        roles_twice(node, document, &path(index, "roles"), report);
        if let Err(why) = host_address(profile, node.address) {
            let label = format!("of `{}`", node.name.escape_debug());
            let help = format!("choose a free address of {}", profile.network.subnet.trunc());
            report.push(document.error(&path(index, "address"), why, label).help(help));
        }
        let unique = [
            ("name", "name", Some(node.name.clone())),
            ("address", "address", Some(node.address.to_string())),
            ("MAC address", "mac", node.mac.map(|mac| mac.to_string())),
        ];
        for (seen, (what, key, value)) in seen.iter_mut().zip(unique) {
            let Some(value) = value else { continue };
            if let Some(earlier) = seen.add(&value, index) {
                let message = format!("two nodes have the {what} `{}`", value.escape_debug());
                report.push(collision(document, message, &path(index, key), &path(earlier, key)));
            }
        }
    }
}

fn roles_twice(node: &Node, document: &Document, path: &[Step], report: &mut Report) {
    for (index, role) in node.roles.iter().enumerate() {
        if let Some(earlier) = node.roles[..index].iter().position(|other| other == role) {
            let message =
                format!("`{}` has the role `{}` twice", node.name.escape_debug(), role.escape_debug());
            let at = |index: usize| [path, &[Step::from(index)]].concat();
            report.push(collision(document, message, &at(index), &at(earlier)).help("remove one of the two"));
        }
    }
}

/// What is wrong with a node's name.
fn name(node: &Node, document: &Document, path: &[Step]) -> Option<Diagnostic> {
    // What every machine has in /etc/hosts for itself and for groups.
    if node.name == "localhost" || node.name.starts_with("ip6-") {
        let diagnostic =
            document.error(path, format!("a node cannot be called `{}`", node.name.escape_debug()), "");
        return Some(diagnostic.help("every machine has this name for itself: choose another one"));
    }
    if is_number(&node.name) {
        let message = format!("`{}` is not a valid host name: resolvers read it as an address", node.name);
        let diagnostic = document.error(path, message, format!("did you mean `node-{}`?", node.name));
        return Some(diagnostic.help("a host name has a letter in it, and does not begin with `0x`"));
    }
    if is_label(&node.name) {
        return None;
    }
    let meant = dns_form(&node.name).map_or(String::new(), |name| format!("did you mean `{name}`?"));
    let help =
        "a host name has lower-case letters, digits and hyphens, begins and ends with no hyphen, at most 63";
    Some(document.error(path, name_error(&node.name), meant).help(help))
}

#[derive(Default)]
struct Seen(BTreeMap<String, usize>);

impl Seen {
    /// The index that had this value before.
    fn add(&mut self, value: &str, index: usize) -> Option<usize> {
        match self.0.get(value) {
            Some(earlier) => Some(*earlier),
            None => {
                self.0.insert(value.to_owned(), index);
                None
            }
        }
    }
}

/// Whether a text is a label of a host name (RFC 1123 section 2.1), in lower case as DNS compares them.
pub(super) fn is_label(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=63).contains(&text.len())
        && text.starts_with(is_letter)
        && text.ends_with(is_letter)
        && text.chars().all(|c| is_letter(c) || c == '-')
}

/// Whether resolvers take a name for an address (`inet_aton(3)`).
fn is_number(name: &str) -> bool {
    let hexadecimal = name.strip_prefix("0x").or_else(|| name.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

fn name_error(name: &str) -> String {
    if name.len() > 63 {
        return format!("the host name is too long: expected at most 63 characters, got {}", name.len());
    }
    format!("`{}` is not a valid DNS host name", name.escape_debug())
}

fn dns_form(name: &str) -> Option<String> {
    let form = name.to_lowercase().replace(['_', '.', ' '], "-");
    is_label(&form).then_some(form)
}

#[cfg(test)]
mod tests {
    use super::{dns_form, is_label, is_number};

    #[test]
    fn host_names_are_what_dns_takes() {
        for (name, good) in [
            ("ptrn-1", true),
            ("1", true),
            (&"a".repeat(63), true),
            (&"a".repeat(64), false),
            ("", false),
            ("-a", false),
            ("a-", false),
            ("Ptrn", false),
            ("a_b", false),
            ("a.b", false),
            ("узел", false),
            ("a/../b", false),
        ] {
            assert_eq!(is_label(name), good, "{name}");
        }
        assert_eq!(dns_form("Ptrn_1").as_deref(), Some("ptrn-1"));
        assert_eq!(dns_form("узел"), None);
    }

    #[test]
    fn a_number_is_an_address_to_resolvers() {
        for (name, number) in
            [("02", true), ("0x1f", true), ("0x", true), ("1e3", false), ("a1", false), ("1-1", false)]
        {
            assert_eq!(is_number(name), number, "{name}");
        }
    }
}
