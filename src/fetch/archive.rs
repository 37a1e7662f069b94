//! Reads suites of package archives: signed by a key that is trusted, of the right time, and what they list byte by byte.

use super::archive_error::ArchiveError;
use super::{FetchOptions, Upstream};
use crate::date::Moment;
use crate::digest::Sha256;
use crate::package::index::{self, Package};
use crate::package::openpgp::{Certificate, Fingerprint, SIGNED_MAX, verified};
use crate::package::suite::{Form, Suite};

/// How far the clocks of others may be ahead, in seconds.
const AHEAD: u64 = 86_400;

/// An archive whose suites are read.
#[derive(Clone, Debug)]
pub struct ArchiveSource<'a> {
    /// Its name in the pins file.
    pub name: &'a str,
    /// Its addresses, tried in order.
    pub urls: Vec<String>,
    /// The keys that sign it.
    pub keys: Vec<Certificate>,
    /// The components of each suite.
    pub components: &'a [String],
    /// The architecture whose packages are read.
    pub arch: &'a str,
    /// The times that its suites may have.
    pub times: Times,
}

/// The times that a suite may have.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The moment for which it is read.
    pub at: Moment,
    /// Whether somebody named that moment, rather than the clock.
    pub is_named: bool,
}

/// A suite, verified, and where it was.
#[derive(Debug)]
pub struct SignedSuite {
    /// The address of its archive.
    pub url: String,
    /// What it says.
    pub suite: Suite,
    /// The digest of the signed file.
    pub sha256: Sha256,
    /// Which key signed it.
    pub signer: Fingerprint,
}

impl ArchiveSource<'_> {
    /// Reads what the archive signed of a suite, which must not be older than `not_before`.
    pub fn suite(
        &self,
        name: &str,
        not_before: Option<Moment>,
        options: &FetchOptions,
    ) -> Result<SignedSuite, ArchiveError> {
        let upstream = Upstream::new(options);
        let mut failed = None;
        for url in &self.urls {
            match upstream.bytes(&format!("{url}/dists/{name}/InRelease"), SIGNED_MAX as u64) {
                Ok(bytes) => return self.judged(name, url, &bytes, not_before),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(Box::new(failed.expect("an archive has an address")).into())
    }

    fn judged(
        &self,
        name: &str,
        url: &str,
        bytes: &[u8],
        not_before: Option<Moment>,
    ) -> Result<SignedSuite, ArchiveError> {
        let (archive, suite) = (self.name.to_owned(), name.to_owned());
        let keys: Vec<_> = self.keys.iter().collect();
        let message = match verified(bytes, &keys) {
            Ok(message) => message,
            Err(error) => {
                let trusted = self.keys.iter().map(|key| key.fingerprint).collect();
                return Err(ArchiveError::Message { archive, suite, error, trusted });
            }
        };
        let found = match Suite::read(&message.text) {
            Ok(found) => found,
            Err(error) => return Err(ArchiveError::Suite { archive, suite, error }),
        };
        if !found.is(name) {
            let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
            let got = format!("Suite: {}, Codename: {}", word(&found.suite), word(&found.codename));
            return Err(ArchiveError::Other { archive, suite, got });
        }
        if let Some((why, help)) = self.times.refuse(&found, not_before) {
            return Err(ArchiveError::Time { archive, suite, why, help });
        }
        Ok(SignedSuite {
            url: url.to_owned(),
            suite: found,
            sha256: Sha256::of(bytes),
            signer: message.signer,
        })
    }

    /// Reads the packages of a suite's component, as the list of this number.
    pub fn packages(
        &self,
        (name, signed): (&str, &SignedSuite),
        component: &str,
        list: u16,
        options: &FetchOptions,
    ) -> Result<Vec<Package>, ArchiveError> {
        let (archive, suite) = (self.name.to_owned(), name.to_owned());
        let forms = match signed.suite.forms(component, self.arch) {
            Ok(forms) => forms,
            Err(error) => return Err(ArchiveError::NoIndex { archive, suite, error }),
        };
        let mut failed = None;
        for form in &forms {
            for path in paths(form, signed.suite.by_hash) {
                let url = format!("{}/dists/{name}/{path}", signed.url);
                let bytes = match Upstream::new(options).bytes(&url, form.listed.size) {
                    Ok(bytes) => bytes,
                    Err(error) if error.is_absence() => {
                        failed = Some(error);
                        continue;
                    }
                    Err(error) if error.is_too_long() => {
                        return Err(changed(name, form, format!("more than {} bytes", form.listed.size)));
                    }
                    Err(error) => return Err(Box::new(error).into()),
                };
                let got = Sha256::of(&bytes);
                if bytes.len() as u64 != form.listed.size || got != form.listed.sha256 {
                    return Err(changed(name, form, format!("{} bytes with sha256 {got}", bytes.len())));
                }
                let read = index::read(&bytes, form, self.arch, list);
                return read.map_err(|error| ArchiveError::Index {
                    archive,
                    suite,
                    path: form.path.clone(),
                    error,
                });
            }
        }
        Err(Box::new(failed.expect("a component has an index in some form")).into())
    }
}

/// Where a form of an index may be, the address that never changes first. A mirror may lack that.
fn paths(form: &Form, by_hash: bool) -> Vec<String> {
    let folder = form.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let durable = by_hash.then(|| format!("{folder}/by-hash/SHA256/{}", form.listed.sha256));
    durable.into_iter().chain([form.path.clone()]).collect()
}

fn changed(suite: &str, form: &Form, got: String) -> ArchiveError {
    ArchiveError::Changed {
        suite: suite.to_owned(),
        path: form.path.clone(),
        got,
        expected: format!("{} bytes with sha256 {}", form.listed.size, form.listed.sha256),
    }
}

impl Times {
    /// Why a suite is of another time, and what to do about it.
    fn refuse(self, suite: &Suite, not_before: Option<Moment>) -> Option<(String, &'static str)> {
        let Self { at, is_named } = self;
        let latest = if is_named { at.0 } else { at.0.saturating_add(AHEAD) };
        if suite.date.0 > latest {
            let help = if is_named {
                "an archive whose address has no `{{ at }}` has only what is newest: leave `--at` out, or name a mirror of that time"
            } else {
                "see that the clock is right"
            };
            return Some((format!("is of {}, and {at} is asked for", suite.date), help));
        }
        if let Some(end) = suite.valid_until.filter(|end| *end < at) {
            let help = "an old mirror may be meant: `--at TIME` says for which moment";
            return Some((format!("expired on {end}: the mirror is old, or the clock is wrong"), help));
        }
        let seen = not_before.filter(|seen| suite.date < *seen && !is_named)?;
        let help = "another mirror may be up to date; `--at TIME` takes an old state that is meant";
        Some((format!("is of {}, the lock has seen {seen}: it went back in time", suite.date), help))
    }
}
