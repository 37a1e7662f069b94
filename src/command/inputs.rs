//! Reads what the user wrote: profile, pins and components, from files or from what is compiled in.
#![expect(clippy::disallowed_methods, reason = "edge: reads the user's files")]

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde::de::DeserializeOwned;

use super::builtin;
use super::failure::Failure;
use crate::cli::Options;
use crate::component::{Component, Components, FolderFile};
use crate::diagnostic::{Decoded, Diagnostic, Document, Report, Source, decode};
use crate::plan::{self, Plan, resolve};
use crate::profile::Profile;
use crate::release::Releases;

/// The longest profile or pins file that is read, in bytes: a million nodes, and no device that never ends.
const MAX_DOCUMENT: u64 = 64 << 20;
/// The longest file of a component, in bytes. What is longer belongs into a release.
const MAX_COMPONENT_FILE: u64 = 16 << 20;

/// What the user wrote, as far as it could be read.
pub struct Written {
    profile: Decoded<Profile>,
    releases: Decoded<Releases>,
    components: Components,
    report: Report,
}

impl Written {
    /// Reads it all. What is wrong with it is kept, so that [`Self::plan`] reports everything at once.
    pub fn read(options: &Options) -> Result<Self, Failure> {
        let mut report = Report::new();
        let profile =
            document(options.profile.as_deref(), ("profiles/patroni.yaml", builtin::PROFILE), &mut report)?;
        let releases = releases(options.releases.as_deref(), &mut report)?;
        let components = components(options.overlays.as_deref(), &mut report)?;
        let (Some(profile), Some(releases)) = (profile, releases) else {
            return Err(Failure::Invalid(report));
        };
        Ok(Self { profile, releases, components, report })
    }

    /// The plan and the warnings that go with it, or everything that is wrong.
    pub fn plan(mut self, options: &Options) -> Result<(Plan, Components, Report), Failure> {
        let inputs = plan::Inputs {
            profile: &self.profile,
            releases: &self.releases,
            components: &self.components,
            arch: options.arch,
            epoch: options.source_date_epoch,
        };
        match resolve(&inputs, &mut self.report) {
            Some(plan) => Ok((plan, self.components, self.report)),
            None => Err(Failure::Invalid(self.report)),
        }
    }
}

/// The pins of a file, or those that are compiled in.
pub(super) fn releases(
    file: Option<&Path>,
    report: &mut Report,
) -> Result<Option<Decoded<Releases>>, Failure> {
    document(file, ("profiles/releases.yaml", builtin::RELEASES), report)
}

fn document<T: DeserializeOwned>(
    file: Option<&Path>,
    builtin: (&str, &str),
    report: &mut Report,
) -> Result<Option<Decoded<T>>, Failure> {
    let source = match file {
        None => Source::new(builtin.0, builtin.1),
        Some(path) => match text(path, MAX_DOCUMENT)? {
            Ok(text) => Source::new(path.display().to_string(), text),
            Err(why) => {
                report.push(why);
                return Ok(None);
            }
        },
    };
    Ok(Document::parse(&source, report).map(|document| decode(document, report)))
}

/// The text of a file; the inner error is one of its contents.
pub(super) fn text(path: &Path, limit: u64) -> Result<Result<String, Diagnostic>, Failure> {
    let bytes = bytes(path, limit)?;
    Ok(String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Diagnostic::error(format!("`{}` is no UTF-8 text: byte {at} is wrong", path.display()))
            .help("save it as UTF-8")
    }))
}

fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let file = fs_err::File::open(path).map_err(anyhow::Error::new)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).with_context(|| format!("reading {}", path.display()))?;
    if bytes.len() as u64 > limit {
        return Err(anyhow::anyhow!("`{}` is longer than {limit} bytes", path.display()).into());
    }
    Ok(bytes)
}

fn components(folder: Option<&Path>, report: &mut Report) -> Result<Components, Failure> {
    let mut folders = builtin::overlays();
    if let Some(folder) = folder {
        folders.extend(read_folders(folder, report)?);
    }
    let read = |(name, files)| Some((String::clone(&name), Component::read(&name, files, report)?));
    Ok(folders.into_iter().filter_map(read).collect())
}

fn read_folders(
    root: &Path,
    report: &mut Report,
) -> Result<BTreeMap<String, BTreeMap<String, FolderFile>>, Failure> {
    let mut folders = BTreeMap::new();
    for entry in entries(root)? {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            report
                .push(Diagnostic::error(format!("`{}` has a name that is no UTF-8", entry.path().display())));
            continue;
        };
        let is_folder = entry.file_type().map_err(anyhow::Error::new)?.is_dir();
        if name.starts_with('.') || !is_folder {
            continue;
        }
        let mut files = BTreeMap::new();
        read_files(&entry.path(), "", &mut files, report)?;
        folders.insert(name.to_owned(), files);
    }
    Ok(folders)
}

fn read_files(
    folder: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, FolderFile>,
    report: &mut Report,
) -> Result<(), Failure> {
    for entry in entries(folder)? {
        let path = entry.path();
        let shown = path.display().to_string();
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            report.push(Diagnostic::error(format!("`{shown}` has a name that is no UTF-8")));
            continue;
        };
        let kind = entry.file_type().map_err(anyhow::Error::new)?;
        if kind.is_dir() {
            read_files(&path, &format!("{prefix}{name}/"), files, report)?;
        } else if kind.is_file() {
            let bytes = bytes(&path, MAX_COMPONENT_FILE)?.into();
            files.insert(format!("{prefix}{name}"), FolderFile { name: shown, bytes });
        } else {
            let help = "a component has folders and files alone; put a copy here";
            report.push(Diagnostic::error(format!("`{shown}` is no plain file")).help(help));
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<fs_err::DirEntry>, Failure> {
    let mut entries = fs_err::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(anyhow::Error::new)?;
    entries.sort_by_key(fs_err::DirEntry::file_name);
    Ok(entries)
}
