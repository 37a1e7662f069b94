//! The form of the documents: where pages are found, that links and anchors lead somewhere, how long lines are.
#![expect(clippy::disallowed_methods, reason = "a test looks at files and at the clock")]

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::support::markdown::Document;

#[test]
fn links_lead_to_files_and_anchors() {
    for document in Document::all() {
        for link in document.links().iter().filter(|link| !link.starts_with("http")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => document.path.clone(),
                path => document.path.parent().unwrap().join(path),
            };
            assert!(target.exists(), "{}: {link}", document.name());
            let leads =
                anchor.is_empty() || Document::read(target.to_str().unwrap()).anchors().contains(anchor);
            assert!(leads, "{}: {link} leads to no heading", document.name());
        }
    }
}

#[test]
fn the_index_has_every_page() {
    let index = Document::read("docs/README.md");
    let folder = index.path.parent().unwrap();
    let linked: BTreeSet<_> =
        index.links().iter().map(|link| flat(&folder.join(link.split('#').next().unwrap()))).collect();
    for document in Document::all() {
        let is_page = ![index.path.as_path(), &flat(&folder.join("../README.md"))].contains(&&*document.path);
        assert!(
            !is_page || linked.contains(&flat(&document.path)),
            "docs/README.md lacks {}",
            document.name()
        );
    }
}

/// A path without `..`, as no folder of the project is a link.
fn flat(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |flat, part| match part {
        Component::ParentDir => flat.parent().unwrap().to_owned(),
        part => flat.join(part),
    })
}

#[test]
fn the_readme_is_short() {
    let lines = Document::read("README.md").text.lines().count();
    assert!(lines <= 150, "README.md has {lines} lines");
}

#[test]
fn lines_of_prose_fit_a_screen() {
    for document in Document::all() {
        for line in document.prose().lines().filter(|line| !line.starts_with(['|', ' '])) {
            assert!(line.chars().count() <= 120, "{}: {line}", document.name());
        }
    }
}
