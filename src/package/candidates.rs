//! What can be installed: of each package the highest version that the archives have, and who provides what.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::index::Package;
use super::relation::{self, Alternatives, Relation, RelationError};
use super::version::Version;

/// The packages of all lists, by name and by what they provide.
pub struct Candidates<'a> {
    packages: &'a [Package],
    arch: &'a str,
    /// Every version of each package, the highest first.
    by_name: BTreeMap<&'a str, Vec<u32>>,
    providers: BTreeMap<&'a str, Vec<Provider>>,
}

/// A candidate that provides something.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Which.
    pub package: u32,
    /// In which version, if in any.
    pub version: Option<Version>,
}

/// A field of a package that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{package}: the field `{field}` is invalid: {error}")]
pub struct FieldError {
    /// The package, with its version.
    pub package: String,
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub error: RelationError,
}

impl<'a> Candidates<'a> {
    /// Those among the packages of lists in which the first goes before the others.
    pub fn new(packages: &'a [Package], arch: &'a str) -> Result<Self, FieldError> {
        let mut by_name: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (index, package) in (0..).zip(packages) {
            by_name.entry(&package.name).or_default().push(index);
        }
        let version = |index: &u32| &packages[*index as usize].version;
        for all in by_name.values_mut() {
            all.sort_by_key(|index| Reverse(version(index)));
        }
        let mut candidates = Self { packages, arch, by_name, providers: BTreeMap::new() };
        candidates.providers = candidates.provided()?;
        Ok(candidates)
    }

    fn provided(&self) -> Result<BTreeMap<&'a str, Vec<Provider>>, FieldError> {
        let mut providers: BTreeMap<&str, Vec<Provider>> = BTreeMap::new();
        for package in self.by_name.keys().filter_map(|name| self.candidate(name)) {
            for one in self.list(package, "Provides")? {
                let version = one.constraint.map(|constraint| constraint.version);
                providers.entry(one.name).or_default().push(Provider { package, version });
            }
        }
        Ok(providers)
    }

    /// The architecture of the machine.
    pub fn arch(&self) -> &'a str {
        self.arch
    }

    /// A package.
    pub fn package(&self, index: u32) -> &'a Package {
        &self.packages[index as usize]
    }

    /// The version of a package that would be installed: the highest that all machines are to have.
    pub fn candidate(&self, name: &str) -> Option<u32> {
        self.versions(name).iter().copied().find(|index| self.package(*index).phase().is_none())
    }

    /// All versions of a package, the highest first.
    pub fn versions(&self, name: &str) -> &[u32] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The candidates that provide this name.
    pub fn providers(&self, name: &str) -> &[Provider] {
        self.providers.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names of all packages.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.by_name.keys().copied()
    }

    /// Another package of the same name and version with other bytes, in another list.
    pub fn rival(&self, index: u32) -> Option<u32> {
        let own = self.package(index);
        let differs = |other: &Package| {
            other.version.as_str() == own.version.as_str() && other.field("SHA256") != own.field("SHA256")
        };
        self.versions(&own.name).iter().copied().find(|other| differs(self.package(*other)))
    }

    /// What a package needs, before it is unpacked or before it runs.
    pub fn needs(&self, index: u32) -> Result<Vec<Alternatives<'a>>, FieldError> {
        Ok([self.groups(index, "Pre-Depends")?, self.groups(index, "Depends")?].concat())
    }

    /// What a package cannot be installed beside.
    pub fn excludes(&self, index: u32) -> Result<Vec<Exclusion<'a>>, FieldError> {
        let of = |field| {
            let list = self.list(index, field)?;
            Ok(list.into_iter().map(move |relation| Exclusion { field, relation }))
        };
        Ok(of("Conflicts")?.chain(of("Breaks")?).collect())
    }

    /// A field with alternatives.
    pub fn groups(&self, index: u32, field: &'static str) -> Result<Vec<Alternatives<'a>>, FieldError> {
        let package = self.package(index);
        relation::parse(package.field(field).unwrap_or_default())
            .map_err(|error| FieldError::of(package, field, error))
    }

    /// A field without.
    pub fn list(&self, index: u32, field: &'static str) -> Result<Vec<Relation<'a>>, FieldError> {
        let package = self.package(index);
        relation::parse_list(package.field(field).unwrap_or_default())
            .map_err(|error| FieldError::of(package, field, error))
    }

    /// Whether the part behind a relation's colon means this package.
    pub fn qualifies(&self, relation: &Relation<'_>, package: Option<u32>) -> bool {
        match relation.qualifier {
            None => true,
            Some("any") => package.is_none_or(|index| self.package(index).is_for_any()),
            Some(arch) => arch == self.arch,
        }
    }
}

/// A package that another cannot be installed beside.
#[derive(Clone, Debug)]
pub struct Exclusion<'a> {
    /// `Conflicts` or `Breaks`.
    pub field: &'static str,
    /// Which.
    pub relation: Relation<'a>,
}

impl FieldError {
    fn of(package: &Package, field: &'static str, error: RelationError) -> Self {
        Self { package: format!("{} {}", package.name, package.version), field, error }
    }
}
