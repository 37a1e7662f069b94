//! What an archive has under its names, and where the links among them lead: nowhere but inside the archive.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::super::name::MemberName;
use super::super::tarball::{MemberHeader, MemberKind};

/// Links on the way to a file that are followed, as Linux has it (`path_resolution(7)`).
const LINKS: u32 = 40;

/// Parts of targets that are followed for all links of an archive together, so that an archive of links which lead to one
/// another ends in an error and not in hours.
const STEPS: usize = 1_000_000;

/// The longest target that leads anywhere (`PATH_MAX`).
const TARGET: usize = 4095;

/// The names of an archive, selected or not.
#[derive(Debug, Default)]
pub(super) struct SeenNames {
    names: BTreeMap<String, What>,
    steps: usize,
}

/// The target of a name.
#[derive(Debug, PartialEq, Eq)]
enum What {
    File,
    /// Another name of a file.
    HardLink(Box<str>),
    Symlink(Box<str>),
    /// A directory, or what no link may lead to: a device, a file that is there twice.
    Other,
}

impl SeenNames {
    /// Takes note of a member.
    pub(super) fn add(&mut self, head: &MemberHeader) {
        if head.name.flaw.is_some() || head.name.text.is_empty() {
            return;
        }
        let what = match &head.kind {
            MemberKind::File => What::File,
            MemberKind::HardLink(target) => {
                self.file(target).map_or(What::Other, |file| What::HardLink(file.into()))
            }
            MemberKind::Symlink(target) if target.len() <= TARGET => What::Symlink(target.as_str().into()),
            _ => What::Other,
        };
        self.names
            .entry(head.name.text.clone())
            // It is ambiguous which of the two is meant.
            .and_modify(|known| *known = What::Other)
            .or_insert(what);
    }

    /// The file that a hard link to `target` means, of those so far.
    pub(super) fn file<'a>(&'a self, target: &'a MemberName) -> Option<&'a str> {
        match self.names.get(&target.text).filter(|_| target.flaw.is_none())? {
            What::File => Some(&target.text),
            What::HardLink(file) => Some(file),
            _ => None,
        }
    }

    /// The file that the symbolic link `name` to `target` leads to.
    pub(super) fn follow(&mut self, name: &str, target: &str) -> Option<String> {
        if target.len() > TARGET {
            return None;
        }
        let mut at = name.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
        // What is still to go, the next part last.
        let mut parts = Vec::new();
        self.push(target, &mut parts)?;
        let mut links = 0;
        while let Some(part) = parts.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    // There is nothing above the archive.
                    if at.is_empty() {
                        return None;
                    }
                    at.truncate(at.rfind('/').unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let folder = at.len();
            if !at.is_empty() {
                at.push('/');
            }
            at.push_str(&part);
            let target = match self.names.get(&at) {
                Some(What::File) if parts.is_empty() => return Some(at),
                Some(What::HardLink(file)) if parts.is_empty() => return Some(file.to_string()),
                Some(What::Symlink(target)) if links < LINKS => target.clone(),
                Some(What::Other) => continue,
                // A folder need not be listed.
                None if self.has_below(&at) => continue,
                _ => return None,
            };
            links += 1;
            at.truncate(folder);
            self.push(&target, &mut parts)?;
        }
        None
    }

    /// Whether anything is in a folder of this name.
    fn has_below(&self, folder: &str) -> bool {
        let below = format!("{folder}/");
        let next = self.names.range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded)).next();
        next.is_some_and(|(name, _)| name.starts_with(&below))
    }

    /// Puts the parts of a target, the first last, on those that are to go; `None` if it leads to the root of some machine, or
    /// no more may be followed.
    fn push(&mut self, target: &str, parts: &mut Vec<String>) -> Option<()> {
        let before = parts.len();
        if target.starts_with('/') || self.steps > STEPS {
            return None;
        }
        parts.extend(target.rsplit('/').map(str::to_owned));
        self.steps += parts.len() - before;
        Some(())
    }

    /// All names, for suggestions.
    pub(super) fn names(&self) -> Vec<&str> {
        self.names.keys().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(members: &[(&str, MemberKind)]) -> SeenNames {
        let mut seen = SeenNames::default();
        for (name, kind) in members {
            let kind = match kind {
                MemberKind::Symlink(target) => MemberKind::Symlink(target.clone()),
                MemberKind::HardLink(target) => MemberKind::HardLink(target.clone()),
                MemberKind::Directory => MemberKind::Directory,
                _ => MemberKind::File,
            };
            seen.add(&MemberHeader {
                name: MemberName::parse(name.as_bytes()),
                kind,
                mode: 0,
                owner: (0, 0),
            });
        }
        seen
    }

    #[test]
    fn links_lead_to_files_inside_the_archive() {
        let link = |target: &str| MemberKind::Symlink(target.to_owned());
        let hard = |target: &str| MemberKind::HardLink(MemberName::parse(target.as_bytes()));
        let mut seen = seen(&[
            ("a/f", MemberKind::File),
            ("a/h", hard("a/f")),
            ("a/l", link("f")),
            ("a/d/", MemberKind::Directory),
            ("current", link("a")),
            ("loop", link("loop")),
            ("to-root", link("/a/f")),
            ("twice", MemberKind::File),
            ("twice", MemberKind::File),
            ("hard-to-lost", hard("lost")),
        ]);
        for (name, target, file) in [
            ("x", "a/f", Some("a/f")),
            ("x", "a/h", Some("a/f")),
            ("x", "./a//d/../l", Some("a/f")),
            ("a/d/x", "../f", Some("a/f")),
            ("x", "current/l", Some("a/f")),
            ("b/x", "../current/f", Some("a/f")),
            ("x", "a", None),
            ("x", "a/f/g", None),
            ("x", "a/f/..", None),
            ("x", "../x", None),
            ("a/x", "../../a/f", None),
            ("x", "/a/f", None),
            ("x", "to-root", None),
            ("x", "loop", None),
            ("x", "twice", None),
            ("x", "hard-to-lost", None),
            ("x", "lost", None),
            ("x", "lost/../a/f", None),
            ("x", "", None),
            ("x", &"a/../".repeat(2000), None),
        ] {
            assert_eq!(seen.follow(name, target).as_deref(), file, "{name} -> {target}");
        }
    }

    #[test]
    fn links_without_end_end() {
        let many = (0..50)
            .map(|at| (format!("l{at}"), MemberKind::Symlink(format!("l{}/{}", at + 1, "./".repeat(900)))));
        let many: Vec<_> = many.collect();
        let members: Vec<_> = many
            .iter()
            .map(|(name, kind)| {
                (
                    name.as_str(),
                    match kind {
                        MemberKind::Symlink(target) => MemberKind::Symlink(target.clone()),
                        _ => MemberKind::File,
                    },
                )
            })
            .collect();
        let mut seen = seen(&members);
        for _ in 0..10_000 {
            assert_eq!(seen.follow("x", "l0"), None);
        }
        assert!(seen.steps < STEPS + 20_000);
    }
}
