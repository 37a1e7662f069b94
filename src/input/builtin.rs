//! The default profile, pins and components, compiled in: an installed binary needs no checkout beside it.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};

use crate::component::FolderFile;

static KEYS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles/keys");
static OVERLAYS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/overlays");

/// The worked example's profile.
pub(crate) const PROFILE: &str = include_str!("../../profiles/patroni.yaml");
/// The pins of the releases that it needs.
pub(crate) const RELEASES: &str = include_str!("../../profiles/releases.yaml");

/// A file that the built-in pins name.
pub(crate) fn beside_releases(file: &str) -> Option<&'static [u8]> {
    KEYS.get_file(file.strip_prefix("keys/")?).map(include_dir::File::contents)
}

/// The files of every built-in component, by component and path.
pub(crate) fn overlays() -> BTreeMap<String, BTreeMap<String, FolderFile>> {
    let mut all = BTreeMap::new();
    for folder in OVERLAYS.dirs() {
        let mut files = BTreeMap::new();
        collect(folder, folder, &mut files);
        all.insert(folder.path().display().to_string(), files);
    }
    all
}

fn collect(root: &Dir<'static>, folder: &Dir<'static>, files: &mut BTreeMap<String, FolderFile>) {
    for file in folder.files() {
        let Ok(relative) = file.path().strip_prefix(root.path()) else { continue };
        let name = format!("overlays/{}", file.path().display());
        files.insert(
            relative.display().to_string(),
            FolderFile { name, bytes: file.contents().into(), is_builtin: true },
        );
    }
    folder.dirs().for_each(|folder| collect(root, folder, files));
}
