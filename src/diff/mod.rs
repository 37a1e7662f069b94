//! Compares a node's folder with what a build would write now (pure).

mod files;
mod members;
mod once;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use similar::TextDiff;

use crate::output::{DOCUMENTS, META_DATA, Snapshot, USER_DATA};
use crate::render::masked;
pub(crate) use files::FileChanges;
pub(crate) use members::{MemberChange, member_changes};
pub(crate) use once::changed as changed_once;

/// What a build now would change in a node's folder. No secret is in it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct NodeDiff {
    /// The node.
    pub node: String,
    /// Whether a build would give the same bytes.
    pub same: bool,
    /// Why there is nothing to compare with, if so.
    pub unbuilt: Option<String>,
    /// Files of the folder that are not what its build wrote.
    pub damaged: Vec<String>,
    /// Unified diffs of those documents that differ, by their names.
    pub documents: BTreeMap<String, String>,
    /// The files in the guest that differ.
    pub files: FileChanges,
    /// Whether the node must get a new seed to become what a build now would make of it.
    pub reseed: bool,
    /// What differs of that which cloud-init does once per instance: it does not reach a node that has booted.
    pub once: Vec<String>,
}

impl NodeDiff {
    /// For a node without a build to compare with.
    pub(crate) fn unbuilt(node: &str, why: String) -> Self {
        Self { node: node.to_owned(), unbuilt: Some(why), reseed: true, ..Self::default() }
    }

    /// Compares what is in the folder `place` with what a build now gives.
    pub(crate) fn new(
        node: &str,
        place: &str,
        before: &Snapshot,
        after: &Snapshot,
        damaged: Vec<String>,
    ) -> Self {
        let text = |snapshot: &Snapshot, name: &str| snapshot.texts.get(name).cloned().unwrap_or_default();
        let changed: Vec<_> = after
            .texts
            .keys()
            .filter(|name| before.texts.get(*name) != after.texts.get(*name))
            .map(String::as_str)
            .collect();
        let unified = |name: &&str| {
            let diff = unified(place, name, text(before, name), text(after, name));
            ((*name).to_owned(), diff)
        };
        let is_other_instance = changed.contains(&META_DATA);
        let user_data = (text(before, USER_DATA), text(after, USER_DATA));
        Self {
            node: node.to_owned(),
            same: changed.is_empty() && damaged.is_empty() && before.files == after.files,
            unbuilt: None,
            damaged,
            documents: changed.iter().map(unified).collect(),
            files: FileChanges::between(&before.files, &after.files),
            // User-data names the overlay by its digest.
            reseed: changed.iter().any(|name| DOCUMENTS.contains(name)),
            once: if is_other_instance {
                Vec::new()
            } else {
                once::changed(&user_data.0, &user_data.1, &changed)
            },
        }
    }
}

/// The difference of two versions of the document `name` as a unified diff, its secrets masked.
fn unified(place: &str, name: &str, mut old: String, mut new: String) -> String {
    if name == USER_DATA {
        (old, new) = masked(&old, &new);
    }
    let header = (format!("{place}/{name}"), format!("{name} of a build now"));
    TextDiff::from_lines(&old, &new).unified_diff().header(&header.0, &header.1).to_string()
}

/// For people.
impl fmt::Display for NodeDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = &self.node;
        if self.same {
            return writeln!(f, "{node}: same");
        }
        if let Some(why) = &self.unbuilt {
            return writeln!(f, "{node}: differs: {why}");
        }
        writeln!(f, "{node}: differs")?;
        self.documents.values().try_for_each(|diff| f.write_str(diff))?;
        self.files.fmt(f)?;
        for name in &self.damaged {
            writeln!(f, "damaged: {name} differs from what its build wrote")?;
        }
        if self.reseed {
            writeln!(f, "re-seed: attach the new seed.iso and reboot")?;
        } else {
            writeln!(f, "seed unchanged: the node need not be re-seeded")?;
        }
        if !self.once.is_empty() {
            let once = self.once.join("`, `");
            writeln!(
                f,
                "once per instance: changes of `{once}` reach a booted node only with `--reprovision`"
            )?;
        }
        Ok(())
    }
}
