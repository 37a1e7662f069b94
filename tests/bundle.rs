//! Bundles as people use them: written online, carried in files, built from without any network.
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

use std::fs;

use super::support::child::has_tool;
use super::support::cluster::{Cluster, ONLINE, SECRET};
use super::support::oracle::{oracle, stdout};

const FROM_BUNDLE: [&str; 8] = ["--bundle", "b", "--store", "fresh", "--out", "offline", "--all", "--quiet"];

/// A cluster that was built online, and its bundle.
fn cluster(more: &[&str]) -> Cluster {
    let cluster = Cluster::new();
    cluster.done(&[&ONLINE[..], &["--all", "--out", "online"]].concat());
    cluster.bundle(more);
    cluster
}

#[test]
fn a_bundle_builds_the_same_bytes_as_an_online_build() {
    let cluster = cluster(&[]);
    cluster.done(&FROM_BUNDLE);
    let (online, offline) = (cluster.built("online"), cluster.built("offline"));
    assert!(online.len() >= 12 && online == offline);
}

#[test]
fn equal_input_gives_equal_bundles() {
    let cluster = cluster(&[]);
    let first = cluster.read("b");
    cluster.done(&[&ONLINE[..], &["--store", "other", "bundle", "--output", "again"]].concat());
    assert!(first == cluster.read("again"));
    cluster.done(&["--bundle", "b", "--store", "fresh", "bundle", "-o", "again"]);
    assert!(first == cluster.read("again"), "a bundle of a bundle");
}

#[test]
fn a_bundle_is_an_ordinary_tar_that_begins_with_its_index() {
    let cluster = cluster(&["--with-program"]);
    for program in ["tar", "bsdtar"] {
        let Some(mut program) = oracle(program) else { continue };
        let list = stdout(program.arg("-tf").arg(cluster.path("b")));
        let names: Vec<_> = list.lines().collect();
        assert_eq!(names[..2], ["index.json", "index.json.sha256"]);
        assert!(names.contains(&"program/imgbuild") && names.contains(&"overlays/thing/component.yaml"));
    }
    let Some(mut tar) = oracle("tar") else { return };
    stdout(tar.arg("-C").arg(cluster.path("mirror")).arg("-xf").arg(cluster.path("b")));
    let Some(mut sha256sum) = oracle("sha256sum") else { return };
    stdout(sha256sum.current_dir(cluster.path("mirror")).args(["--check", "index.json.sha256"]));
    let program = fs::read(assert_cmd::cargo::cargo_bin!("imgbuild")).unwrap();
    assert!(program == cluster.read("mirror/program/imgbuild"));
}

#[test]
fn a_build_from_a_bundle_needs_no_network() {
    if !has_tool("unshare", &["--user", "--map-root-user", "--net", "true"]) {
        return;
    }
    let cluster = cluster(&[]);
    let mut command = cluster.command(&["unshare", "--user", "--map-root-user", "--net"]);
    stdout(command.args(FROM_BUNDLE));
    assert!(cluster.built("online") == cluster.built("offline"));
}

#[test]
fn a_build_from_a_bundle_opens_no_socket() {
    if !has_tool("strace", &["-f", "true"]) {
        return;
    }
    let cluster = cluster(&[]);
    let mut command = cluster.command(&["strace", "-f", "-qq", "-e", "trace=socket,connect", "-o", "calls"]);
    stdout(command.args(FROM_BUNDLE));
    assert_eq!(String::from_utf8_lossy(&cluster.read("calls")), "");
    assert!(cluster.built("online") == cluster.built("offline"));
}

#[test]
fn no_secret_is_in_a_bundle() {
    let cluster = cluster(&["--split", "4K"]);
    for file in super::support::depot::files(&cluster.path("")) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("b.") {
            let bytes = fs::read(&file).unwrap();
            assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()), "{name}");
        }
    }
}

#[test]
fn a_bundle_of_some_nodes_says_so() {
    let cluster = cluster(&["two"]);
    assert!(cluster.done(&["inspect", "b"]).starts_with("bundle of small, for two, by imgbuild "));
    cluster.done(&["verify", "b"]);
    let from = ["--bundle", "b", "--store", "fresh", "--out", "offline"];
    cluster.done(&[&from[..], &["two"]].concat());
    let told = cluster.fails(1, &[&from[..], &["one"]].concat());
    assert!(told.contains("thing 1.0 amd64: the bundle does not have it"), "{told}");
}

#[test]
fn a_damaged_bundle_is_not_built_from() {
    let cluster = cluster(&[]);
    let whole = cluster.read("b");
    let archive = cluster.read("mirror/h.invalid/thing-1.0.tar.gz");
    let at = whole.windows(archive.len()).position(|window| window == archive).unwrap();
    let mut bytes = whole.clone();
    bytes[at + 20] ^= 1;
    for (bytes, why) in [
        (bytes, "its digest is wrong"),
        (whole[..whole.len() - 512].to_vec(), "its index says"),
        (whole[512..].to_vec(), "does not begin as a bundle does"),
    ] {
        cluster.write("b", bytes);
        let told = cluster.fails(4, &FROM_BUNDLE);
        assert!(told.contains(why), "{told}");
        assert!(!cluster.path("offline/one").exists());
        cluster.fails(4, &["verify", "b"]);
    }
}

#[test]
fn a_bundle_brings_its_own_profile() {
    let cluster = cluster(&[]);
    for option in ["--profile", "--releases", "--overlays", "--mirror"] {
        let told = cluster.fails(2, &["--bundle", "b", option, "x", "check"]);
        assert!(told.contains(option), "{told}");
    }
}

#[test]
fn a_split_bundle_serves_as_a_whole_one() {
    let cluster = cluster(&["--split", "64K"]);
    let pieces = cluster.path("b.002").exists() && !cluster.path("b").exists();
    assert!(pieces && fs::metadata(cluster.path("b.001")).unwrap().len() == 65536);
    for name in ["b", "b.001", "b.parts.json"] {
        assert!(cluster.done(&["verify", name]).contains("intact"), "{name}");
    }
    cluster.done(&FROM_BUNDLE);
    assert!(cluster.built("online") == cluster.built("offline"));

    fs::rename(cluster.path("b.002"), cluster.path("kept")).unwrap();
    let told = cluster.fails(4, &["verify", "b"]);
    assert!(told.contains("`b.002` is missing") && !told.contains("b.001"), "{told}");
    assert!(cluster.fails(4, &FROM_BUNDLE).contains("`b.002` is missing"));

    fs::rename(cluster.path("b.001"), cluster.path("b.002")).unwrap();
    fs::rename(cluster.path("kept"), cluster.path("b.001")).unwrap();
    let told = cluster.fails(4, &["verify", "b"]);
    assert!(told.contains("`b.001`: it is piece 2") && told.contains("`b.002`: it is piece 1"), "{told}");
}
