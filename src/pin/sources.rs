//! Where the digests of a release are known from, and what is said of that.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use super::PinRequest;
use crate::date::Date;
use crate::diagnostic::{Decoded, Report};
use crate::digest::Sha256;
use crate::failure::Failure;
use crate::fetch::{Provenance, Upstream};
use crate::release::{Arch, ChecksumError, Pin, Release, Releases, digest_for};

const UPSTREAM: &str = "upstream's checksum file over TLS";
const BY_HAND: &str = "confirmed by hand";

/// Who is asked, in the order of trust: the user, upstream's checksum file, the artifact itself.
pub(super) struct DigestSources<'a> {
    pub wanted: &'a PinRequest,
    pub pins: &'a Decoded<Releases>,
    pub upstream: Upstream<'a>,
}

/// Checksum files by their address, so that each is read once.
type Texts = BTreeMap<String, (String, Provenance)>;

impl DigestSources<'_> {
    /// A pin for every architecture that the release has.
    pub(super) fn pins(&self, old: &Release, new: &Release) -> Result<BTreeMap<Arch, Pin>, Failure> {
        let by_hand = self.by_hand(new)?;
        let is_same_file = (&old.version, &old.build) == (&new.version, &new.build);
        let mut texts = Texts::new();
        let mut pins = BTreeMap::new();
        for (&arch, before) in &old.artifacts {
            let mut pin = match by_hand.get(&arch) {
                Some(sha256) => Pin { sha256: *sha256, size: None, source: BY_HAND.to_owned() },
                None => self.found(new, arch, &mut texts)?,
            };
            if pin.sha256 == before.sha256 {
                pin.size = pin.size.or(before.size);
            }
            if is_same_file && pin.source != BY_HAND {
                if pin.sha256 != before.sha256 {
                    return Err(contradiction(&self.wanted.release, arch, before, &pin));
                }
                // A use that agrees with the pin is not the first, and a mirror that does adds nothing to it.
                if pin.source != UPSTREAM {
                    pin.source.clone_from(&before.source);
                }
            }
            pins.insert(arch, pin);
        }
        Ok(pins)
    }

    /// What the user confirmed.
    fn by_hand(&self, release: &Release) -> Result<BTreeMap<Arch, Sha256>, Failure> {
        let mut digests = BTreeMap::new();
        for &(arch, sha256) in &self.wanted.sha256 {
            if !release.artifacts.contains_key(&arch) {
                return Err(Failure::Usage {
                    message: format!("`{}` has no pin for {arch}", &self.wanted.release),
                    help: format!("add `{arch}` to its `artifacts` in the pins file first"),
                });
            }
            if digests.insert(arch, sha256).is_some_and(|earlier| earlier != sha256) {
                return Err(Failure::Usage {
                    message: format!("two digests for {arch}"),
                    help: "give `--sha256` once for each architecture".to_owned(),
                });
            }
        }
        Ok(digests)
    }

    /// A pin from upstream's checksum file or, if there is none and that is wanted, from the artifact.
    fn found(&self, release: &Release, arch: Arch, texts: &mut Texts) -> Result<Pin, Failure> {
        let url = self.pins.url(&self.wanted.release, release, arch).map_err(Report::from)?;
        let Some(checksums) = self.pins.checksums(&self.wanted.release, release, arch) else {
            return self.first_use(&url, None);
        };
        let checksums = checksums.map_err(Report::from)?;
        if !texts.contains_key(&checksums) {
            match self.upstream.text(&checksums) {
                Ok(read) => texts.insert(checksums.clone(), read),
                Err(error) if error.is_absence() && self.wanted.trust_first_use => {
                    return self.first_use(&url, Some(error.into()));
                }
                Err(error) => return Err(error.into()),
            };
        }
        let (text, way) = &texts[&checksums];
        let sha256 = digest_for(last_part(&url), last_part(&checksums), text)
            .map_err(|error| undecided(&checksums, &error))?;
        Ok(Pin { sha256, size: None, source: checksums_source(*way).to_owned() })
    }

    fn first_use(&self, url: &str, why: Option<Failure>) -> Result<Pin, Failure> {
        if !self.wanted.trust_first_use {
            return Err(why.unwrap_or_else(|| Failure::Usage {
                message: format!(
                    "the pins file has no `checksums` of `{}`, the URL of upstream's checksum file",
                    &self.wanted.release
                ),
                help: "give digests with `--sha256 ARCH=HEX`, or pin what the server sends now with \
                       `--trust-first-use`"
                    .to_owned(),
            }));
        }
        let (sha256, size, way) = self.upstream.digest(url)?;
        let day = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let source = format!("trusted at first use on {}{}", Date::from_epoch(day), first_use_way(way));
        Ok(Pin { sha256, size: Some(size), source })
    }
}

/// The same version of a release cannot have two digests: one of them is of something else.
fn contradiction(name: &str, arch: Arch, before: &Pin, now: &Pin) -> Failure {
    Failure::Integrity {
        message: format!(
            "digest mismatch: `{name}` {arch} has the pinned version, but another digest\n  pinned: {} ({})\n  found: {} ({})",
            before.sha256, before.source, now.sha256, now.source
        ),
        help: "find out which is right before you use either; `--sha256 ARCH=HEX` then settles it".to_owned(),
    }
}

/// A checksum file from which no digest follows.
fn undecided(url: &str, error: &ChecksumError) -> Failure {
    let help = match error {
        ChecksumError::NoDigest => "open this URL in a browser, and correct `checksums` in the pins file",
        ChecksumError::NotListed(_) => {
            "check that upstream has this version for this architecture, and that `url` is its file"
        }
        ChecksumError::TwoDigests(_) => "ask upstream which is right; `--sha256 ARCH=HEX` then settles it",
    };
    Failure::Integrity {
        message: format!("failed to read a digest from `{url}`: {error}"),
        help: help.to_owned(),
    }
}

fn checksums_source(way: Provenance) -> &'static str {
    match way {
        Provenance::Tls => UPSTREAM,
        Provenance::Http => "upstream's checksum file over plain http",
        Provenance::MirrorTls => "a mirror's copy of upstream's checksum file over TLS",
        Provenance::MirrorHttp => "a mirror's copy of upstream's checksum file over plain http",
        Provenance::MirrorFolder => "a copy of upstream's checksum file in a mirror's folder",
    }
}

fn first_use_way(way: Provenance) -> &'static str {
    match way {
        Provenance::Tls => "",
        Provenance::Http => " over plain http",
        Provenance::MirrorTls => " from a mirror over TLS",
        Provenance::MirrorHttp => " from a mirror over plain http",
        Provenance::MirrorFolder => " from a mirror's folder",
    }
}

/// The file name at the end of a URL.
fn last_part(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').next().unwrap_or(path)
}
