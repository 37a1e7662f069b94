//! The packages that a node's image has before anything is installed.

use std::collections::BTreeMap;

use super::candidates::{Candidates, FieldError};
use super::name::is_name;
use super::version::Version;

/// The most packages of an image.
const MAX_PACKAGES: usize = 50_000;

/// An image's list of packages: `NAME[:ARCH]`, a tab, and the version, as `dpkg-query -W` prints it.
#[derive(Clone, Debug, Default)]
pub struct Manifest(BTreeMap<String, Version>);

/// Why a list of packages cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A line is something else.
    #[error("line {line}: expected `NAME<TAB>VERSION`, got `{}`", text.escape_debug())]
    Odd {
        /// The line.
        line: usize,
        /// What it says.
        text: String,
    },
    /// It lists nothing.
    #[error("it lists no packages")]
    Empty,
    /// It lists too much.
    #[error("it lists more than {MAX_PACKAGES} packages")]
    TooMany,
}

impl Manifest {
    /// Reads the list of an image for this architecture.
    pub fn read(text: &str, arch: &str) -> Result<Self, ManifestError> {
        let mut all = BTreeMap::new();
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            let odd = || ManifestError::Odd { line, text: text.chars().take(80).collect() };
            let (package, version) = text.split_once(['\t', ' ']).unwrap_or((text, ""));
            let (name, own) = package.split_once(':').unwrap_or((package, arch));
            if !is_name(name) {
                return Err(odd());
            }
            // dpkg-query lists what was removed and what is for other architectures too.
            if version.trim().is_empty() || ![arch, "all"].contains(&own) {
                continue;
            }
            all.insert(name.to_owned(), version.trim().parse().map_err(|_| odd())?);
            if all.len() > MAX_PACKAGES {
                return Err(ManifestError::TooMany);
            }
        }
        if all.is_empty() { Err(ManifestError::Empty) } else { Ok(Self(all)) }
    }
}

/// The packages of an image, with what the archives say of them.
pub struct Base<'a> {
    installed: BTreeMap<&'a str, Installed<'a>>,
    provided: BTreeMap<&'a str, Vec<Provided<'a>>>,
    /// Packages whose version no archive has any more: what they provide is taken from the newest.
    pub outdated: Vec<&'a str>,
}

/// A package of an image.
#[derive(Clone, Copy, Debug)]
pub struct Installed<'a> {
    /// Its version.
    pub version: &'a Version,
    /// The same version in an archive, which says what it needs and excludes.
    pub known: Option<u32>,
}

/// What a package of an image provides.
#[derive(Clone, Debug)]
pub struct Provided<'a> {
    /// The package.
    pub owner: &'a str,
    /// In which version, if in any.
    pub version: Option<Version>,
}

impl<'a> Base<'a> {
    /// The packages of a list. The list itself has neither relations nor what they provide.
    pub fn new(manifest: &'a Manifest, candidates: &Candidates<'a>) -> Result<Self, FieldError> {
        let mut base = Self { installed: BTreeMap::new(), provided: BTreeMap::new(), outdated: Vec::new() };
        for (name, version) in &manifest.0 {
            let same = |index: &&u32| candidates.package(**index).version.as_str() == version.as_str();
            let versions = candidates.versions(name);
            let known = versions.iter().find(same).copied();
            if known.is_none() && !versions.is_empty() {
                base.outdated.push(name);
            }
            if let Some(index) = known.or_else(|| versions.first().copied()) {
                for one in candidates.list(index, "Provides")? {
                    let version = one.constraint.map(|constraint| constraint.version);
                    base.provided.entry(one.name).or_default().push(Provided { owner: name, version });
                }
            }
            base.installed.insert(name, Installed { version, known });
        }
        Ok(base)
    }

    /// A package of the image.
    pub fn get(&self, name: &str) -> Option<&Installed<'a>> {
        self.installed.get(name)
    }

    /// The same, with its name.
    pub fn entry(&self, name: &str) -> Option<(&'a str, &Installed<'a>)> {
        self.installed.get_key_value(name).map(|(name, installed)| (*name, installed))
    }

    /// Those that provide this name.
    pub fn providers(&self, name: &str) -> &[Provided<'a>] {
        self.provided.get(name).map_or(&[], Vec::as_slice)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &Installed<'a>)> {
        self.installed.iter().map(|(name, installed)| (*name, installed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_the_packages_of_its_architecture() {
        let text = "adduser\t3.152\nlibc6:amd64\t2.41-12\nlibc6:i386\t2.41-12\nremoved\t\n\n";
        let manifest = Manifest::read(text, "amd64").unwrap();
        assert_eq!(manifest.0.keys().collect::<Vec<_>>(), ["adduser", "libc6"]);
        for (text, why) in [
            ("", "it lists no packages"),
            ("<html>\n", "line 1: expected `NAME<TAB>VERSION`, got `<html>`"),
            ("adduser\t1\naa\tx y\n", "line 2: expected `NAME<TAB>VERSION`, got `aa\\tx y`"),
        ] {
            assert_eq!(Manifest::read(text, "amd64").unwrap_err().to_string(), why);
        }
    }
}
