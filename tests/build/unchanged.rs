//! Builds of what is there already: nothing is written that is as it would be written, and nothing else is left.
#![expect(clippy::disallowed_methods, reason = "edge: harms outputs to see them mended")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::support::small::small;
use crate::support::workspace::Workspace;

const SAME: &str = "nothing has changed since the last build";

/// The inode and the time of the last change of every output.
fn stamps(workspace: &Workspace) -> BTreeMap<String, (u64, i64, i64)> {
    let stamp = |(name, _): (String, Vec<u8>)| {
        let found = fs::metadata(workspace.path("out").join(&name)).unwrap();
        (name, (found.ino(), found.ctime(), found.ctime_nsec()))
    };
    workspace.files("out").into_iter().map(stamp).collect()
}

fn build(workspace: &Workspace, delivery: &[&str]) -> String {
    workspace.run(&[&["--all", "--offline"], delivery].concat()).exit(0).errors()
}

const DELIVERIES: [&[&str]; 3] = [
    &["--delivery", "image"],
    &["--delivery", "shared"],
    &["--delivery", "http", "--url", "http://192.0.2.1:8080"],
];

#[test]
fn a_second_build_writes_nothing() {
    for delivery in DELIVERIES {
        let workspace = Workspace::with_releases();
        workspace.run(&[&["--all", "--quiet"], delivery].concat()).exit(0);
        let before = stamps(&workspace);
        assert!(build(&workspace, delivery).contains(SAME), "{delivery:?}");
        assert!(stamps(&workspace) == before, "{delivery:?}");

        // A copy has the same bytes, which are read once to know that.
        let copy = workspace.path("copy");
        fs::rename(workspace.path("out"), &copy).unwrap();
        copy_all(&copy, &workspace.path("out"));
        let before = stamps(&workspace);
        assert!(build(&workspace, delivery).contains(SAME), "{delivery:?}");
        assert!(stamps(&workspace) == before, "{delivery:?}");
    }
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn whatever_is_harmed_is_written_again() {
    for delivery in DELIVERIES {
        let workspace = small();
        workspace.run(&[&["--all", "--quiet"], delivery].concat()).exit(0);
        let whole = workspace.files("out");
        for (name, bytes) in &whole {
            let path = workspace.path("out").join(name);
            let mode = fs::metadata(&path).unwrap().permissions();
            let mut flipped = bytes.clone();
            let middle = flipped.len() / 2;
            flipped[middle] ^= 1;
            if name.ends_with("/manifest.json") {
                // What nothing describes could be anybody's.
                for harmed in [&bytes[..middle], b""] {
                    fs::write(&path, harmed).unwrap();
                    let run = workspace.run(&[&["--all", "--offline"], delivery].concat()).exit(1);
                    run.says(&["does not contain a manifest of imgbuild", "move it away"]);
                }
                fs::remove_dir_all(path.parent().unwrap()).unwrap();
            } else {
                fs::write(&path, flipped).unwrap();
                assert!(!build(&workspace, delivery).contains(SAME), "{name} has another byte");
                fs::remove_file(&path).unwrap();
            }
            assert!(!build(&workspace, delivery).contains(SAME), "{name} is missing");
            if name.contains('/') && !name.starts_with("layers/") && !name.ends_with("manifest.json") {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
                assert!(!build(&workspace, delivery).contains(SAME), "{name} has another mode");
            }
            assert!(workspace.files("out") == whole, "{name}");
            assert_eq!(fs::metadata(&path).unwrap().permissions(), mode, "{name}");
        }
    }
}

#[test]
fn one_node_that_changed_is_written_alone() {
    let workspace = Workspace::with_releases();
    workspace.run(&["--all", "--quiet"]).exit(0);
    let before = stamps(&workspace);
    fs::write(workspace.path("out/ptrn-2/overlay.tar.gz"), "harmed").unwrap();
    let errors = build(&workspace, &[]);
    for text in [
        "out/ptrn-2/overlay.tar.gz was modified after the build; rewriting it",
        "3 of 4 nodes have not changed since the last build",
    ] {
        assert!(errors.contains(text), "{errors}");
    }
    for (name, stamp) in stamps(&workspace) {
        assert_eq!(before[&name] == stamp, !name.starts_with("ptrn-2/"), "{name}");
    }
}
