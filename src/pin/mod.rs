//! Moves a release to another version in the pins file, with digests from upstream's checksum file.
#![expect(
    clippy::disallowed_methods,
    reason = "edge: rewrites the pins file, and notes the day of a first use"
)]

mod change;
mod check;
mod sources;

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::diagnostic::{Decoded, Report, nearest};
use crate::digest::Sha256;
use crate::failure::Failure;
use crate::fetch::{FetchOptions, Upstream};
use crate::files::sync_folder;
use crate::input;
use crate::release::{Arch, Release, Releases, moved};
use change::Move;
pub(crate) use change::PinChange;
pub(crate) use check::{Checked, check};
use sources::DigestSources;

/// What a release is moved to.
pub(crate) struct PinRequest {
    /// The release, by its name in the pins file.
    pub release: String,
    /// Its new version.
    pub version: String,
    /// Upstream's build number of that version.
    pub build: Option<String>,
    /// Digests that the user has confirmed.
    pub sha256: Vec<(Arch, Sha256)>,
    /// Whether what the server gives is trusted where upstream has no checksum file.
    pub trust_first_use: bool,
    /// Whether nothing is changed.
    pub dry_run: bool,
}

/// Moves a release in the pins file at `path`.
pub(crate) fn pin(wanted: &PinRequest, path: &Path, fetch: &FetchOptions) -> Result<PinChange, Failure> {
    let name = &wanted.release;
    let pins = read(path)?;
    let releases = pins.value.as_ref().ok_or_else(|| Failure::Invalid(Report::new()))?;
    let old = releases.releases.get(name).ok_or_else(|| unknown(name, releases, path))?;
    let mut new = target(old, wanted)?;
    let sources = DigestSources { wanted, pins: &pins, upstream: Upstream::new(fetch) };
    new.artifacts = sources.pins(old, &new)?;
    let text = moved(&pins, name, &new).map_err(Report::from)?;
    let differs = text != pins.document.source.text();
    let written = differs && !wanted.dry_run;
    if written {
        replace(path, &text).with_context(|| format!("rewriting {}", path.display()))?;
    }
    let moved = Move { name, old, new: &new, differs, written };
    Ok(PinChange::new(&pins, &moved).map_err(Report::from)?)
}

fn read(path: &Path) -> Result<Decoded<Releases>, Failure> {
    let mut report = Report::new();
    match input::releases(Some(path), &mut report) {
        Some(decoded) if !report.has_errors() => Ok(decoded),
        _ => Err(Failure::Invalid(report)),
    }
}

fn unknown(name: &str, releases: &Releases, path: &Path) -> Failure {
    let known: Vec<_> = releases.releases.keys().map(String::as_str).collect();
    let meant = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
    Failure::Usage {
        message: format!("unknown release `{}` in {}", name.escape_debug(), path.display()),
        help: format!("{}the releases are `{}`", meant.unwrap_or_default(), known.join("`, `")),
    }
}

/// The release as it will be, but for its pins.
fn target(old: &Release, wanted: &PinRequest) -> Result<Release, Failure> {
    let version = wanted.version.as_str();
    let usage = |message: String, help: &str| Failure::Usage { message, help: help.to_owned() };
    if !is_word(version) || version.starts_with(['v', 'V']) {
        let message = format!("`{}` is not a valid version", version.escape_debug());
        return Err(usage(message, "write it as upstream does, without the `v` before it: `3.6.9`"));
    }
    match (&old.build, &wanted.build) {
        (None, Some(_)) => {
            return Err(usage("this release has no build number".to_owned(), "leave `--build` out"));
        }
        (Some(_), None) if old.version != version => {
            let help = "give upstream's build number of that version with `--build NUMBER`";
            return Err(usage("the addresses of this release have a build number".to_owned(), help));
        }
        (Some(_), Some(build)) if !is_word(build) => {
            let message = format!("`{}` is not a valid build number", build.escape_debug());
            return Err(usage(message, "write it as in upstream's URLs: `16903967602`"));
        }
        _ => {}
    }
    let build = wanted.build.clone().or_else(|| old.build.clone());
    Ok(Release { version: version.to_owned(), build, ..old.clone() })
}

/// Whether it can be a part of a file's name, and of an address, as it is.
fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ".+-_~".contains(c))
}

/// Gives the file another text: all of it, or none. A link stays a link, and the permissions stay.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let path = fs_err::canonicalize(path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(fs_err::metadata(&path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(sync_folder(folder)?)
}
