//! The programs that the overlay brings for first boot, since user-data has no room for them, and what tells a node which releases
//! to fetch itself.

use std::fmt::Write as _;

use super::NodeFile;
use super::bootcmd::{BOOTSTRAP, FETCH};
use crate::digest::Sha256;
use crate::guest::Mode;
use crate::layer::full_name;
use crate::plan::{FileOrigin, NodePlan};

/// Puts a verified overlay in place, starts its services, and waits for them.
const APPLY: &str = include_str!("first_boot/apply.sh");
/// Fetches the releases that a verified overlay leaves to the node.
const RELEASES: &str = include_str!("first_boot/releases.sh");
/// Takes what is wanted out of them.
const UNPACK: &str = include_str!("first_boot/releases.py");

/// The programs of a node, which its bootstrap runs when it has verified the overlay. The bootstrap itself is there to be read: that
/// of user-data has no comments.
pub fn programs(node: &NodePlan) -> Vec<NodeFile> {
    let file = |name: &str, text: String| NodeFile {
        path: format!("{}/{name}", node.format.lists()).parse().expect("constant parts make a guest path"),
        mode: Mode::FILE,
        component: "imgbuild".to_owned(),
        sha256: Sha256::of(&text),
        bytes: text.into_bytes().into(),
        is_common: true,
        origin: FileOrigin::Made,
    };
    let texts = [("apply.sh", APPLY), ("bootstrap.sh", BOOTSTRAP), ("fetch.py", FETCH)];
    let mut files: Vec<_> = texts.map(|(name, text)| file(name, text.to_owned())).into();
    let releases = releases(node);
    if !releases.is_empty() {
        files.push(file("releases", releases));
        files.push(file("releases.sh", RELEASES.to_owned()));
        files.push(file("releases.py", UNPACK.to_owned()));
    }
    files
}

/// What the node takes of which releases, a line for each file or folder.
fn releases(node: &NodePlan) -> String {
    let mut lines = String::new();
    for layer in &node.layers {
        let (Some(artifact), Some(url)) = (&layer.artifact, &layer.fetched_from) else { continue };
        for (from, to, mode) in &layer.install {
            let name = full_name(&artifact.folder, from);
            // A folder's name ends with a slash here too; that of the whole archive is `./`.
            let name = match (name.as_str(), from.ends_with('/') || from.is_empty()) {
                ("", _) => "./".to_owned(),
                (_, true) => format!("{name}/"),
                (_, false) => name,
            };
            let mode = mode.map_or_else(|| "-".to_owned(), |mode| mode.to_string());
            let (component, sha256, size) = (&layer.component, artifact.sha256, artifact.size.unwrap_or(0));
            writeln!(lines, "{component}\t{sha256}\t{size}\t{url}\t{name}\t{to}\t{mode}")
                .expect("writing to a text");
        }
    }
    lines
}
