//! The files of one layer before they are written: sorted, and without conflicting paths.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::digest::Sha256;
use crate::guest::{GuestPath, Mode};

/// Guest files by path. What it holds can be unpacked in its order: each path is there once, none is below a
/// path that is not a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<GuestPath, LayerEntry>,
}

/// One guest file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerEntry {
    /// Its permissions; [`Mode::SYMLINK`] for a symbolic link.
    pub mode: Mode,
    /// What it is.
    pub kind: EntryKind,
}

/// What a guest file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory that the layer declares itself; those that only lead to other paths need no entry.
    Directory,
    /// A symbolic link to this target.
    Symlink(String),
    /// A regular file.
    File(Content),
}

/// The bytes of a regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Here: rendered templates and other small files.
    Bytes(Arc<[u8]>),
    /// In a spool beside the tree: what came out of an upstream archive and may be large.
    Spooled {
        /// Where the bytes begin, counted from the beginning of the spool.
        offset: u64,
        /// How many they are.
        size: u64,
        /// What they are.
        sha256: Sha256,
    },
}

/// Why a path cannot join the others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The path is already there.
    #[error("`{0}` occurs twice")]
    Twice(GuestPath),
    /// A path lies below another that is not a directory.
    #[error("`{path}` is below `{file}`, which is not a directory")]
    Below {
        /// The lower path.
        path: GuestPath,
        /// The file or symbolic link above it.
        file: GuestPath,
    },
    /// The target of a symbolic link is empty, over-long, or not in its shortest form.
    #[error(
        "`{path}` cannot link to `{target}`: expected a target without empty parts, `.` parts and control characters"
    )]
    Target {
        /// The symbolic link.
        path: GuestPath,
        /// What it should lead to.
        target: String,
    },
}

impl LayerEntry {
    /// A directory.
    pub fn directory(mode: Mode) -> Self {
        Self { mode, kind: EntryKind::Directory }
    }

    /// A symbolic link.
    pub fn symlink(target: impl Into<String>) -> Self {
        Self { mode: Mode::SYMLINK, kind: EntryKind::Symlink(target.into()) }
    }

    /// A regular file.
    pub fn file(mode: Mode, content: Content) -> Self {
        Self { mode, kind: EntryKind::File(content) }
    }
}

impl Content {
    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Spooled { size, .. } => *size,
        }
    }
}

impl Tree {
    /// Adds a file. An error leaves the tree as it was.
    pub fn insert(&mut self, path: GuestPath, entry: LayerEntry) -> Result<(), TreeError> {
        if let EntryKind::Symlink(target) = &entry.kind
            && !is_link_target(target)
        {
            return Err(TreeError::Target { path, target: target.clone() });
        }
        let is_directory = |entry: &LayerEntry| entry.kind == EntryKind::Directory;
        check_place(&self.entries, &path, is_directory(&entry), is_directory)?;
        self.entries.insert(path, entry);
        Ok(())
    }

    /// Takes out what lies below a folder.
    #[must_use]
    pub fn take_below(&mut self, folder: &GuestPath) -> Self {
        let below = |path: &GuestPath| path != folder && path.is_within(folder);
        let (taken, entries) =
            std::mem::take(&mut self.entries).into_iter().partition(|(path, _)| below(path));
        self.entries = entries;
        Self { entries: taken }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All files in the order of their paths, so that a directory comes before what it holds.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&GuestPath, &LayerEntry)> {
        self.entries.iter()
    }
}

/// Whether `path` can join `taken`: no path twice, none below another that is not a directory.
pub(super) fn check_place<V>(
    taken: &BTreeMap<GuestPath, V>,
    path: &GuestPath,
    is_directory: bool,
    entry_is_directory: impl Fn(&V) -> bool,
) -> Result<(), TreeError> {
    if taken.contains_key(path) {
        return Err(TreeError::Twice(path.clone()));
    }
    let above = std::iter::successors(path.parent(), GuestPath::parent);
    for folder in above {
        if taken.get(&folder).is_some_and(|entry| !entry_is_directory(entry)) {
            return Err(TreeError::Below { path: path.clone(), file: folder });
        }
    }
    if !is_directory {
        let below = format!("{path}/");
        let next = taken.range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded)).next();
        if let Some((lower, _)) = next.filter(|(lower, _)| lower.is_within(path)) {
            return Err(TreeError::Below { path: lower.clone(), file: path.clone() });
        }
    }
    Ok(())
}

/// Whether `target` is what this project lets a symbolic link lead to: a path in its shortest form, so that no
/// writer of archives shortens it behind our back, and of a length that Linux takes (`PATH_MAX`).
pub(super) fn is_link_target(target: &str) -> bool {
    let parts = target.strip_prefix('/').unwrap_or(target);
    target.len() <= 4095
        && !target.chars().any(char::is_control)
        && parts.split('/').all(|part| !matches!(part, "" | "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> GuestPath {
        text.parse().unwrap()
    }

    fn file() -> LayerEntry {
        LayerEntry::file(Mode::FILE, Content::Bytes([].into()))
    }

    #[test]
    fn paths_that_exclude_each_other_are_refused_in_either_order() {
        let folder = || LayerEntry::directory(Mode::EXECUTABLE);
        let below = |lower, upper| Err(TreeError::Below { path: path(lower), file: path(upper) });
        for (first, second, result) in [
            (("/a", file()), ("/a", file()), Err(TreeError::Twice(path("/a")))),
            (("/a", folder()), ("/a", folder()), Err(TreeError::Twice(path("/a")))),
            (("/a", file()), ("/a/b/c", file()), below("/a/b/c", "/a")),
            (("/a/b/c", file()), ("/a", file()), below("/a/b/c", "/a")),
            (("/a", LayerEntry::symlink("b")), ("/a/c", file()), below("/a/c", "/a")),
            (("/a/c", file()), ("/a", LayerEntry::symlink("b")), below("/a/c", "/a")),
            (("/a", folder()), ("/a/b", file()), Ok(())),
            (("/a/b", file()), ("/a", folder()), Ok(())),
            (("/a", file()), ("/a!", file()), Ok(())),
            (("/ab/c", file()), ("/a", file()), Ok(())),
        ] {
            let mut tree = Tree::default();
            tree.insert(path(first.0), first.1).unwrap();
            let before = tree.clone();
            assert_eq!(tree.insert(path(second.0), second.1), result, "{} then {}", first.0, second.0);
            assert_eq!(tree == before, result.is_err(), "an error leaves the tree as it was");
        }
    }

    #[test]
    fn a_file_above_is_found_past_names_that_sort_between() {
        let mut tree = Tree::default();
        for text in ["/a!", "/a-b/c", "/a/z"] {
            tree.insert(path(text), file()).unwrap();
        }
        let above = TreeError::Below { path: path("/a/z"), file: path("/a") };
        assert_eq!(tree.insert(path("/a"), file()), Err(above));
    }

    #[test]
    fn entries_come_sorted_and_directories_before_what_they_hold() {
        let mut tree = Tree::default();
        for text in ["/b", "/a/c", "/a-b"] {
            tree.insert(path(text), file()).unwrap();
        }
        tree.insert(path("/a"), LayerEntry::directory(Mode::EXECUTABLE)).unwrap();
        let order: Vec<_> = tree.entries().map(|(path, _)| path.as_str()).collect();
        assert_eq!(order, ["/a", "/a-b", "/a/c", "/b"]);
    }

    #[test]
    fn link_targets_are_in_their_shortest_form() {
        let long = "x".repeat(4096);
        for bad in ["", "/", "./a", "a//b", "a/", "a/.", "a\0b", "a\nb", long.as_str()] {
            let refused = Tree::default().insert(path("/l"), LayerEntry::symlink(bad));
            assert_eq!(refused, Err(TreeError::Target { path: path("/l"), target: bad.to_owned() }));
        }
        for good in ["a", "..", "../a", "/opt/a", "a b"] {
            assert_eq!(Tree::default().insert(path("/l"), LayerEntry::symlink(good)), Ok(()), "{good:?}");
        }
    }
}
