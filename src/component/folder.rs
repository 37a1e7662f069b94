//! One folder of overlays/: a component.yaml and the files beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Spec;
use crate::diagnostic::{Diagnostic, Document, Report, Source, decode, nearest};

/// The file that makes a folder a component.
pub const SPEC_FILE: &str = "component.yaml";

/// The template of the commands that [`super::Membership`] needs, in a component's folder.
pub const COMMANDS: &str = "membership/commands.sh.j2";

/// A file of a component's folder.
#[derive(Clone, Debug)]
pub struct FolderFile {
    /// What diagnostics call it.
    pub name: String,
    /// What it holds.
    pub bytes: Arc<[u8]>,
    /// Whether it is compiled in, so that the user does not have it.
    pub is_builtin: bool,
}

/// A component with all its files.
#[derive(Clone, Debug)]
pub struct Component {
    /// The folder's name.
    pub name: String,
    /// What component.yaml says.
    pub spec: Spec,
    /// component.yaml with its positions.
    pub document: Document,
    /// Whether a part of component.yaml could not be read and is left out.
    pub lossy: bool,
    /// Whether it is compiled in, so that the user does not have it.
    pub is_builtin: bool,
    /// Every other file, by its path in the folder: `files/etc/hosts.j2`.
    pub files: BTreeMap<String, FolderFile>,
}

/// The components by name.
pub type Components = BTreeMap<String, Component>;

impl Component {
    /// Reads a component out of its folder's files. `None` if component.yaml is missing or too little of it is right;
    /// `report` says why.
    pub fn read(name: &str, mut files: BTreeMap<String, FolderFile>, report: &mut Report) -> Option<Self> {
        let Some(spec_file) = files.remove(SPEC_FILE) else {
            let message = format!("the component `{name}` has no {SPEC_FILE}");
            report.push(Diagnostic::error(message).help(without_spec(name, &files)));
            return None;
        };
        if !is_name(name) {
            let message = format!("`{}` is not a valid component name", name.escape_debug());
            report.push(Diagnostic::error(message).help("expected letters, digits, `_`, `-` and `.`"));
            return None;
        }
        let text = text_of(&spec_file, report)?;
        let document = Document::parse(&Source::new(spec_file.name.as_str(), text), report)?;
        let decoded = decode::<Spec>(document, report);
        Some(Self {
            name: name.to_owned(),
            spec: decoded.value?,
            document: decoded.document,
            lossy: decoded.lossy,
            is_builtin: spec_file.is_builtin,
            files,
        })
    }

    /// The files below one of its folders, by their path in it.
    pub fn folder<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a FolderFile)> {
        self.files
            .iter()
            .filter_map(move |(path, file)| Some((path.strip_prefix(folder)?.strip_prefix('/')?, file)))
    }

    /// The scrape job of its metrics.
    pub fn job(&self) -> &str {
        self.spec.metrics.as_ref().and_then(|metrics| metrics.job.as_deref()).unwrap_or(&self.name)
    }
}

/// How to go on where component.yaml is missing: it may have another name, or the folder above was meant.
fn without_spec(name: &str, files: &BTreeMap<String, FolderFile>) -> String {
    let beside = files.keys().map(String::as_str).filter(|path| !path.contains('/'));
    if let Some(misnamed) = nearest(SPEC_FILE, beside) {
        return format!("rename `{name}/{}` to `{SPEC_FILE}`", misnamed.escape_debug());
    }
    if files.keys().any(|path| path.ends_with(&format!("/{SPEC_FILE}"))) {
        return format!("the folders in `{name}` are components: name it with `--overlays`");
    }
    "every folder of overlays/ is a component, but for those whose names begin with a dot".to_owned()
}

/// Names become parts of guest paths, template keys and lists in the guest.
fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) && name.len() <= 64
}

fn text_of(file: &FolderFile, report: &mut Report) -> Option<String> {
    match std::str::from_utf8(&file.bytes) {
        Ok(text) => Some(text.to_owned()),
        Err(error) => {
            let message =
                format!("`{}` is not valid UTF-8: invalid byte at offset {}", file.name, error.valid_up_to());
            report.push(Diagnostic::error(message).help("save it as UTF-8"));
            None
        }
    }
}
