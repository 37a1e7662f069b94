//! What is in a layer or an overlay, without the contents: for listings, comparisons and the guest's file list.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tree::{TreeError, check_place};
use crate::digest::Sha256;
use crate::guest::{GuestPath, Mode};

/// The files of a layer or an overlay, in the order of their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LayerIndex {
    /// One entry a path.
    pub entries: Vec<IndexEntry>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// Its path in the guest.
    pub path: GuestPath,
    /// Its permissions.
    pub mode: Mode,
    /// What it is.
    #[serde(flatten)]
    pub kind: IndexKind,
}

/// What a file is, and by what its content is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum IndexKind {
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// Where it leads.
        target: String,
    },
    /// A regular file.
    File {
        /// Bytes of its content.
        size: u64,
        /// The digest of its content.
        sha256: Sha256,
    },
}

impl LayerIndex {
    /// The index of the overlay that these layers make. No two layers may own a path, nor one a path below
    /// another's file: what the guest gets would depend on their order.
    pub fn merge<'a>(layers: impl IntoIterator<Item = &'a Self>) -> Result<Self, TreeError> {
        let mut files = IndexBuilder::default();
        for entry in layers.into_iter().flat_map(|layer| &layer.entries) {
            files.add(entry.clone())?;
        }
        Ok(files.into_index())
    }
}

/// An index that grows in any order.
#[derive(Default)]
pub(super) struct IndexBuilder(BTreeMap<GuestPath, IndexEntry>);

impl IndexBuilder {
    pub(super) fn add(&mut self, entry: IndexEntry) -> Result<(), TreeError> {
        let is_directory = |entry: &IndexEntry| entry.kind == IndexKind::Directory;
        check_place(&self.0, &entry.path, is_directory(&entry), is_directory)?;
        self.0.insert(entry.path.clone(), entry);
        Ok(())
    }

    pub(super) fn into_index(self) -> LayerIndex {
        LayerIndex { entries: self.0.into_values().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(files: &[(&str, IndexKind)]) -> LayerIndex {
        let entry = |(path, kind): &(&str, IndexKind)| IndexEntry {
            path: path.parse().unwrap(),
            mode: Mode::FILE,
            kind: kind.clone(),
        };
        LayerIndex { entries: files.iter().map(entry).collect() }
    }

    fn file() -> IndexKind {
        IndexKind::File { size: 0, sha256: Sha256::of("") }
    }

    #[test]
    fn an_index_is_readable_json_and_comes_back() {
        let all = index(&[
            ("/a", IndexKind::Directory),
            ("/a/b", IndexKind::Symlink { target: "c".into() }),
            ("/a/c", file()),
        ]);
        let json = serde_json::to_value(&all).unwrap();
        let sha256 = Sha256::of("").to_string();
        let expected = serde_json::json!([
            { "path": "/a", "mode": "0644", "kind": "directory" },
            { "path": "/a/b", "mode": "0644", "kind": "symlink", "target": "c" },
            { "path": "/a/c", "mode": "0644", "kind": "file", "size": 0, "sha256": sha256 },
        ]);
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<LayerIndex>(json).unwrap(), all);
    }

    #[test]
    fn layers_merge_in_order_of_paths_and_may_not_share_one() {
        let one = index(&[("/b", file()), ("/d", IndexKind::Directory)]);
        let two = index(&[("/a", file()), ("/d/e", file())]);
        let merged = LayerIndex::merge([&one, &two]).unwrap();
        let paths: Vec<_> = merged.entries.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(paths, ["/a", "/b", "/d", "/d/e"]);
        let again = LayerIndex::merge([&one, &index(&[("/b", file())])]);
        assert_eq!(again, Err(TreeError::Twice("/b".parse().unwrap())));
        let below = LayerIndex::merge([&one, &index(&[("/b/c", file())])]);
        assert!(matches!(below, Err(TreeError::Below { .. })), "{below:?}");
    }
}
