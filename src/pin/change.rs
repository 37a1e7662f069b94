//! What moving a pin changed, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::diagnostic::{Decoded, Diagnostic};
use crate::digest::Sha256;
use crate::release::{Arch, KnownProblem, Release, Releases};

/// A release before and after it was moved.
#[derive(Serialize)]
pub(crate) struct PinChange {
    release: String,
    from: Version,
    to: Version,
    /// The pins file.
    file: String,
    /// Whether it was rewritten.
    pub written: bool,
    /// Whether it is, or would be, another.
    #[serde(skip)]
    differs: bool,
    artifacts: BTreeMap<Arch, NewPin>,
    /// What is known to be wrong with the new version.
    problems: Vec<KnownProblem>,
}

#[derive(PartialEq, Serialize)]
struct Version {
    version: String,
    build: Option<String>,
}

#[derive(Serialize)]
struct NewPin {
    url: String,
    from: Sha256,
    to: Sha256,
    source: String,
}

/// How a release was moved.
#[derive(Clone, Copy)]
pub(super) struct Move<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// It before.
    pub(super) old: &'a Release,
    /// It now.
    pub(super) new: &'a Release,
    /// Whether the pins file is, or would be, another.
    pub(super) differs: bool,
    /// Whether it was rewritten.
    pub(super) written: bool,
}

impl PinChange {
    /// The difference between two states of the release `name` of a pins file.
    pub(super) fn new(pins: &Decoded<Releases>, moved: &Move<'_>) -> Result<Self, Diagnostic> {
        let Move { name, old, new, differs, written } = *moved;
        let version =
            |release: &Release| Version { version: release.version.clone(), build: release.build.clone() };
        let mut artifacts = BTreeMap::new();
        for (arch, before) in &old.artifacts {
            let now = &new.artifacts[arch];
            let url = pins.url(name, new, *arch)?;
            let pin = NewPin { url, from: before.sha256, to: now.sha256, source: now.source.clone() };
            artifacts.insert(*arch, pin);
        }
        Ok(Self {
            release: name.to_owned(),
            from: version(old),
            to: version(new),
            file: pins.document.source.name().to_owned(),
            written,
            differs,
            artifacts,
            problems: new.problems.iter().filter_map(|one| one.in_version(&new.version)).collect(),
        })
    }

    /// It for people.
    pub(crate) fn text(&self) -> String {
        let to = if self.from == self.to { String::new() } else { format!(" -> {}", shown(&self.to)) };
        let state = match (self.written, self.differs) {
            (true, _) => "",
            (false, true) => " (not written)",
            (false, false) => " (nothing changes)",
        };
        let mut text = format!("{} {}{to} in {}{state}\n", self.release, shown(&self.from), self.file);
        for (arch, pin) in &self.artifacts {
            let from = if pin.from == pin.to { "unchanged".to_owned() } else { format!("was {}", pin.from) };
            // Writing to a text cannot fail.
            let _ = write!(
                text,
                "  {arch} {}\n        {}\n        sha256 {}, {from}\n",
                pin.source, pin.url, pin.to
            );
        }
        for problem in &self.problems {
            let _ = writeln!(text, "  known problem: {}", problem.line());
        }
        text
    }
}

fn shown(version: &Version) -> String {
    match &version.build {
        Some(build) => format!("{} build {build}", version.version),
        None => version.version.clone(),
    }
}
