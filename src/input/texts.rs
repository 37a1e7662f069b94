//! Reads what people wrote as texts: profile, pins and the folders of components, from files, a bundle or the program itself.
#![expect(clippy::disallowed_methods, reason = "edge: reads the user's files")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::builtin;
use crate::bundle::Bundle;
use crate::component::{FolderFile, SPEC_FILE};
use crate::diagnostic::{Decoded, Diagnostic, Document, Report, Source, decode};
use crate::release::{Arch, Releases};

/// The longest profile or pins file that is read, in bytes: a million nodes, and no device that never ends.
pub(crate) const MAX_DOCUMENT: u64 = 64 << 20;
/// The longest file of a component, in bytes. What is longer belongs into a release.
pub(super) const MAX_COMPONENT_FILE: u64 = 16 << 20;

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

/// The texts that the user wrote, those that could be read.
#[derive(Clone)]
pub(crate) struct Texts {
    /// The profile.
    pub(crate) profile: Option<Arc<Source>>,
    /// The pins.
    pub(crate) releases: Option<Arc<Source>>,
    /// The files of every component.
    pub(crate) folders: BTreeMap<String, Folder>,
    /// The architecture of all nodes, where an option says it, or the bundle was made for one.
    pub(crate) arch: Option<Arch>,
    /// The bundle that they are from.
    pub(crate) bundle: Option<Arc<Bundle>>,
}

impl Texts {
    /// Reads them from files; what is built in takes the place of those that are not named.
    pub(super) fn of_files(
        profile: Option<&Path>,
        overlays: Option<&Path>,
        releases: Option<&Path>,
        report: &mut Report,
    ) -> Self {
        Self {
            folders: folders(overlays, report),
            profile: source(profile, &PROFILE, report),
            releases: source(releases, &RELEASES, report),
            arch: None,
            bundle: None,
        }
    }
}

/// The components that are built in, and those of a folder, which go before them.
fn folders(own: Option<&Path>, report: &mut Report) -> BTreeMap<String, Folder> {
    let mut folders = builtin::overlays();
    match own.map(|folder| folders_of(folder, report)) {
        None => {}
        Some(Ok(own)) => folders.extend(own),
        Some(Err(why)) => report.push(why.help("name a folder of components with `--overlays DIR`")),
    }
    folders
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
pub(super) type Folder = BTreeMap<String, FolderFile>;

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
                Err(why) => report.push(why.help("put large files into a release, not into a component")),
            },
            _ => {
                let help = "a component can contain only folders and plain files; put a copy here";
                report.push(Diagnostic::error(format!("`{shown}` is not a plain file")).help(help));
            }
        }
    }
}

/// The name of a file, if it is a text.
fn name(entry: &fs_err::DirEntry, report: &mut Report) -> Option<String> {
    let complaint = |_| {
        let message = format!("`{}` has a name that is not valid UTF-8", entry.path().display());
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
