//! The guest files in which two overlays differ.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::guest::{GuestPath, Mode};
use crate::layer::{IndexEntry, IndexKind, LayerIndex};

/// What differs between two overlays, each list by path.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct FileChanges {
    /// Files only in the second.
    pub added: Vec<IndexEntry>,
    /// Files that differ.
    pub changed: Vec<Changed>,
    /// Files only in the first.
    pub removed: Vec<IndexEntry>,
}

/// A file that differs.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Changed {
    /// As it is in the first.
    pub from: IndexEntry,
    /// As it is in the second.
    pub to: IndexEntry,
}

impl FileChanges {
    /// What the second overlay has otherwise than the first.
    pub(crate) fn between(first: &LayerIndex, second: &LayerIndex) -> Self {
        let (old, new) = (by_path(first), by_path(second));
        let alone = |here: &BTreeMap<&GuestPath, &IndexEntry>, there: &BTreeMap<&GuestPath, &IndexEntry>| {
            let alone = here.iter().filter(|(path, _)| !there.contains_key(*path));
            alone.map(|(_, entry)| (*entry).clone()).collect()
        };
        let changed = |(path, from): (&&GuestPath, &&IndexEntry)| {
            let to = new.get(*path).filter(|to| *to != from)?;
            Some(Changed { from: (*from).clone(), to: (*to).clone() })
        };
        Self {
            added: alone(&new, &old),
            changed: old.iter().filter_map(changed).collect(),
            removed: alone(&old, &new),
        }
    }
}

fn by_path(index: &LayerIndex) -> BTreeMap<&GuestPath, &IndexEntry> {
    index.entries.iter().map(|entry| (&entry.path, entry)).collect()
}

/// A line a file, in the order of their paths.
impl fmt::Display for FileChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = BTreeMap::new();
        for (word, entries) in [("added", &self.added), ("removed", &self.removed)] {
            lines.extend(entries.iter().map(|entry| (&entry.path, format!("{word:<7} {}", entry.mode))));
        }
        for Changed { from, to } in &self.changed {
            let (old, new) = (shown(from.mode, &from.kind), shown(to.mode, &to.kind));
            let how = if old == new { old } else { format!("{old} -> {new}") };
            lines.insert(&from.path, format!("changed {how}"));
        }
        lines.iter().try_for_each(|(path, line)| writeln!(f, "{line} {path}"))
    }
}

/// The permissions, and the type if it is not a plain file.
fn shown(mode: Mode, kind: &IndexKind) -> String {
    match kind {
        IndexKind::File { .. } => mode.to_string(),
        IndexKind::Directory => format!("{mode} folder"),
        IndexKind::Symlink { .. } => "link".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256;

    fn index(files: &[(&str, &str, &str)]) -> LayerIndex {
        let entry = |(path, mode, content): &(&str, &str, &str)| IndexEntry {
            path: path.parse().unwrap(),
            mode: mode.parse().unwrap(),
            kind: IndexKind::File { size: content.len() as u64, sha256: Sha256::of(content) },
        };
        LayerIndex { entries: files.iter().map(entry).collect() }
    }

    #[test]
    fn files_are_added_changed_and_removed() {
        let first =
            index(&[("/a", "0644", "a"), ("/b", "0644", "b"), ("/c", "0644", "c"), ("/e", "0644", "")]);
        let second =
            index(&[("/b", "0644", "B"), ("/c", "0755", "c"), ("/d", "0600", ""), ("/e", "0644", "")]);
        let changes = FileChanges::between(&first, &second);
        assert_eq!(
            changes.to_string(),
            "removed 0644 /a\nchanged 0644 /b\nchanged 0644 -> 0755 /c\nadded   0600 /d\n"
        );
        assert_eq!(FileChanges::between(&first, &first), FileChanges::default());
    }
}
