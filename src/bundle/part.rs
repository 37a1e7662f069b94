//! A part of a bundle, and the paths that one may have.

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;

/// The profile's path.
pub const PROFILE: &str = "profile.yaml";
/// The path of the pins.
pub const RELEASES: &str = "releases.yaml";
/// The path of the program.
pub const PROGRAM: &str = "program/imgbuild";
/// The prefix of an artifact's path.
const ARTIFACTS: &str = "artifacts/sha256/";
/// The prefix of a component's path.
pub const OVERLAYS: &str = "overlays/";

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its path in the bundle.
    pub path: String,
    /// What people know it by: a release, a component, a cluster, `imgbuild`.
    pub name: String,
    /// Its version, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
}

impl Part {
    /// The path of the artifact with this digest.
    pub fn artifact_path(sha256: &Sha256) -> String {
        format!("{ARTIFACTS}{sha256}")
    }

    /// The component that the part belongs to, and its path in the component's folder.
    pub fn in_component(&self) -> Option<(&str, &str)> {
        self.path.strip_prefix(OVERLAYS)?.split_once('/')
    }

    /// What people know it by, with its version.
    pub fn title(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.name),
            None => self.name.clone(),
        }
    }

    /// Why no bundle has such a part, if so.
    pub(super) fn flaw(&self) -> Option<&'static str> {
        let mut texts = [&self.path, &self.name].into_iter().chain(&self.version);
        if texts.any(|text| text.chars().any(char::is_control)) {
            return Some("has a control character");
        }
        if self.path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Some("has a path that is absolute, or has an empty, `.` or `..` part");
        }
        match self.path.strip_prefix(ARTIFACTS) {
            Some(digest) if digest != self.sha256.to_string() => {
                Some("is an artifact whose name and digest differ")
            }
            Some(_) => None,
            None if [PROFILE, RELEASES, PROGRAM].contains(&self.path.as_str()) => None,
            None if self.in_component().is_some() => None,
            None => Some("is not a part that a bundle can contain"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_bundle_holds_has_no_flaw() {
        let own = Part::artifact_path(&Sha256::of("x"));
        for (path, fits) in [
            ("profile.yaml", true),
            ("releases.yaml", true),
            ("program/imgbuild", true),
            ("overlays/etcd/component.yaml", true),
            (own.as_str(), true),
            ("artifacts/sha256/../../x", false),
            ("artifacts/sha256/00", false),
            ("overlays/etcd", false),
            ("overlays/../x", false),
            ("overlays/etcd//x", false),
            ("overlays/etcd/", false),
            ("/profile.yaml", false),
            ("secrets.yaml", false),
            ("overlays/etcd/a\u{1b}[2J", false),
            ("", false),
        ] {
            let part = Part {
                path: path.to_owned(),
                name: "x".to_owned(),
                version: None,
                size: 1,
                sha256: Sha256::of("x"),
            };
            assert_eq!(part.flaw().is_none(), fits, "{path:?}: {:?}", part.flaw());
        }
    }
}
