//! `imgbuild pin`: moves a release to another version in the pins file, with digests from upstream's checksum file.
#![expect(
    clippy::disallowed_methods,
    reason = "edge: rewrites the pins file, and notes the day of a first use"
)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;

use super::console::Console;
use super::failure::Failure;
use super::pinned::Pinned;
use super::{inputs, select};
use crate::cli::{Options, PinArgs};
use crate::date::Date;
use crate::diagnostic::{Decoded, Report, nearest};
use crate::release::{Arch, Pin, Release, Releases, digest_for, moved};
use crate::store::{Upstream, Way};

/// Where the pins file is that `--releases` does not name.
const USUAL: &str = "profiles/releases.yaml";

/// Moves a release, or with `--check` looks for holes in the pins.
pub fn run(args: &PinArgs, options: &Options, console: &Console) -> Result<(), Failure> {
    let (Some(name), Some(version)) = (&args.release, &args.version) else {
        return super::pin_check::run(options, console);
    };
    let path = file(options)?;
    let decoded = read(&path)?;
    let releases = decoded.value.as_ref().ok_or_else(|| Failure::Invalid(Report::new()))?;
    let old = releases.releases.get(name).ok_or_else(|| unknown(name, releases, &path))?;
    let mut new = target(old, version, args)?;
    let fetching = select::fetching(options)?;
    let source = Sources { args, name, upstream: Upstream::new(&fetching) };
    new.artifacts = source.pins(old, &new)?;
    let text = moved(&decoded.document, releases, name, &new)
        .with_context(|| format!("rewriting {}", path.display()))?;
    let changes = text != decoded.document.source.text();
    let writes = changes && !args.dry_run;
    if writes {
        replace(&path, &text).with_context(|| format!("rewriting {}", path.display()))?;
    }
    let pinned = Pinned::new(name, (old, &new), &path.display().to_string(), writes)?;
    if console.json {
        return Ok(Console::data_json(&pinned)?);
    }
    Console::data(pinned.text(changes))?;
    if writes && options.releases.is_none() {
        console.talk(&format!("a build takes these pins with `--releases {}`", path.display()));
    }
    Ok(())
}

/// The pins file that is rewritten.
fn file(options: &Options) -> Result<PathBuf, Failure> {
    let path = options.releases.clone().unwrap_or_else(|| USUAL.into());
    if options.releases.is_some() || path.is_file() {
        return Ok(path);
    }
    Err(Failure::Usage {
        message: "the built-in pins cannot be changed".to_owned(),
        help: format!("name a pins file with --releases, or go to the folder that has `{USUAL}`"),
    })
}

fn read(path: &Path) -> Result<Decoded<Releases>, Failure> {
    let mut report = Report::new();
    match inputs::releases(Some(path), &mut report) {
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
    let is_word = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || ".+-_~".contains(c))
    };
    if !is_word(version) {
        let message = format!("`{}` is no version", version.escape_debug());
        return Err(usage(message, "a version begins with a digit, without upstream's `v`: `3.6.9`"));
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
            return Err(usage(message, "it begins with a digit: `16903967602`"));
        }
        _ => {}
    }
    let build = args.build.clone().or_else(|| old.build.clone());
    Ok(Release { version: version.to_owned(), build, ..old.clone() })
}

/// Where digests are known from, in the order of trust: the user, upstream's checksum file, the artifact itself.
struct Sources<'a> {
    args: &'a PinArgs,
    name: &'a str,
    upstream: Upstream<'a>,
}

impl Sources<'_> {
    /// A pin for every architecture that the release has.
    fn pins(&self, old: &Release, new: &Release) -> Result<BTreeMap<Arch, Pin>, Failure> {
        let by_hand: BTreeMap<_, _> = self.args.sha256.iter().copied().collect();
        if let Some(arch) = by_hand.keys().find(|arch| !new.artifacts.contains_key(arch)) {
            return Err(Failure::Usage {
                message: format!("`{}` has no pin for {arch}", self.name),
                help: format!("add `{arch}` to its `artifacts` in the pins file first"),
            });
        }
        let is_same_file = (&old.version, &old.build) == (&new.version, &new.build);
        let mut texts = BTreeMap::new();
        let mut pins = BTreeMap::new();
        for (arch, before) in &old.artifacts {
            let mut pin = match by_hand.get(arch) {
                Some(sha256) => Pin { sha256: *sha256, size: None, source: "confirmed by hand".to_owned() },
                None => self.found(new, *arch, &mut texts)?,
            };
            if is_same_file && pin.sha256 != before.sha256 && !by_hand.contains_key(arch) {
                return Err(contradiction(self.name, *arch, (before, &pin)));
            }
            if pin.sha256 == before.sha256 {
                pin.size = pin.size.or(before.size);
            }
            pins.insert(*arch, pin);
        }
        Ok(pins)
    }

    /// A pin from upstream's checksum file or, if there is none and that is wanted, from the artifact.
    fn found(
        &self,
        release: &Release,
        arch: Arch,
        texts: &mut BTreeMap<String, (String, Way)>,
    ) -> Result<Pin, Failure> {
        let url = self.expand(release, &release.url, arch)?;
        let Some(checksums) = &release.checksums else { return self.first_use(&url, None) };
        let checksums = self.expand(release, checksums, arch)?;
        if !texts.contains_key(&checksums) {
            match self.upstream.text(&checksums) {
                Ok(read) => texts.insert(checksums.clone(), read),
                Err(error) if error.is_absence() && self.args.trust_first_use => {
                    return self.first_use(&url, Some(error.into()));
                }
                Err(error) => return Err(error.into()),
            };
        }
        let (text, way) = &texts[&checksums];
        let sha256 = digest_for(last_part(&url), last_part(&checksums), text)
            .with_context(|| format!("reading {checksums}"))?;
        Ok(Pin { sha256, size: None, source: checksums_source(*way).to_owned() })
    }

    fn first_use(&self, url: &str, why: Option<Failure>) -> Result<Pin, Failure> {
        if !self.args.trust_first_use {
            return Err(why.unwrap_or_else(|| Failure::Usage {
                message: format!("`{}` names no checksum file of upstream's", self.name),
                help:
                    "give digests with `--sha256 ARCH=HEX`, or take those of what the server gives now with \
                       `--trust-first-use`"
                        .to_owned(),
            }));
        }
        let (sha256, size, way) = self.upstream.digest(url)?;
        let day = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let source = format!("trusted at first use on {}{}", Date::of(day), first_use_way(way));
        Ok(Pin { sha256, size: Some(size), source })
    }

    fn expand(&self, release: &Release, template: &str, arch: Arch) -> Result<String, Failure> {
        let text = release.expand(template, arch);
        Ok(text.with_context(|| format!("the release `{}` has a template that does not render", self.name))?)
    }
}

/// The same version of a release cannot have two digests: one of them is of something else.
fn contradiction(name: &str, arch: Arch, (before, now): (&Pin, &Pin)) -> Failure {
    Failure::Mismatch {
        message: format!(
            "`{name}` {arch} has another digest than its pin says, for the same version\n  pinned: {} ({})\n  found: {} ({})",
            before.sha256, before.source, now.sha256, now.source
        ),
        help: "find out which is right before you use either; `--sha256 ARCH=HEX` then settles it".to_owned(),
    }
}

fn checksums_source(way: Way) -> &'static str {
    match way {
        Way::Tls => "upstream's checksum file over TLS",
        Way::Http => "upstream's checksum file over plain http",
        Way::MirrorTls => "a mirror's copy of upstream's checksum file over TLS",
        Way::MirrorHttp => "a mirror's copy of upstream's checksum file over plain http",
        Way::MirrorFolder => "a copy of upstream's checksum file in a mirror's folder",
    }
}

fn first_use_way(way: Way) -> &'static str {
    match way {
        Way::Tls => "",
        Way::Http => " over plain http",
        Way::MirrorTls => " from a mirror over TLS",
        Way::MirrorHttp => " from a mirror over plain http",
        Way::MirrorFolder => " from a mirror's folder",
    }
}

/// The file name at the end of a URL.
fn last_part(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').next().unwrap_or(path)
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
    Ok(())
}
