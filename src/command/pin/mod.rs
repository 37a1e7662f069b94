//! `imgbuild pin`: moves a release to another version in the pins file, with digests from upstream's checksum file.
#![expect(
    clippy::disallowed_methods,
    reason = "edge: rewrites the pins file, and notes the day of a first use"
)]

mod change;
mod check;
mod sources;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::select;
use crate::cli::{Options, PinArgs};
use crate::diagnostic::{Decoded, Report, nearest};
use crate::failure::Failure;
use crate::fetch::Upstream;
use crate::files::sync_folder;
use crate::input;
use crate::release::{Release, Releases, moved};
use crate::terminal::Console;
use change::Change;
use sources::Sources;

/// Where the pins file is that `--releases` does not name.
const USUAL: &str = "profiles/releases.yaml";

/// Moves a release, or with `--check` looks for holes in the pins.
pub fn run(args: &PinArgs, options: &Options, console: &Console) -> Result<(), Failure> {
    let (Some(name), Some(version)) = (&args.release, &args.version) else {
        return check::run(options, console);
    };
    let path = file(options)?;
    let pins = read(&path)?;
    let releases = pins.value.as_ref().ok_or_else(|| Failure::Invalid(Report::new()))?;
    let old = releases.releases.get(name).ok_or_else(|| unknown(name, releases, &path))?;
    let mut new = target(old, version, args)?;
    let fetching = select::fetching(options)?;
    let sources = Sources { args, name, pins: &pins, upstream: Upstream::new(&fetching) };
    new.artifacts = sources.pins(old, &new)?;
    let text = moved(&pins, name, &new).map_err(Report::from)?;
    let changes = text != pins.document.source.text();
    let writes = changes && !args.dry_run;
    if writes {
        replace(&path, &text).with_context(|| format!("rewriting {}", path.display()))?;
    }
    let change = Change::new(&pins, name, (old, &new), writes).map_err(Report::from)?;
    if console.json {
        return Ok(Console::data_json(&change)?);
    }
    Console::lines(&change.text(changes))?;
    if writes && options.releases.is_none() {
        console.talk(&format!("a build takes these pins with `--releases {}`", path.display()));
    }
    Ok(())
}

/// The pins file that is rewritten.
fn file(options: &Options) -> Result<PathBuf, Failure> {
    if options.bundle.is_some() {
        return Err(Failure::Usage {
            message: "the pins of a bundle cannot be changed".to_owned(),
            help: "name a pins file with `--releases FILE`, and write another bundle with it".to_owned(),
        });
    }
    let path = options.releases.clone().unwrap_or_else(|| USUAL.into());
    if options.releases.is_some() || path.is_file() {
        return Ok(path);
    }
    Err(Failure::Usage {
        message: "the built-in pins cannot be changed".to_owned(),
        help: format!("name a pins file with `--releases FILE`, or go to the folder that has `{USUAL}`"),
    })
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
        message: format!("there is no release `{}` in {}", name.escape_debug(), path.display()),
        help: format!("{}the releases are `{}`", meant.unwrap_or_default(), known.join("`, `")),
    }
}

/// The release as it will be, but for its pins.
fn target(old: &Release, version: &str, args: &PinArgs) -> Result<Release, Failure> {
    let usage = |message: String, help: &str| Failure::Usage { message, help: help.to_owned() };
    if !is_word(version) || version.starts_with(['v', 'V']) {
        let message = format!("`{}` is no version", version.escape_debug());
        return Err(usage(message, "write it as upstream does, without the `v` before it: `3.6.9`"));
    }
    match (&old.build, &args.build) {
        (None, Some(_)) => {
            return Err(usage("this release has no build number".to_owned(), "leave `--build` out"));
        }
        (Some(_), None) if old.version != version => {
            let help = "give upstream's build number of that version with `--build NUMBER`";
            return Err(usage("the addresses of this release have a build number".to_owned(), help));
        }
        (Some(_), Some(build)) if !is_word(build) => {
            let message = format!("`{}` is no build number", build.escape_debug());
            return Err(usage(message, "write it as it stands in upstream's addresses: `16903967602`"));
        }
        _ => {}
    }
    let build = args.build.clone().or_else(|| old.build.clone());
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
