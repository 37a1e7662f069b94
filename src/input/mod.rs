//! Reads what the user wrote: profile, pins and components, from files or from what is compiled in.
#![expect(clippy::disallowed_methods, reason = "edge: reads the user's files")]

pub mod builtin;
pub mod bundle;
pub mod instance_ids;
pub mod recorded;
pub mod secrets;
pub mod secrets_file;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::build::delivery;
use crate::cli::Options;
use crate::component::{Component, Components, FolderFile, SPEC_FILE};
use crate::diagnostic::{Decoded, Diagnostic, Document, Report, Source, decode, nearest};
use crate::failure::Failure;
use crate::plan::{self, Format, Plan, resolve};
use crate::profile::{Profile, Secrets};
use crate::release::{Arch, Artifact, Releases};

/// The longest profile or pins file that is read, in bytes: a million nodes, and no device that never ends.
pub(crate) const MAX_DOCUMENT: u64 = 64 << 20;
/// The longest file of a component, in bytes. What is longer belongs into a release.
pub(crate) const MAX_COMPONENT_FILE: u64 = 16 << 20;

/// What the user wrote, as far as it could be read.
pub struct Written {
    profile: Decoded<Profile>,
    releases: Decoded<Releases>,
    components: Components,
    partial: Components,
    unreadable: BTreeSet<String>,
    arch: Option<Arch>,
    report: Report,
}

/// What is read where no option names a file.
struct Builtin {
    name: &'static str,
    text: &'static str,
    option: &'static str,
}

const PROFILE: Builtin =
    Builtin { name: "profiles/patroni.yaml", text: builtin::PROFILE, option: "--profile FILE" };
const RELEASES: Builtin =
    Builtin { name: "profiles/releases.yaml", text: builtin::RELEASES, option: "--releases FILE" };

impl Written {
    /// Reads it all. What is wrong with it is kept, so that [`Self::plan`] reports everything at once.
    pub fn read(options: &Options) -> Result<Self, Failure> {
        let mut report = Report::new();
        let texts = Texts::read(options, &mut report)?;
        Self::of(texts, report)
    }

    /// Decodes what was read.
    pub fn of(texts: Texts, mut report: Report) -> Result<Self, Failure> {
        let Texts { profile, releases, folders, arch } = texts;
        let profile = profile.and_then(|source| document(&source, &mut report));
        let releases = releases.and_then(|source| document(&source, &mut report));
        let (mut components, mut partial) = (Components::new(), Components::new());
        let mut unreadable = BTreeSet::new();
        for (name, files) in folders {
            match Component::read(&name, files, &mut report) {
                Some(component) if !component.lossy => _ = components.insert(name, component),
                rest => {
                    partial.extend(rest.map(|component| (name.clone(), component)));
                    unreadable.insert(name);
                }
            }
        }
        let (Some(profile), Some(releases)) = (profile, releases) else {
            return Err(Failure::Invalid(report));
        };
        Ok(Self { profile, releases, components, partial, unreadable, arch, report })
    }

    /// The secrets; what is wrong with them is kept too.
    pub fn secrets(&mut self, options: &Options) -> Secrets {
        let secrets = secrets::read(options, &mut self.report);
        // The names in components that could not be read are not known.
        if self.unreadable.is_empty() {
            secrets.check(&secrets::specs(&self.components), &mut self.report);
        }
        secrets
    }

    /// The artifacts of these releases, whether the profile needs them or not.
    pub fn artifacts(
        mut self,
        names: &[String],
        options: &Options,
    ) -> Result<(Vec<Artifact>, Report), Failure> {
        let profile = self.profile.value.as_ref();
        let arch = options.arch.or(self.arch).or(profile.map(|profile| profile.arch)).unwrap_or_default();
        let mut artifacts = Vec::new();
        for name in names {
            if let Some(releases) = &self.releases.value
                && !releases.releases.contains_key(name)
            {
                let known: Vec<_> = releases.releases.keys().map(String::as_str).collect();
                let meant = nearest(name, known.iter().copied());
                let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
                let message = format!("there is no release `{}`", name.escape_debug());
                let help =
                    format!("{meant}`{}` has `{}`", self.releases.document.source.name(), known.join("`, `"));
                return Err(Failure::Usage { message, help });
            }
            artifacts.extend(self.releases.artifact(name, arch, &mut self.report));
        }
        if self.report.has_errors() {
            Err(Failure::Invalid(self.report))
        } else {
            Ok((artifacts, self.report))
        }
    }

    /// The plan and the warnings that go with it, or everything that is wrong.
    pub fn plan(self, options: &Options) -> Result<(Plan, Components, Report), Failure> {
        match self.draft(options)? {
            (_, _, report) if report.has_errors() => Err(Failure::Invalid(report)),
            plan => Ok(plan),
        }
    }

    /// The plan with everything that is wrong: a plan with errors may be rendered, for more of them, but not built.
    pub fn draft(self, options: &Options) -> Result<(Plan, Components, Report), Failure> {
        let arch = options.arch.or(self.arch);
        let place = delivery::fetched_from(options)?;
        let (mut plan, components, mut report) =
            self.drafted((arch, options.format, options.source_date_epoch), place.as_deref())?;
        instance_ids::keep(&mut plan, &options.out, &mut report);
        Ok((plan, components, report))
    }

    /// The same for an architecture of all nodes, a form and a modification time, and for where nodes fetch releases from if
    /// they do that themselves.
    pub fn drafted(
        mut self,
        (arch, format, epoch): (Option<Arch>, Format, u64),
        fetched_from: Option<&dyn Fn(&Artifact) -> String>,
    ) -> Result<(Plan, Components, Report), Failure> {
        let inputs = plan::Inputs {
            profile: &self.profile,
            releases: &self.releases,
            components: &self.components,
            partial: &self.partial,
            unreadable: &self.unreadable,
            arch,
            fetched_from,
            format,
            epoch,
        };
        match resolve(&inputs, &mut self.report) {
            Some(plan) => Ok((plan, self.components, self.report)),
            None => Err(Failure::Invalid(self.report)),
        }
    }
}

/// The texts that the user wrote, those that could be read.
#[derive(Clone)]
pub struct Texts {
    /// The profile.
    pub profile: Option<Arc<Source>>,
    /// The pins.
    pub releases: Option<Arc<Source>>,
    /// The files of every component.
    pub folders: BTreeMap<String, Folder>,
    /// The architecture of all nodes, where a bundle was made for one.
    pub arch: Option<Arch>,
}

impl Texts {
    /// Reads them from the bundle, the files or the program itself, as the options say.
    pub fn read(options: &Options, report: &mut Report) -> Result<Self, Failure> {
        if let Some(bundle) = bundle::trusted(options)? {
            return bundle::texts(&bundle, report);
        }
        let mut folders = builtin::overlays();
        if let Some(folder) = &options.overlays {
            match folders_of(folder, report) {
                Ok(own) => folders.extend(own),
                Err(why) => report.push(why.help("name a folder of components with `--overlays DIR`")),
            }
        }
        Ok(Self {
            profile: source(options.profile.as_deref(), &PROFILE, report),
            releases: source(options.releases.as_deref(), &RELEASES, report),
            folders,
            arch: None,
        })
    }
}

/// The pins of a file, or those that are compiled in.
pub(crate) fn releases(file: Option<&Path>, report: &mut Report) -> Option<Decoded<Releases>> {
    document(&source(file, &RELEASES, report)?, report)
}

/// A text as a value.
pub(crate) fn document<T: DeserializeOwned + JsonSchema>(
    source: &Arc<Source>,
    report: &mut Report,
) -> Option<Decoded<T>> {
    Document::parse(source, report).map(|document| decode(document, report))
}

fn source(file: Option<&Path>, builtin: &Builtin, report: &mut Report) -> Option<Arc<Source>> {
    match file {
        None => Some(Source::new(builtin.name, builtin.text)),
        Some(path) => match text(path, MAX_DOCUMENT) {
            Ok(text) => Some(Source::new(path.display().to_string(), text)),
            Err(why) => {
                let help = format!(
                    "name a text file with `{}`, or leave it out for the built-in one",
                    builtin.option
                );
                report.push(why.help(help));
                None
            }
        },
    }
}

/// The text of a file.
pub(crate) fn text(path: &Path, limit: u64) -> Result<String, Diagnostic> {
    String::from_utf8(bytes(path, limit)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Diagnostic::error(format!("`{}` is not valid UTF-8: invalid byte at offset {at}", path.display()))
    })
}

fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, Diagnostic> {
    let mut bytes = Vec::new();
    let read = fs_err::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    read.map_err(|error| Diagnostic::error(error.to_string()))?;
    if bytes.len() as u64 > limit {
        return Err(Diagnostic::error(format!("`{}` is longer than {limit} bytes", path.display())));
    }
    Ok(bytes)
}

/// The files of a component by their path in its folder.
pub type Folder = BTreeMap<String, FolderFile>;

/// The components of a folder. `Err` if the folder does not exist; errors inside go into `report`.
fn folders_of(root: &Path, report: &mut Report) -> Result<BTreeMap<String, Folder>, Diagnostic> {
    let mut folders = BTreeMap::new();
    for entry in entries(root)? {
        let path = entry.path();
        let Some(name) = name(&entry, report).filter(|name| !name.starts_with('.') && path.is_dir()) else {
            continue;
        };
        let mut files = Folder::new();
        // No content is read of a folder that is not a component: it may be of any size.
        if path.join(SPEC_FILE).exists() {
            read_files(&path, "", &mut files, report);
        } else {
            files.extend(names_in(&path));
        }
        folders.insert(name, files);
    }
    Ok(folders)
}

/// The names in a folder that is not a component, and the specs one level below: they show what may have been meant.
fn names_in(folder: &Path) -> Folder {
    let mut names = Folder::new();
    for entry in entries(folder).unwrap_or_default() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_component = entry.path().join(SPEC_FILE).exists();
        let name = if is_component { format!("{name}/{SPEC_FILE}") } else { name };
        let file =
            FolderFile { name: entry.path().display().to_string(), bytes: [].into(), is_builtin: false };
        names.insert(name, file);
    }
    names
}

/// Reads all files below a component's folder.
fn read_files(folder: &Path, prefix: &str, files: &mut Folder, report: &mut Report) {
    let entries = entries(folder).map_err(|why| report.push(why)).unwrap_or_default();
    for entry in entries {
        let Some(name) = name(&entry, report) else { continue };
        let path = entry.path();
        let shown = path.display().to_string();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => read_files(&path, &format!("{prefix}{name}/"), files, report),
            Ok(kind) if kind.is_file() => match bytes(&path, MAX_COMPONENT_FILE) {
                Ok(bytes) => {
                    files.insert(
                        format!("{prefix}{name}"),
                        FolderFile { name: shown, bytes: bytes.into(), is_builtin: false },
                    );
                }
                Err(why) => report.push(why.help("what is large belongs into a release")),
            },
            _ => {
                let help = "a component has folders and files alone; put a copy here";
                report.push(Diagnostic::error(format!("`{shown}` is no plain file")).help(help));
            }
        }
    }
}

/// The name of a file, if it is a text.
fn name(entry: &fs_err::DirEntry, report: &mut Report) -> Option<String> {
    let complaint = |_| {
        let message = format!("`{}` has a name that is no UTF-8", entry.path().display());
        report.push(Diagnostic::error(message).help("rename it"));
    };
    entry.file_name().into_string().map_err(complaint).ok()
}

fn entries(folder: &Path) -> Result<Vec<fs_err::DirEntry>, Diagnostic> {
    let entries = fs_err::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = entries.map_err(|error| Diagnostic::error(error.to_string()))?;
    entries.sort_by_key(fs_err::DirEntry::file_name);
    Ok(entries)
}
