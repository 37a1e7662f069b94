//! The pins file: the only thing that decides what is fetched.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, context};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arch, Archive, KnownProblem, Problem, System};
use crate::diagnostic::{Decoded, Diagnostic, Document, Report, Source, Step};
use crate::digest::Sha256;

/// `profiles/releases.yaml`: the releases that can be installed, each pinned by digest.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `releases`")]
pub struct Releases {
    /// The releases, by the name that a component's `release` says.
    pub releases: BTreeMap<String, Release>,
    /// The package archives, by the name that a system says.
    #[serde(default)]
    pub archives: BTreeMap<String, Archive>,
    /// What nodes can boot, by the name that a profile's `system.base` says.
    #[serde(default)]
    pub systems: BTreeMap<String, System>,
}

/// One upstream version, with a digest for each architecture.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a release")]
pub struct Release {
    /// Upstream's version, without a leading `v`.
    pub version: String,
    /// Upstream's build number, where its URLs have one.
    #[serde(default)]
    pub build: Option<String>,
    /// Where an artifact is; a template over `version`, `build` and `arch`.
    pub url: String,
    /// Where upstream publishes checksums; a template like `url`. Read to move a pin, never by a build.
    #[serde(default)]
    pub checksums: Option<String>,
    /// The folder that holds everything inside the archive; a template like `url`.
    #[serde(default)]
    pub folder: Option<String>,
    /// The licence, as an SPDX expression.
    #[serde(default)]
    pub license: Option<String>,
    /// What is known to be wrong with some versions. A build with one of them says so.
    #[serde(default)]
    pub problems: Vec<Problem>,
    /// The artifact of each architecture.
    pub artifacts: BTreeMap<Arch, Pin>,
}

/// What the bytes of an artifact must be.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `sha256`")]
pub struct Pin {
    /// The digest of the file.
    pub sha256: Sha256,
    /// Its size in bytes, where it is known.
    #[serde(default)]
    pub size: Option<u64>,
    /// Where the digest is known from.
    pub source: String,
}

/// One file of a release, with every name in it resolved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Artifact {
    /// The release's name.
    pub release: String,
    /// The release's version.
    pub version: String,
    /// The architecture that it is for.
    pub arch: Arch,
    /// Where it is fetched from, unless a mirror is given.
    pub url: String,
    /// What its bytes hash to.
    pub sha256: Sha256,
    /// Its size in bytes, where it is known.
    pub size: Option<u64>,
    /// The folder inside the archive that holds everything; empty if there is none.
    pub folder: String,
    /// Where the digest is known from.
    pub source: String,
    /// The licence, as an SPDX expression, where the pins file has it.
    pub license: Option<String>,
    /// What is known to be wrong with this version.
    pub problems: Vec<KnownProblem>,
}

impl Artifact {
    /// A template over `version` and `arch`, filled in.
    pub fn expand(&self, template: &str) -> Result<String, minijinja::Error> {
        expand(template, context! { version => self.version.as_str(), arch => self.arch.to_string() })
    }

    /// How people call it: `etcd 3.6.4 amd64`.
    pub fn title(&self) -> String {
        format!("{} {} {}", self.release, self.version, self.arch)
    }
}

/// A template in a release, and the key that it is written at.
struct Template<'a> {
    key: &'static str,
    text: &'a str,
}

impl Decoded<Releases> {
    /// The artifact of `name` for `arch`. What is missing or malformed goes into `report`, unless it may be among what
    /// could not be read and was reported as such.
    pub fn artifact(&self, name: &str, arch: Arch, report: &mut Report) -> Option<Artifact> {
        let release = self.value.as_ref()?.releases.get(name)?;
        let Some(pin) = release.artifacts.get(&arch) else {
            if !self.lossy {
                report.push(self.unpinned(name, release, arch));
            }
            return None;
        };
        if let Some(plain) = release.version.strip_prefix(['v', 'V']) {
            let message = format!("`{}` is not a valid version", release.version.escape_debug());
            let label = format!("did you mean `{}`?", plain.escape_debug());
            let help = "remove upstream's `v` here, and write it in `url`";
            report.push(self.document.error(&path(name, "version"), message, label).help(help));
        }
        let url = self.url(name, release, arch).map_err(|why| report.push(why)).ok()?;
        let folder = release.folder.as_deref().unwrap_or_default();
        let folder = self.expand(name, release, &Template { key: "folder", text: folder }, arch);
        let folder = folder.map_err(|why| report.push(why)).ok()?;
        Some(Artifact {
            release: name.to_owned(),
            version: release.version.clone(),
            arch,
            url,
            sha256: pin.sha256,
            size: pin.size,
            folder,
            source: pin.source.clone(),
            license: release.license.clone(),
            problems: release.problems.iter().filter_map(|one| one.in_version(&release.version)).collect(),
        })
    }

    /// Where the file of `release` for `arch` is. `release` is the one called `name`, in this version or another.
    pub fn url(&self, name: &str, release: &Release, arch: Arch) -> Result<String, Diagnostic> {
        self.address(name, release, &Template { key: "url", text: &release.url }, arch)
    }

    /// Where upstream publishes the checksum of that file, if it does.
    pub fn checksums(&self, name: &str, release: &Release, arch: Arch) -> Option<Result<String, Diagnostic>> {
        let text = release.checksums.as_ref()?;
        Some(self.address(name, release, &Template { key: "checksums", text }, arch))
    }

    fn address(
        &self,
        name: &str,
        release: &Release,
        template: &Template<'_>,
        arch: Arch,
    ) -> Result<String, Diagnostic> {
        if has_credentials(template.text) {
            return Err(self.indiscreet(name, &path(name, template.key)));
        }
        let address = self.expand(name, release, template, arch)?;
        if has_credentials(&address) {
            return Err(self.indiscreet(name, &path(name, template.key)));
        }
        if !(address.starts_with("https://") || address.starts_with("http://")) {
            let message = format!("`{}` is not a valid http or https URL", address.escape_debug());
            return Err(self.document.error(&path(name, template.key), message, "expected `https://...`"));
        }
        Ok(address)
    }

    fn expand(
        &self,
        name: &str,
        release: &Release,
        template: &Template<'_>,
        arch: Arch,
    ) -> Result<String, Diagnostic> {
        let expanded = release.expand(template.text, arch);
        expanded.map_err(|error| located(&error, &self.document, &path(name, template.key)))
    }

    /// Reports a release that something is installed of, and whose file's name is that of an archive which is not read.
    pub fn readable(&self, artifact: &Artifact, report: &mut Report) {
        let file = artifact.url.split(['?', '#']).next().expect("a split has a first part");
        if let Some(end) = UNREAD.iter().find(|end| file.to_ascii_lowercase().ends_with(*end)) {
            let message = format!("`{}` is a `{end}` file, which is not supported", artifact.release);
            let help =
                "name another of upstream's files: a tar archive, a zip archive, or the program itself";
            report.push(self.document.error(&path(&artifact.release, "url"), message, "").help(help));
        }
    }

    /// Shows the place with stars in place of the password.
    pub(super) fn indiscreet(&self, name: &str, path: &[Step]) -> Diagnostic {
        let source = &self.document.source;
        let span = self.document.span(path);
        let text = source.text();
        let address = &text[span.clone()];
        let end = address.rfind('@').unwrap_or(address.len());
        let start = address[..end].find("://").map_or(0, |at| at + 3);
        // As many characters as the value it replaces, so that the column is right.
        let stars = "*".repeat(address[start..end].chars().count());
        let masked = [&text[..span.start + start], &stars, &text[span.start + end..]].concat();
        let masked = Source::new(source.name(), masked);
        let shown = span.start..span.end - (end - start) + stars.len();
        Diagnostic::error(format!("the address of `{name}` has a user or a password in it")).at(&masked, shown, "").help(
            "pins are copied into manifests and other files that need not be secret: give it to a mirror's address, \
             `--mirror https://USER:PASSWORD@HOST`",
        )
    }

    fn unpinned(&self, name: &str, release: &Release, arch: Arch) -> Diagnostic {
        let known: Vec<_> = release.artifacts.keys().map(ToString::to_string).collect();
        let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
        let message = format!("the release `{name}` has no pin for {arch}");
        self.document
            .error(&path(name, "artifacts"), message, format!("pins for {known}"))
            .help(format!("add `{arch}: {{sha256: ..., source: ...}}` with a digest that you trust"))
    }
}

impl Release {
    /// One of its templates, filled in.
    fn expand(&self, template: &str, arch: Arch) -> Result<String, minijinja::Error> {
        let arch = arch.to_string();
        match &self.build {
            Some(build) => expand(template, context! { version => self.version.as_str(), arch, build }),
            None => expand(template, context! { version => self.version.as_str(), arch }),
        }
    }
}

pub(super) fn expand(template: &str, names: minijinja::Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.render_str(template, names)
}

/// Ends of the names of archives and packages that are not read.
const UNREAD: [&str; 10] = [".7z", ".apk", ".deb", ".dmg", ".lz", ".lzma", ".msi", ".pkg", ".rar", ".rpm"];

/// The path of a key of a release.
fn path(name: &str, key: &str) -> [Step; 3] {
    [Step::from("releases"), Step::from(name), Step::from(key)]
}

/// Whether an address contains a user or a password.
pub(super) fn has_credentials(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '\\', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

pub(super) fn located(error: &minijinja::Error, document: &Document, path: &[Step]) -> Diagnostic {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    document
        .error(path, format!("failed to render this template: {detail}"), "")
        .help("`version`, `arch` and, if the release has one, `build` can be used")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::decode;

    fn artifact(text: &str, name: &str, arch: Arch) -> (Option<Artifact>, String) {
        let mut report = Report::new();
        let document = Document::parse(&Source::new("releases.yaml", text), &mut report).unwrap();
        let decoded = decode::<Releases>(document, &mut report);
        let artifact = decoded.artifact(name, arch, &mut report);
        (artifact, report.render(false))
    }

    fn pins(url: &str) -> String {
        format!(
            "releases:\n  a:\n    version: 1.10\n    url: {url}\n    folder: a-{{{{ version }}}}\n    artifacts:\n      \
             amd64: {{sha256: {}, source: by hand}}\n",
            Sha256::of("x")
        )
    }

    #[test]
    fn names_in_a_url_are_resolved() {
        let (artifact, shown) = artifact(&pins("https://h/v{{ version }}/{{ arch }}.tgz"), "a", Arch::Amd64);
        assert_eq!(shown, "");
        let artifact = artifact.unwrap();
        assert_eq!(
            (artifact.url.as_str(), artifact.folder.as_str()),
            ("https://h/v1.10/amd64.tgz", "a-1.10")
        );
        assert_eq!(artifact.title(), "a 1.10 amd64");
    }

    #[test]
    fn a_password_is_not_quoted() {
        for url in ["https://ann:s3cret@h/a", "https://ann:s3cret@h/{{ nothing }}", "git://s3cret@h/a"] {
            let (artifact, shown) = artifact(&pins(url), "a", Arch::Amd64);
            assert!(artifact.is_none() && !shown.contains("s3cret"), "{shown}");
            assert!(
                shown.contains("releases.yaml:4:10") && shown.contains("has a user or a password"),
                "{shown}"
            );
        }
    }

    #[test]
    fn holes_are_reported_where_they_are() {
        for (text, arch, message, place) in [
            (
                pins("https://h/").replace("1.10", "v1.10"),
                Arch::Amd64,
                "did you mean `1.10`?",
                "releases.yaml:3:14",
            ),
            (
                pins("https://h/{{ build }}"),
                Arch::Amd64,
                "failed to render this template",
                "releases.yaml:4:10",
            ),
            (pins("ftp://h/"), Arch::Amd64, "is not a valid http or https URL", "releases.yaml:4:10"),
            (pins("https://h/"), Arch::Arm64, "has no pin for arm64", "releases.yaml:7:"),
        ] {
            let (artifact, shown) = artifact(&text, "a", arch);
            assert!(shown.contains(message) && shown.contains(place), "{shown}");
            assert!(artifact.is_none() || message.starts_with("did"), "{shown}");
        }
    }
}
