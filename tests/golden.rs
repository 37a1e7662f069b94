//! Every rendered document of the default profile, for review: `tests/golden/default`.
//!
//! A file that is the same on all nodes that have it stands once, in `shared/`; user-data, most of which is the first-boot
//! program, stands whole for the first node and as a diff to it for the others. Dashboards are left out: they are JSON as
//! Grafana writes it, and no templates.

use std::collections::{BTreeMap, BTreeSet};

use super::support::diff::diff;
use super::support::golden::assert_folder;
use super::support::workspace::Workspace;

const NODES: [&str; 4] = ["ptrn-1", "ptrn-2", "ptrn-3", "prmt-1"];
const DOCUMENTS: [&str; 3] = ["user-data", "meta-data", "network-config"];

/// Secrets of the right forms, so that every private file is rendered; they are masked.
const SECRETS: &str = "admin_password: a\ngrafana_admin_password: geheim\ntelegram_chat_id: -1\n\
                       telegram_bot_token: 123456:abcdefghijklmnopqrstuvwxyz0123\n";

#[test]
fn the_default_profile_renders_as_reviewed() {
    let workspace = Workspace::new().secrets(SECRETS);
    let show =
        |node: &str, file: &str| workspace.run(&["show", node, file, "--quiet"]).exit(0).stderr("").data();
    let plan = workspace.run(&["plan", "--json", "--quiet"]).exit(0).stderr("").json();
    let mut rendered: BTreeMap<String, Vec<(&str, String)>> = BTreeMap::new();
    for (index, node) in NODES.into_iter().enumerate() {
        for path in overlay_files(&plan["nodes"][index]) {
            let text = show(node, &path);
            rendered.entry(path).or_default().push((node, text));
        }
        for document in DOCUMENTS {
            rendered.entry(format!("/{document}")).or_default().push((node, show(node, document)));
        }
    }
    let mut golden = BTreeMap::from([("plan.txt".to_owned(), workspace.run(&["plan"]).exit(0).data())]);
    for (path, texts) in rendered {
        let first = texts[0].1.clone();
        if texts.iter().all(|(_, text)| *text == first) {
            golden.insert(format!("shared{path}"), first);
            continue;
        }
        for (at, (node, text)) in texts.into_iter().enumerate() {
            match path.as_str() {
                "/user-data" if at > 0 => golden.insert(format!("{node}{path}.diff"), diff(&first, &text)),
                _ => golden.insert(format!("{node}{path}"), text),
            };
        }
    }
    assert_folder("default", &golden);
}

/// The files that `show` can print of a node of the plan, less dashboards.
fn overlay_files(node: &serde_json::Value) -> BTreeSet<String> {
    let own = node["files"].as_array().unwrap().iter();
    let layers = node["layers"].as_array().unwrap().iter();
    let shared = layers.flat_map(|layer| layer["files"].as_array().unwrap());
    let paths = own.chain(shared).map(|file| file["path"].as_str().unwrap().to_owned());
    paths.filter(|path| !path.starts_with("/etc/grafana/dashboards/")).collect()
}
