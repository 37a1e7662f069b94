//! What a lock changes of the one before.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use crate::digest::Sha256;
use crate::package::lock::{Lock, LockedPackage, LockedSystem};

/// What becomes of the packages.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Changes {
    /// Each package that is not what it was.
    pub packages: Vec<Change>,
    /// The number of packages afterwards.
    pub count: usize,
    /// Their size afterwards, in bytes.
    pub size: u64,
    /// Their size before, in bytes.
    pub size_before: u64,
}

/// What becomes of a package.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// The system and architecture.
    pub system: String,
    /// Its name.
    pub name: String,
    /// Its version before, unless it comes.
    pub from: Option<String>,
    /// Its version afterwards, unless it goes.
    pub to: Option<String>,
    /// Where it is from, unless it goes.
    pub archive: Option<String>,
    /// Its size in bytes: what comes, or what went.
    pub size: u64,
}

impl Changes {
    /// Whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// From one lock, or none, to another.
    pub(crate) fn new(before: Option<&Lock>, after: &Lock) -> Self {
        let mut changes = Self::default();
        let systems = before.into_iter().chain([after]).flat_map(|lock| lock.systems.keys());
        for system in systems.collect::<BTreeSet<_>>() {
            let old = before.and_then(|lock| lock.systems.get(system)).map(|system| &system.packages);
            let new = after.systems.get(system).map(|system| &system.packages);
            for name in
                old.into_iter().chain(new).flat_map(|packages| packages.keys()).collect::<BTreeSet<_>>()
            {
                let [from, to] = [old, new].map(|packages| packages.and_then(|packages| packages.get(name)));
                if bytes(from) != bytes(to) {
                    let version = |one: Option<&LockedPackage>| one.map(|one| one.version.to_string());
                    changes.packages.push(Change {
                        system: system.clone(),
                        name: name.to_string(),
                        from: version(from),
                        to: version(to),
                        archive: to.map(|one| one.from.clone()),
                        size: to.or(from).map_or(0, |one| one.size),
                    });
                }
            }
        }
        let size = |lock: &Lock| lock.systems.values().map(LockedSystem::size).sum();
        changes.count = after.systems.values().map(|system| system.packages.len()).sum();
        changes.size = size(after);
        changes.size_before = before.map_or(0, size);
        changes
    }

    /// It for people, a line a package.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut system = "";
        for one in &self.packages {
            if one.system != system {
                system = &one.system;
                // Writing to a text cannot fail.
                let _ = writeln!(text, "{system}:");
            }
            let what = match (&one.from, &one.to) {
                (None, Some(to)) => format!("+ {} {to}", one.name),
                (Some(from), None) => format!("- {} {from}", one.name),
                (Some(from), Some(to)) => format!("~ {} {from} -> {to}", one.name),
                (None, None) => continue,
            };
            let archive = one.archive.as_ref().map_or(String::new(), |archive| format!(", {archive}"));
            let _ = writeln!(text, "  {what} ({}{archive})", kib(one.size));
        }
        let before =
            if self.size_before == 0 { String::new() } else { format!(", {} before", kib(self.size_before)) };
        let _ = writeln!(text, "{} packages, {}{before}", self.count, kib(self.size));
        text
    }
}

/// What tells one package from another of its name.
fn bytes(package: Option<&LockedPackage>) -> Option<(&str, Sha256)> {
    package.map(|one| (one.version.as_str(), one.sha256))
}

fn kib(bytes: u64) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}
