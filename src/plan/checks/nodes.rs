//! The nodes among each other: names, addresses and hardware addresses exist once.

use std::collections::BTreeMap;

use super::profile::{collision, host_address};
use crate::diagnostic::{Diagnostic, Document, Report, Step};
use crate::profile::Profile;

/// All that two nodes can have in common and must not, and what one node alone can get wrong.
pub(super) fn nodes(profile: &Profile, document: &Document, report: &mut Report) {
    if profile.nodes.is_empty() && !report.has_errors() {
        let help = "add `- {name: NAME, address: ADDRESS, roles: [ROLE]}` below `nodes:`";
        report.push(document.error(&["nodes".into()], "the profile has no node", "").help(help));
    }
    let path = |index: usize, key: &str| [Step::from("nodes"), Step::from(index), Step::from(key)];
    let mut names = Seen::default();
    let mut addresses = Seen::default();
    let mut macs = Seen::default();
    for (index, node) in profile.nodes.iter().enumerate() {
        let label = if is_label(&node.name) { Ok(()) } else { Err(name_error(&node.name)) };
        if let Err(why) = label {
            let suggestion =
                dns_form(&node.name).map_or(String::new(), |name| format!("did you mean `{name}`?"));
            report.push(
                document
                    .error(&path(index, "name"), why, suggestion)
                    .help("a host name has lower-case letters, digits and hyphens, begins and ends with no hyphen, at most 63"),
            );
        }
        if node.roles.is_empty() {
            let message = format!("`{}` has no role", node.name);
            report.push(document.error(&path(index, "roles"), message, "").help("add one of `roles:`"));
        }
        if let Err(why) = host_address(profile, node.address) {
            report.push(document.error(&path(index, "address"), why, format!("of `{}`", node.name)));
        }
        let node_name = &node.name;
        for (seen, what, value, key) in [
            (&mut names, "name", Some(node_name.clone()), "name"),
            (&mut addresses, "address", Some(node.address.to_string()), "address"),
            (&mut macs, "MAC address", node.mac.map(|mac| mac.to_string()), "mac"),
        ] {
            let Some(value) = value else { continue };
            if let Some(earlier) = seen.add(&value, index) {
                let message = format!("two nodes have the {what} `{value}`");
                report.push(collision(document, message, &path(index, key), &path(earlier, key)));
            }
        }
    }
    reserved_names(profile, document, report);
}

/// Names that mean the machine itself wherever they are looked up.
fn reserved_names(profile: &Profile, document: &Document, report: &mut Report) {
    for (index, node) in profile.nodes.iter().enumerate() {
        if node.name == "localhost" {
            let path = ["nodes".into(), index.into(), "name".into()];
            let diagnostic: Diagnostic = document.error(&path, "no node can be called `localhost`", "");
            report.push(diagnostic.help("every machine calls itself so: choose another name"));
        }
    }
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
