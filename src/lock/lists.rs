//! The packages that the archives of a system have, and those that its image has.

use super::make::Request;
use super::refused::Refused;
use super::wishes::Wish;
use crate::date::Moment;
use crate::diagnostic::Report;
use crate::digest::Sha256;
use crate::failure::Failure;
use crate::fetch::{ArchiveError, ArchiveSource, SignedSuite, Times, Upstream};
use crate::package::base::Manifest;
use crate::package::index::Package;
use crate::package::lock::{LockMoment, LockedRelease};
use crate::package::openpgp::{Certificate, certificates};
use crate::release::{Archive, ListPlace, Releases, System};

/// The longest list of an image's packages, in bytes.
const MAX_MANIFEST: u64 = 8 << 20;

/// The archives of a system, with what they signed.
pub(super) struct Suites<'a> {
    pub(super) sources: Vec<(&'a Archive, ArchiveSource<'a>)>,
    /// Of each archive, its suites in the pins' order.
    pub(super) signed: Vec<Vec<(&'a str, SignedSuite)>>,
}

/// The packages of a system's archives.
pub(super) struct Lists {
    pub(super) packages: Vec<Package>,
    /// Archive, suite and component of each list.
    pub(super) from: Vec<String>,
}

/// The system of a wish.
pub(super) fn system<'a>(releases: &'a Releases, wish: &Wish) -> &'a System {
    releases.systems.get(&wish.system).expect("the plan has only systems of the pins file")
}

impl<'a> Suites<'a> {
    /// Reads what the archives of a system signed.
    pub(super) fn read(request: &Request<'a>, wish: &'a Wish, arch: &'a str) -> Result<Self, Refused> {
        let mut suites = Self { sources: Vec::new(), signed: Vec::new() };
        for name in &system(request.releases, wish).archives {
            let archive = request.releases.archives.get(name).expect("the archives of a system were checked");
            let source = source(request, wish, (name, archive), arch)?;
            let mut signed = Vec::new();
            for suite in &archive.suites {
                (request.tell)(&format!("reading {suite} of {name}"));
                let seen = seen(request, wish, name, suite);
                signed.push((suite.as_str(), source.suite(suite, seen, request.fetching)?));
            }
            suites.sources.push((archive, source));
            suites.signed.push(signed);
        }
        Ok(suites)
    }

    /// What of it is recorded.
    pub(super) fn releases(&self) -> Vec<LockedRelease> {
        let each = self.sources.iter().zip(&self.signed);
        let of = |((_, source), signed): (&(_, ArchiveSource<'_>), &Vec<(&str, SignedSuite)>)| {
            let archive = source.name.to_owned();
            let one = move |(suite, signed): &(&str, SignedSuite)| LockedRelease {
                archive: archive.clone(),
                suite: (*suite).to_owned(),
                date: LockMoment(signed.suite.date),
                sha256: signed.sha256,
                signed_by: signed.signer,
            };
            signed.iter().map(one).collect::<Vec<_>>()
        };
        each.flat_map(of).collect()
    }

    /// Reads the packages that they list.
    pub(super) fn lists(&mut self, request: &Request<'a>, wish: &Wish) -> Result<Lists, Refused> {
        let mut lists = Lists { packages: Vec::new(), from: Vec::new() };
        for ((archive, source), signed) in self.sources.iter().zip(&mut self.signed) {
            for (name, suite) in signed {
                for component in &archive.components {
                    let number = u16::try_from(lists.from.len()).unwrap_or(u16::MAX);
                    let packages = match source.packages((name, suite), component, number, request.fetching) {
                        Err(ArchiveError::Changed { .. }) => {
                            // The archive may have been updated since its InRelease was read.
                            let seen = seen(request, wish, source.name, name);
                            *suite = source.suite(name, seen, request.fetching)?;
                            source.packages((name, suite), component, number, request.fetching)?
                        }
                        packages => packages?,
                    };
                    lists
                        .packages
                        .extend(packages.into_iter().filter(|package| archive.offers(&package.name)));
                    lists.from.push(format!("{}/{name}/{component}", source.name));
                }
            }
        }
        Ok(lists)
    }
}

fn source<'a>(
    request: &Request<'a>,
    wish: &Wish,
    (name, archive): (&'a str, &'a Archive),
    arch: &'a str,
) -> Result<ArchiveSource<'a>, Refused> {
    let Times { at, is_named } = request.times;
    let urls = archive.addresses(at, wish.arch).expect("the addresses of archives were checked");
    let at = if is_named || archive.has_snapshots() { at } else { request.now };
    Ok(ArchiveSource {
        name,
        urls,
        keys: keys(request, name, archive)?,
        components: &archive.components,
        arch,
        times: Times { at, is_named },
    })
}

/// The keys that an archive is signed by: of each file, the key that the pins name, with its subkeys.
fn keys(request: &Request<'_>, name: &str, archive: &Archive) -> Result<Vec<Certificate>, Refused> {
    let mut keys = Vec::new();
    for key in &archive.keys {
        let bytes = (request.read)(&key.file).map_err(|failure| Refused::Input(failure.into()))?;
        let invalid = |message: String, help: &str| Refused::Integrity { message, help: help.to_owned() };
        let found = certificates(&bytes).map_err(|error| {
            invalid(
                format!("`{}`, a key of the archive `{name}`: {error}", key.file),
                "export it with `gpg --export --armor`",
            )
        })?;
        let mut matching = found.iter().filter(|one| one.fingerprint == key.fingerprint);
        let certificate = matching.next().cloned().ok_or_else(|| {
            let has: Vec<_> = found.iter().map(|one| one.fingerprint.to_string()).collect();
            let has = if has.is_empty() { "none of version 4".to_owned() } else { has.join(", ") };
            invalid(
                format!(
                    "`{}` does not have the key {} of the archive `{name}`, it has {has}",
                    key.file, key.fingerprint
                ),
                "the fingerprint in the pins file says which key is meant",
            )
        })?;
        keys.push(certificate);
    }
    Ok(keys)
}

/// The date of a suite that the present lock has seen.
fn seen(request: &Request<'_>, wish: &Wish, archive: &str, suite: &str) -> Option<Moment> {
    let system = request.known?.systems.get(&wish.key())?;
    let release = system.releases.iter().find(|one| one.archive == archive && one.suite == suite)?;
    Some(release.date.0)
}

/// The packages of a system's image, and the digest of their list.
pub(super) fn manifest(request: &Request<'_>, wish: &Wish) -> Result<(Manifest, Sha256), Refused> {
    let system = system(request.releases, wish);
    let place = system.list(wish.arch).expect("the lists of packages were checked");
    let pin = system.artifacts.get(&wish.arch);
    let (name, bytes) = match place {
        ListPlace::File(file) => {
            let bytes = (request.read)(&file).map_err(|failure| Refused::Input(failure.into()))?;
            (file, bytes)
        }
        ListPlace::Url(url) => {
            if pin.is_none() {
                let message =
                    format!("the list of packages of `{}` has no pin for {}", wish.system, wish.arch);
                return Err(Refused::Input(Box::new(Failure::Invalid(Report::from(
                    crate::diagnostic::Diagnostic::error(message).help("add it to `artifacts` of the system"),
                )))));
            }
            let bytes = Upstream::new(request.fetching).bytes(&url, MAX_MANIFEST);
            (url, bytes.map_err(|error| ArchiveError::from(Box::new(error)))?)
        }
    };
    let sha256 = Sha256::of(&bytes);
    if let Some(pin) = pin.filter(|pin| pin.sha256 != sha256) {
        return Err(Refused::Integrity {
            message: format!("`{name}` has sha256 {sha256}, expected {}", pin.sha256),
            help: "compare the pin with what the image's maker publishes before you change it".to_owned(),
        });
    }
    let manifest = Manifest::read(&String::from_utf8_lossy(&bytes), &wish.arch.to_string());
    let manifest = manifest.map_err(|error| Refused::Integrity {
        message: format!("`{name}` is not a list of packages: {error}"),
        help: "expected what `dpkg-query -W` prints".to_owned(),
    })?;
    Ok((manifest, sha256))
}
