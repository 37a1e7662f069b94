//! `--delivery download`: a build that fetches nothing, and what it tells the node to fetch.

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use imgbuild::output::Manifest;

use super::support::small::away;
use super::support::workspace::Workspace;

const MIRROR: &str = "http://192.0.2.1:8080/mirror";

fn manifest(workspace: &Workspace, folder: &str) -> Manifest {
    serde_json::from_slice(&workspace.read(&format!("{folder}/manifest.json"))).unwrap()
}

/// A file of an overlay, and the names of all.
fn overlay(workspace: &Workspace, folder: &str, wanted: &str) -> (Option<String>, BTreeSet<String>) {
    let bytes = workspace.read(&format!("{folder}/overlay.tar.gz"));
    let mut archive = tar::Archive::new(MultiGzDecoder::new(&bytes[..]));
    let (mut text, mut names) = (None, BTreeSet::new());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        if name == wanted {
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            text = Some(content);
        }
        names.insert(name);
    }
    (text, names)
}

#[test]
fn nothing_is_fetched_and_the_node_is_told_what_to_fetch() {
    // Without the mirror's option, and with an empty store: whatever is fetched fails.
    let workspace = Workspace::with_releases();
    workspace.run(&["ptrn-1", "--quiet", "--out", "image", "--store", "filled"]).exit(0);
    let arguments = ["ptrn-1", "--delivery", "download", "--releases", "releases.yaml", "--offline"];
    let arguments = [&arguments[..], &["--out", "out", "--store", "store"]].concat();
    away(&workspace, &arguments).exit(0).stdout("out/ptrn-1\n");
    let (whole, parts) = (manifest(&workspace, "image/ptrn-1"), manifest(&workspace, "out/ptrn-1"));
    assert_eq!(serde_json::to_value(parts.delivery).unwrap(), "download");
    let titles = |manifest: &Manifest| {
        manifest.artifacts.iter().map(|one| (one.name.clone(), one.sha256)).collect::<Vec<_>>()
    };
    assert_eq!(titles(&parts), titles(&whole), "what the node gets is the same");
    let (list, names) = overlay(&workspace, "out/ptrn-1", "usr/lib/imgbuild/releases");
    let list = list.unwrap();
    let lines: Vec<Vec<_>> = list.lines().map(|line| line.split('\t').collect()).collect();
    let etcd = parts.artifacts.iter().find(|one| one.name == "etcd").unwrap();
    let line = lines.iter().find(|line| line[5] == "/usr/local/bin/etcdctl").unwrap();
    let (sha256, member) = (etcd.sha256.to_string(), format!("etcd-{}/etcdctl", etcd.version));
    assert_eq!(line[..2], ["etcd", &sha256]);
    assert_ne!(line[2], "0", "the size is known");
    assert_eq!(line[3..], [&etcd.url, &member, "/usr/local/bin/etcdctl", "0755"]);
    // Together they are the default's files.
    let (_, all) = overlay(&workspace, "image/ptrn-1", "");
    let folder = |path: &str| path.ends_with('/');
    let mut together: BTreeSet<_> = lines.iter().map(|line| line[5][1..].to_owned()).collect();
    assert!(names.is_disjoint(&together));
    together.extend(names.into_iter().filter(|name| !name.starts_with("usr/lib/imgbuild/releases")));
    let files = |names: BTreeSet<String>| names.into_iter().filter(|name| !folder(name)).collect::<Vec<_>>();
    assert_eq!(files(together), files(all));
    away(&workspace, &["verify", "out/ptrn-1"]).exit(0);
    away(&workspace, &["verify", "out/ptrn-1/seed.iso"]).exit(0);
    workspace.run(&["bundle", "ptrn-1", "-o", "b"]).exit(0);
    let run = workspace.run(&["fetch", "--offline", "--store", "filled"]).exit(0);
    run.says(&["etcd", "cached"]);
}

#[test]
fn a_mirror_is_one_that_the_nodes_can_ask() {
    let workspace = Workspace::with_releases();
    let arguments = |mirror: &'static str| {
        ["ptrn-1", "--delivery", "download", "--releases", "releases.yaml", "--mirror", mirror]
    };
    away(&workspace, &arguments(MIRROR)).exit(0);
    let (list, _) = overlay(&workspace, "out/ptrn-1", "usr/lib/imgbuild/releases");
    let urls: Vec<String> =
        list.unwrap().lines().map(|line| line.split('\t').nth(3).unwrap().to_owned()).collect();
    let upstream = manifest(&workspace, "out/ptrn-1").artifacts.into_iter().map(|one| one.url);
    let expected: BTreeSet<_> = upstream.map(|url| url.replace("https:/", MIRROR)).collect();
    assert_eq!(urls.into_iter().collect::<BTreeSet<_>>(), expected);
    for mirror in ["mirror", "http://me:geheim@192.0.2.1"] {
        away(&workspace, &arguments(mirror)).exit(2).hides("geheim").stderr(
            "error: with `--delivery download` nodes fetch from the mirror themselves, which is not possible with \
             this one\nhelp: `--mirror http://HOST:PORT`, a web server without user name and password; or leave out \
             `--mirror`\n",
        );
    }
}

#[test]
fn the_plan_says_who_fetches() {
    let workspace = Workspace::with_releases();
    let arguments = ["plan", "ptrn-1", "--delivery", "download", "--releases", "releases.yaml"];
    let text = away(&workspace, &arguments).exit(0).data();
    assert!(text.contains("fetched by the node itself"), "{text}");
    let by_default = away(&workspace, &["plan", "ptrn-1", "--releases", "releases.yaml"]).exit(0);
    assert!(!by_default.data().contains("by the node"), "{}", by_default.data());
}

#[test]
fn diff_knows_what_was_left_to_the_node() {
    let workspace = Workspace::with_releases();
    let arguments = ["--delivery", "download", "--releases", "releases.yaml"];
    away(&workspace, &[&["ptrn-1"][..], &arguments].concat()).exit(0);
    away(&workspace, &[&["diff", "ptrn-1"][..], &arguments].concat()).exit(0);
    workspace.run(&["fetch", "--quiet"]).exit(0);
    let text = workspace.run(&["diff", "ptrn-1"]).exit(6).data();
    assert!(text.contains("/usr/local/bin/etcd"), "what would be in the overlay now: {text}");
}
