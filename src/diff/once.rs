//! The parts of user-data that cloud-init applies once per instance-id, so not again on a booted node.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml::Value;

use crate::output::NETWORK_CONFIG;

/// The one part of user-data that cloud-init takes up at every boot.
const AT_EVERY_BOOT: &str = "bootcmd";

/// The parts of user-data that differ, and the network's configuration if that is among the `changed` documents.
pub(crate) fn changed(before: &str, after: &str, changed: &[&str]) -> Vec<String> {
    let (before, after) = (parts(before), parts(after));
    let names: BTreeSet<_> =
        before.keys().chain(after.keys()).filter(|name| *name != AT_EVERY_BOOT).collect();
    let differ = names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned();
    differ.chain(changed.contains(&NETWORK_CONFIG).then(|| NETWORK_CONFIG.to_owned())).collect()
}

/// Anything but a map has no parts: then all of the other's differ.
fn parts(user_data: &str) -> BTreeMap<String, Value> {
    serde_yaml::from_str(user_data).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::changed;

    #[test]
    fn all_but_the_boot_command_is_done_once() {
        let before = "#cloud-config\nhostname: a\nbootcmd: [one]\nusers: [{name: a}]\n";
        for (after, documents, expected) in [
            (before, &[][..], &[][..]),
            ("hostname: a\nbootcmd: [two]\nusers: [{name: a}]\n", &["user-data"], &[]),
            (
                "hostname: a\nbootcmd: [one]\nusers: [{name: b}]\ntimezone: UTC\n",
                &["user-data"],
                &["timezone", "users"],
            ),
            (before, &["network-config"], &["network-config"]),
            ("no map", &["user-data"], &["hostname", "users"]),
        ] {
            assert_eq!(changed(before, after, documents), expected, "{after}");
        }
    }
}
