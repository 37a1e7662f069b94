//! The package archives and the systems of a pins file.

use std::collections::BTreeMap;

use minijinja::context;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pins::expand;
use super::{Arch, Pin};
use crate::date::Moment;
use crate::package::lock::LockMoment;
use crate::package::openpgp::Fingerprint;

/// A package archive, and whose signature makes what it lists true.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a package archive")]
pub struct Archive {
    /// Where it is, tried in order: templates over `at`, the moment of the lock, and `arch`.
    pub urls: Vec<String>,
    /// The keys that sign it; one of them is enough.
    pub keys: Vec<ArchiveKey>,
    /// Its suites, such as `noble-security`.
    pub suites: Vec<String>,
    /// The components of each suite, such as `main`.
    pub components: Vec<String>,
    /// The packages that may be taken from it, `*` standing for any characters. Default: all.
    #[serde(default)]
    pub only: Vec<String>,
}

/// A key that signs an archive.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `fingerprint`, `file` and `source`")]
pub struct ArchiveKey {
    /// The fingerprint of its primary key.
    pub fingerprint: Fingerprint,
    /// The file that has it with its subkeys, armored or not, beside the pins file.
    pub file: String,
    /// Where the key is known from.
    pub source: String,
}

/// What a node boots: an image and the archives of its packages.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a system")]
pub struct System {
    /// The image, by its name among the releases.
    #[serde(default)]
    pub image: Option<String>,
    /// The list of the image's packages, as `dpkg-query -W` prints it: an address, or a file beside the pins file; a template
    /// over `arch`.
    pub packages: String,
    /// The digest of that list for each architecture; needed for an address.
    #[serde(default)]
    pub artifacts: BTreeMap<Arch, Pin>,
    /// The archives of its packages.
    pub archives: Vec<String>,
}

/// Where the list of an image's packages is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListPlace {
    /// On a server.
    Url(String),
    /// Beside the pins file.
    File(String),
}

impl Archive {
    /// Where it is, at a moment, for an architecture.
    pub fn addresses(&self, at: Moment, arch: Arch) -> Result<Vec<String>, minijinja::Error> {
        let names = || context! { at => LockMoment(at).to_string(), arch => arch.to_string() };
        let each = self.urls.iter().map(|url| expand(url, names()));
        each.map(|url| url.map(|url| url.trim_end_matches('/').to_owned())).collect()
    }

    /// Whether it can be asked for what it had at a moment.
    pub fn has_snapshots(&self) -> bool {
        self.urls.iter().any(|url| url.contains("at }}") || url.contains("at}}"))
    }

    /// Whether a package may be taken from it.
    pub fn offers(&self, package: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|pattern| matches(pattern, package))
    }
}

impl System {
    /// Where the list of its packages is.
    pub fn list(&self, arch: Arch) -> Result<ListPlace, minijinja::Error> {
        let place = expand(&self.packages, context! { arch => arch.to_string() })?;
        Ok(if place.contains("://") { ListPlace::Url(place) } else { ListPlace::File(place) })
    }
}

/// Whether a name fits a pattern with any number of `*`.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(last)
}
