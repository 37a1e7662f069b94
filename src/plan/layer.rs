//! A component's layer: its inputs, and the cache key of the finished layer.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::format::Format;
use super::inputs::LayerSpec;
use super::node::FileOrigin;
use crate::component::{Component, Spec};
use crate::digest::Sha256;
use crate::guest::{GuestPath, Mode};
use crate::release::{Arch, Artifact};

/// Changes when the same inputs would give other bytes, so that finished layers of an earlier imgbuild are not used.
const LAYER_FORMAT: u32 = 2;

/// What a component installs on every node alike: members of its release, and files that are not templates.
#[derive(Clone, Debug, Serialize)]
pub struct LayerPlan {
    /// The digest of all that follows.
    pub key: Sha256,
    /// The component.
    pub component: String,
    /// The architecture.
    pub arch: Arch,
    /// The release's file.
    pub artifact: Option<Artifact>,
    /// Where the node fetches that file from itself; nothing of it is in the layer then.
    pub fetched_from: Option<String>,
    /// Which members of it go where: from, to, mode.
    pub install: Vec<(String, GuestPath, Option<Mode>)>,
    /// The other files.
    pub files: Vec<LayerFile>,
    /// Whether what lies below /usr is in a system extension.
    pub format: Format,
    /// The modification time of every entry, in seconds since 1970.
    pub epoch: u64,
}

/// What the layer of a component is made of.
pub(super) struct LayerParts {
    /// The release's file.
    pub(super) artifact: Option<Artifact>,
    /// Where the node fetches that file from itself.
    pub(super) fetched_from: Option<String>,
    /// Which members of it go where: from, to, mode.
    pub(super) install: Vec<(String, GuestPath, Option<Mode>)>,
    /// The files of the component's folder that are no templates.
    pub(super) files: Vec<LayerFile>,
}

/// A file with its contents.
#[derive(Clone, Debug, Serialize)]
pub struct LayerFile {
    /// Its path in the guest.
    pub path: GuestPath,
    /// Its permissions.
    pub mode: Mode,
    /// The digest of its contents.
    pub sha256: Sha256,
    /// Its contents.
    #[serde(skip)]
    pub bytes: Arc<[u8]>,
    /// Who wrote it.
    #[serde(skip)]
    pub origin: FileOrigin,
}

impl LayerFile {
    /// A file with these contents.
    pub fn new(path: GuestPath, mode: Mode, bytes: Arc<[u8]>, origin: FileOrigin) -> Self {
        Self { path, mode, sha256: Sha256::of(&bytes), bytes, origin }
    }
}

/// What the key is the digest of.
#[derive(Serialize)]
struct Inputs<'a> {
    format: u32,
    artifact: Option<Sha256>,
    folder: Option<&'a str>,
    install: &'a [(String, GuestPath, Option<Mode>)],
    files: &'a [LayerFile],
    epoch: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<(&'a str, Arch)>,
}

impl LayerPlan {
    /// The layer of `component`.
    pub(super) fn new(
        component: &Component,
        arch: Arch,
        LayerSpec { format, epoch }: LayerSpec,
        parts: LayerParts,
    ) -> Self {
        let spec = &component.spec;
        let LayerParts { artifact, fetched_from, install, mut files } = parts;
        files.extend(system_files(&component.name, spec, format));
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let held = artifact.as_ref().filter(|_| fetched_from.is_none());
        let inputs = Inputs {
            format: LAYER_FORMAT,
            artifact: held.map(|artifact| artifact.sha256),
            folder: held.map(|artifact| artifact.folder.as_str()),
            install: if fetched_from.is_none() { &install } else { &[] },
            files: &files,
            epoch,
            extension: (format == Format::Sysext).then_some((component.name.as_str(), arch)),
        };
        let text = serde_json::to_vec(&inputs).expect("texts, numbers and lists have a form in JSON");
        Self {
            key: Sha256::of(text),
            component: component.name.clone(),
            arch,
            artifact,
            fetched_from,
            install,
            files,
            format,
            epoch,
        }
    }

    /// The release's file, if something of it is in the layer.
    pub fn held_artifact(&self) -> Option<&Artifact> {
        self.artifact.as_ref().filter(|_| self.fetched_from.is_none())
    }

    /// Whether there is anything to it.
    pub fn is_empty(&self) -> bool {
        self.install.is_empty() && self.files.is_empty()
    }
}

/// The sysusers.d and tmpfiles.d files by which the guest makes the component's user and folders. They are needed before
/// an extension is merged.
fn system_files(name: &str, spec: &Spec, format: Format) -> Vec<LayerFile> {
    let mut texts = BTreeMap::new();
    let place = if format == Format::Sysext { "/etc" } else { "/usr/lib" };
    if let Some(user) = &spec.user {
        let home = user.home.as_ref().map_or("-", GuestPath::as_str);
        let line = format!("u {} - \"{name}\" {} /usr/sbin/nologin\n", user.name, quoted(home));
        texts.insert(format!("{place}/sysusers.d/imgbuild-{name}.conf"), line);
    }
    if !spec.directories.is_empty() {
        let lines = spec.directories.iter().map(|directory| {
            let mode = directory.mode.unwrap_or(Mode::EXECUTABLE);
            let owner = directory.owner.as_deref().unwrap_or("root");
            format!("d {} {mode} {owner} {owner} -\n", quoted(directory.path.as_str()))
        });
        texts.insert(format!("{place}/tmpfiles.d/imgbuild-{name}.conf"), lines.collect());
    }
    let file = |(path, text): (String, String)| {
        let path = path.parse().expect("a component's name can be part of a guest path");
        LayerFile::new(path, Mode::FILE, text.into_bytes().into(), FileOrigin::Made)
    };
    texts.into_iter().map(file).collect()
}

/// A path as a field of sysusers.d(5) and tmpfiles.d(5): `%` begins a specifier, a space ends the field.
fn quoted(path: &str) -> String {
    let escaped = path.replace('%', "%%").replace('\\', "\\\\").replace('"', "\\\"");
    if escaped.contains([' ', '"', '\'', '\\']) { format!("\"{escaped}\"") } else { escaped }
}
