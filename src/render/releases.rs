//! What tells a node which releases to fetch itself, and how to make their members part of its overlay.

use std::fmt::Write as _;

use super::NodeFile;
use crate::digest::Sha256;
use crate::layer::{Mode, full_name};
use crate::plan::{FileOrigin, NodePlan};

/// The program that first-boot.sh reads when it has verified the overlay that this is part of.
const PROGRAM: &str = include_str!("first_boot/releases.sh");
/// Its place in the guest.
const PROGRAM_PATH: &str = "/usr/lib/imgbuild/releases.sh";
/// The guest file that lists what it fetches.
const LIST_PATH: &str = "/usr/lib/imgbuild/releases";

/// The files for a node that fetches releases itself; none for another.
pub fn releases(node: &NodePlan) -> Vec<NodeFile> {
    let mut lines = String::new();
    for layer in &node.layers {
        let (Some(artifact), Some(url)) = (&layer.artifact, &layer.fetched_from) else { continue };
        for (from, to, mode) in &layer.install {
            let name = full_name(&artifact.folder, from);
            let name = if name.is_empty() { "." } else { &name };
            let mode = mode.map_or_else(|| "-".to_owned(), |mode| mode.to_string());
            let (component, sha256, size) = (&layer.component, artifact.sha256, artifact.size.unwrap_or(0));
            // Writing to a text cannot fail.
            let _ = writeln!(lines, "{component}\t{sha256}\t{size}\t{url}\t{name}\t{to}\t{mode}");
        }
    }
    if lines.is_empty() {
        return Vec::new();
    }
    let file = |(path, text): (&str, String)| NodeFile {
        path: path.parse().expect("a constant guest path"),
        mode: Mode::FILE,
        component: "imgbuild".to_owned(),
        sha256: Sha256::of(&text),
        bytes: text.into_bytes().into(),
        is_common: true,
        origin: FileOrigin::Made,
    };
    [(LIST_PATH, lines), (PROGRAM_PATH, PROGRAM.to_owned())].into_iter().map(file).collect()
}
