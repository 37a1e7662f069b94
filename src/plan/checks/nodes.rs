//! The nodes among each other: names, addresses and hardware addresses exist once.

use std::collections::BTreeMap;

use super::profile::{collision, host_address};
use crate::diagnostic::{Diagnostic, Document, Report, Step};
use crate::profile::{Node, Profile};

/// All that two nodes can have in common and must not, and what one node alone can get wrong.
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
        if let Err(why) = host_address(profile, node.address) {
            let label = format!("of `{}`", node.name.escape_debug());
            report.push(document.error(&path(index, "address"), why, label));
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

/// What is wrong with a node's name.
fn name(node: &Node, document: &Document, path: &[Step]) -> Option<Diagnostic> {
    // What means the machine itself wherever it is looked up.
    if node.name == "localhost" {
        let diagnostic = document.error(path, "no node can be called `localhost`", "");
        return Some(diagnostic.help("every machine calls itself so: choose another name"));
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

fn name_error(name: &str) -> String {
    if name.len() > 63 {
        return format!("a host name of {} characters: DNS allows 63", name.len());
    }
    format!("`{}` is no host name that DNS would accept", name.escape_debug())
}

fn dns_form(name: &str) -> Option<String> {
    let form = name.to_lowercase().replace(['_', '.', ' '], "-");
    is_label(&form).then_some(form)
}

#[cfg(test)]
mod tests {
    use super::{dns_form, is_label};

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
}
