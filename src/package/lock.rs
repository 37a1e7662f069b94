//! `packages.lock`: which bytes the packages of a cluster are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::{PackageName, PoolPath};
use super::openpgp::Fingerprint;
use super::version::Version;
use crate::date::Moment;
use crate::diagnostic::{Decoded, Report, Step};
use crate::digest::Sha256;
use crate::text_form::as_text;

/// The format that is written and read.
pub const FORMAT: u32 = 1;

/// Everything that is locked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `format`, `inputs` and `systems`")]
pub struct Lock {
    /// The format of the file.
    pub format: u32,
    /// The digest of what it was made from: archives, systems, and the packages that are wanted.
    pub inputs: Sha256,
    /// What is locked for each system and architecture: `noble-amd64`.
    pub systems: BTreeMap<String, LockedSystem>,
}

impl Lock {
    /// A lock of nothing.
    pub fn empty(inputs: Sha256) -> Self {
        Self { format: FORMAT, inputs, systems: BTreeMap::new() }
    }

    /// The moment for which it was made.
    pub fn at(&self) -> Option<Moment> {
        self.systems.values().map(|system| system.at.0).max()
    }
}

/// What is locked for a system on an architecture.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a locked system")]
pub struct LockedSystem {
    /// The moment for which the archives were asked.
    pub at: LockMoment,
    /// The digest of the list of packages that the image has.
    pub image: Sha256,
    /// The suites, as they were signed.
    pub releases: Vec<LockedRelease>,
    /// The packages that components name.
    pub wanted: BTreeMap<String, BTreeSet<PackageName>>,
    /// All packages that are installed, one version of each.
    pub packages: BTreeMap<PackageName, LockedPackage>,
}

/// A suite, as it was signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a suite")]
pub struct LockedRelease {
    /// The archive, by its name in the pins file.
    pub archive: String,
    /// The suite.
    pub suite: String,
    /// When it was made.
    pub date: LockMoment,
    /// The digest of its `InRelease`.
    pub sha256: Sha256,
    /// The key or subkey that signed it.
    pub signed_by: Fingerprint,
}

/// A package that is installed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a package")]
pub struct LockedPackage {
    /// Its version.
    pub version: Version,
    /// Its architecture, or `all`.
    pub arch: PackageArch,
    /// Archive, suite and component: `ubuntu/noble-security/main`.
    pub from: String,
    /// Its path below the archive's address.
    pub path: PoolPath,
    /// Its size in bytes.
    pub size: u64,
    /// What it takes on disk, in KiB, as its archive says.
    pub room: u64,
    /// The digest of its bytes.
    pub sha256: Sha256,
    /// The source package that it is built from.
    pub source: PackageName,
    /// The packages of this list that it takes along.
    #[serde(default)]
    pub needs: BTreeSet<PackageName>,
}

/// The architecture of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PackageArch {
    /// For every machine.
    All,
    /// For x86-64.
    Amd64,
    /// For 64-bit ARM.
    Arm64,
}

/// A moment as snapshot services write it: `20261128T000000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockMoment(pub Moment);

impl FromStr for LockMoment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a moment such as `20261128T000000Z`";
        let is_plain = text.len() == 16 && text.is_ascii();
        let [year, month, day, hour, minute, second] =
            [0..4, 4..6, 6..8, 9..11, 11..13, 13..16].map(|range| text.get(range).unwrap_or_default());
        let moment = format!("{year}-{month}-{day}T{hour}:{minute}:{second}");
        moment.parse().ok().filter(|_| is_plain && text[8..].starts_with('T')).map(Self).ok_or(EXPECTED)
    }
}

impl fmt::Display for LockMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_string().replace(['-', ':'], ""))
    }
}

as_text!(LockMoment, "^[0-9]{8}T[0-9]{6}Z$", "A moment in UTC, such as 20261128T000000Z.");

impl PackageArch {
    /// The architecture of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::All, Self::Amd64, Self::Arm64].into_iter().find(|arch| arch.to_string() == name)
    }
}

impl fmt::Display for PackageArch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        })
    }
}

/// How the systems of a lock are called.
pub fn key(system: &str, arch: impl fmt::Display) -> String {
    format!("{system}-{arch}")
}

impl LockedSystem {
    /// The packages of a node whose components want these, with all that they take along.
    pub fn closure<'a>(
        &'a self,
        wanted: impl IntoIterator<Item = &'a PackageName>,
    ) -> BTreeSet<&'a PackageName> {
        let mut open: Vec<_> = wanted.into_iter().collect();
        let mut closure = BTreeSet::new();
        while let Some(name) = open.pop() {
            if let Some((name, package)) = self.packages.get_key_value(name)
                && closure.insert(name)
            {
                open.extend(&package.needs);
            }
        }
        closure
    }

    /// The size of all packages, in bytes.
    pub fn size(&self) -> u64 {
        self.packages.values().fold(0, |size, package| size.saturating_add(package.size))
    }
}

impl Decoded<Lock> {
    /// The lock, if the file holds a whole one. What is wrong beyond the shape of its values goes into `report`.
    pub fn checked(&self, report: &mut Report) -> Option<&Lock> {
        let lock = self.value.as_ref()?;
        if lock.format != FORMAT {
            let message = format!("the format {} of the lock is not known", lock.format);
            let help = "a newer imgbuild made it: use that, or make it anew with `imgbuild lock`";
            let label = format!("expected {FORMAT}");
            report.push(self.document.error(&["format".into()], message, label).help(help));
            return None;
        }
        for (key, system) in &lock.systems {
            for (name, package) in &system.packages {
                let missing = package.needs.iter().find(|need| !system.packages.contains_key(*need));
                if let Some(missing) = missing {
                    let path = [
                        "systems".into(),
                        Step::from(key),
                        "packages".into(),
                        Step::from(name.as_str()),
                        "needs".into(),
                    ];
                    let message = format!("`{name}` needs `{missing}`, which is not locked");
                    let help = "the lock was edited by hand: make it anew with `imgbuild lock`";
                    report.push(self.document.error(&path, message, "").help(help));
                }
            }
        }
        Some(lock).filter(|_| !self.lossy)
    }
}
