//! Files that say what is expected: compared line by line, renewed by `UPDATE_GOLDEN=1 cargo test`.
#![expect(clippy::disallowed_methods, reason = "edge: reads and renews files of the checkout")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::diff::diff;

/// A folder of golden files is what `expected` says, neither more nor less. Fails with all differences at once.
#[track_caller]
pub fn assert_folder(folder: &str, got: &BTreeMap<String, String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return renew(&root, got);
    }
    let mut known = BTreeMap::new();
    collect(&root, &root, &mut known);
    let mut differences = Vec::new();
    for path in got.keys().chain(known.keys().filter(|path| !got.contains_key(*path))) {
        let (got, known) = (got.get(path), known.get(path));
        if got != known {
            let text = |text: Option<&String>| text.cloned().unwrap_or_default();
            differences.push(format!("{folder}/{path}\n{}", diff(&text(known), &text(got))));
        }
    }
    let shown = differences.join("\n");
    assert!(differences.is_empty(), "{shown}\n`UPDATE_GOLDEN=1 cargo test` renews what is right");
}

/// A page of the documents that is made of the code is what it would be made now.
#[track_caller]
pub fn assert_page(path: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return fs::write(&path, page).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    let shown = diff(&known, page);
    assert!(known == page, "{}\n{shown}\n`UPDATE_GOLDEN=1 cargo test` renews it", path.display());
}

fn renew(root: &Path, got: &BTreeMap<String, String>) {
    let _ = fs::remove_dir_all(root);
    for (path, text) in got {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    let entries: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    for path in entries {
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}
