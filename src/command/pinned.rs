//! What moving a pin changed, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::digest::Sha256;
use crate::release::{Arch, KnownProblem, Release};

/// A release before and after it was moved.
#[derive(Serialize)]
pub struct Pinned {
    release: String,
    from: Version,
    to: Version,
    /// The pins file.
    file: String,
    /// Whether it was rewritten.
    written: bool,
    artifacts: BTreeMap<Arch, Change>,
    /// What is known to be wrong with the new version.
    problems: Vec<KnownProblem>,
}

#[derive(PartialEq, Serialize)]
struct Version {
    version: String,
    build: Option<String>,
}

#[derive(Serialize)]
struct Change {
    url: String,
    from: Sha256,
    to: Sha256,
    source: String,
}

impl Pinned {
    /// The difference between two states of the release `name` in `file`.
    pub fn new(
        name: &str,
        (old, new): (&Release, &Release),
        file: &str,
        written: bool,
    ) -> anyhow::Result<Self> {
        let version =
            |release: &Release| Version { version: release.version.clone(), build: release.build.clone() };
        let mut artifacts = BTreeMap::new();
        for (arch, before) in &old.artifacts {
            let now = &new.artifacts[arch];
            let url = new.expand(&new.url, *arch)?;
            let change = Change { url, from: before.sha256, to: now.sha256, source: now.source.clone() };
            artifacts.insert(*arch, change);
        }
        Ok(Self {
            release: name.to_owned(),
            from: version(old),
            to: version(new),
            file: file.to_owned(),
            written,
            artifacts,
            problems: new.problems.iter().filter_map(|one| one.of(&new.version)).collect(),
        })
    }

    /// It for people; `changes` tells whether the pins file is, or would be, another.
    pub fn text(&self, changes: bool) -> String {
        let to = if self.from == self.to { String::new() } else { format!(" -> {}", shown(&self.to)) };
        let state = match (self.written, changes) {
            (true, _) => "",
            (false, true) => " (not written)",
            (false, false) => " (nothing changes)",
        };
        let mut text = format!("{} {}{to} in {}{state}\n", self.release, shown(&self.from), self.file);
        for (arch, change) in &self.artifacts {
            let from = if change.from == change.to {
                "unchanged".to_owned()
            } else {
                format!("was {}", change.from)
            };
            // Writing to a text cannot fail.
            let _ = write!(
                text,
                "  {arch} {}\n        {}\n        sha256 {}, {from}\n",
                change.source, change.url, change.to
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
