//! Bundles as people use them: written online, carried in files, built from without any network.
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

mod bytes;
mod hostile;
mod interrupted;
mod places;

use std::fs;
use std::process::Command;

use super::support::child::has_tool;
use super::support::oracle::{oracle, stdout};
use super::support::small::{ARCHIVE, SECRET, archive, away, small, small_with};
use super::support::workspace::{Run, Workspace};

/// A build of all from the bundle alone.
const OFFLINE: [&str; 8] = ["--bundle", "b", "--store", "fresh", "--out", "offline", "--all", "--quiet"];

/// A cluster that was built online, and its bundle.
fn bundled(more: &[&str]) -> Workspace {
    let workspace = small();
    workspace.run(&["--all", "--quiet"]).exit(0);
    workspace.run(&[&["bundle", "-o", "b", "--quiet"], more].concat()).exit(0);
    // The bundle goes to a machine that has made none of the layers.
    fs::remove_dir_all(workspace.path("cache")).unwrap();
    workspace
}

/// A build from the bundle gives what the build online gave.
#[track_caller]
fn builds_the_same(workspace: &Workspace) {
    away(workspace, &OFFLINE).exit(0);
    is_the_same(workspace);
}

#[track_caller]
fn is_the_same(workspace: &Workspace) {
    let online = workspace.files("out");
    assert_eq!(online.len(), 2 * 6);
    assert!(online == workspace.files("offline"));
}

#[test]
fn a_bundle_builds_the_same_bytes_as_an_online_build() {
    let workspace = bundled(&[]);
    // Nothing of what it was made of is needed.
    for input in ["profile.yaml", "releases.yaml"] {
        fs::remove_file(workspace.path(input)).unwrap();
    }
    for input in ["overlays", "mirror"] {
        fs::remove_dir_all(workspace.path(input)).unwrap();
    }
    builds_the_same(&workspace);
    for arguments in [&["check"][..], &["plan"], &["show", "one", "/etc/thing.conf"], &["fetch"]] {
        away(&workspace, &[&["--bundle", "b"], arguments].concat()).exit(0);
    }
}

#[test]
fn the_default_cluster_and_another_time_are_built_from_a_bundle_too() {
    let workspace = Workspace::with_releases();
    let time = ["--source-date-epoch", "1700000000"];
    workspace.run(&[&["--all", "--arch", "arm64"], &time[..]].concat()).exit(0);
    workspace.run(&["bundle", "-o", "b", "--arch", "arm64"]).exit(0);
    away(&workspace, &[&OFFLINE[..], &time[..]].concat()).exit(0);
    assert!(workspace.files("out") == workspace.files("offline"));
}

#[test]
fn equal_input_gives_equal_bundles() {
    let workspace = bundled(&[]);
    let first = workspace.read("b");
    workspace.run(&["--store", "other", "bundle", "--output", "again", "two", "one"]).exit(0);
    assert!(first == workspace.read("again"));
    away(&workspace, &["--bundle", "b", "--store", "fresh", "bundle", "-o", "again"]).exit(0);
    assert!(first == workspace.read("again"), "a bundle of a bundle");
}

#[test]
fn a_bundle_is_an_ordinary_tar_that_begins_with_its_index() {
    let workspace = bundled(&["--with-program"]);
    for program in ["tar", "bsdtar"] {
        let Some(mut program) = oracle(program) else { continue };
        let list = stdout(program.arg("-tf").arg(workspace.path("b")));
        let names: Vec<_> = list.lines().collect();
        assert_eq!(names[..2], ["index.json", "index.json.sha256"]);
        assert!(names.contains(&"program/imgbuild") && names.contains(&"overlays/thing/component.yaml"));
    }
    let Some(mut tar) = oracle("tar") else { return };
    fs::create_dir(workspace.path("unpacked")).unwrap();
    stdout(tar.arg("-C").arg(workspace.path("unpacked")).arg("-xf").arg(workspace.path("b")));
    let Some(mut sha256sum) = oracle("sha256sum") else { return };
    stdout(sha256sum.current_dir(workspace.path("unpacked")).args(["--check", "index.json.sha256"]));
    let index: serde_json::Value = serde_json::from_slice(&workspace.read("unpacked/index.json")).unwrap();
    assert_eq!(index, away(&workspace, &["inspect", "b", "--json"]).exit(0).json());
    let artifact = index["parts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|part| part["name"] == "thing" && part["version"] != serde_json::Value::Null)
        .unwrap();
    let file = workspace.read(ARCHIVE);
    assert_eq!((&artifact["version"], &artifact["size"]), (&"1.0 amd64".into(), &file.len().into()));
    let program = workspace.path("unpacked/program/imgbuild");
    let version = stdout(Command::new(program).arg("--version"));
    assert_eq!(version, format!("imgbuild {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_build_from_a_bundle_needs_no_network_and_opens_no_socket() {
    let workspace = bundled(&[]);
    let in_no_network = ["--user", "--map-root-user", "--net"];
    if has_tool("unshare", &[&in_no_network[..], &["true"]].concat()) {
        let mut unshare = Command::new("unshare");
        unshare.args(in_no_network);
        Run::of(&mut workspace.bare_of(unshare, &OFFLINE)).exit(0);
        is_the_same(&workspace);
        for folder in ["fresh", "offline", "cache"] {
            fs::remove_dir_all(workspace.path(folder)).unwrap();
        }
    }
    if has_tool("strace", &["-f", "true"]) {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-e", "trace=%network,io_uring_setup", "-o", "calls"]);
        Run::of(&mut workspace.bare_of(strace, &OFFLINE)).exit(0);
        assert_eq!(workspace.text("calls"), "", "not even one of the system's own");
        is_the_same(&workspace);
    }
}

#[test]
fn no_secret_is_in_a_bundle() {
    // Whatever a test leaves is searched for its secrets; this one leaves bundles.
    drop(bundled(&["--split", "4K"]));
    for (path, text) in [
        ("thing/files/etc/token", SECRET.to_owned()),
        ("thing/README.md", format!("admin_password: {SECRET}\n")),
    ] {
        let workspace = small().component(path, text);
        let run = workspace.run(&["bundle", "-o", "b"]).exit(3).hides(SECRET);
        run.says(&[&format!("`overlays/{path}` contains the value of the secret `admin_password`")]);
        assert!(!workspace.path("b").exists());
    }
}

#[test]
fn a_bundle_of_some_nodes_says_so() {
    let workspace = bundled(&["two"]);
    let listed = away(&workspace, &["inspect", "b"]).exit(0).data();
    assert!(listed.starts_with("bundle of small, for two, by imgbuild "), "{listed}");
    away(&workspace, &["verify", "b"]).exit(0);
    let from = ["--bundle", "b", "--store", "fresh", "--out", "offline"];
    away(&workspace, &[&from[..], &["two"]].concat()).exit(0);
    let run = away(&workspace, &[&from[..], &["one"]].concat()).exit(5);
    run.says(&["thing 1.0 amd64: the bundle does not have it", "imgbuild inspect"]);
}

#[test]
fn a_damaged_bundle_is_not_built_from() {
    let workspace = bundled(&[]);
    let whole = workspace.read("b");
    let artifact = workspace.read(ARCHIVE);
    let at = whole.windows(artifact.len()).position(|window| window == artifact).unwrap();
    let mut bytes = whole.clone();
    bytes[at + 20] ^= 1;
    for (bytes, why) in [
        (bytes, "digest mismatch"),
        (whole[..whole.len() - 512].to_vec(), "from its index"),
        (whole[512..].to_vec(), "is not a bundle, or its beginning is damaged"),
    ] {
        workspace.write("b", bytes);
        away(&workspace, &OFFLINE).exit(4).says(&[why]);
        assert!(!workspace.path("offline/one").exists());
        away(&workspace, &["verify", "b"]).exit(4);
    }
    workspace.write("b", whole);
    builds_the_same(&workspace);
}

#[test]
fn a_bundle_brings_its_own_profile() {
    let workspace = bundled(&[]);
    for option in ["--profile", "--releases", "--overlays", "--mirror"] {
        away(&workspace, &["--bundle", "b", option, "x", "check"]).exit(2).says(&[option]);
    }
}

#[test]
fn a_place_where_no_bundle_can_be_is_refused_before_anything_is_fetched() {
    let workspace = small().file("is-there", "mine").file("folder/file", "");
    for (arguments, why) in [
        (&["nowhere/b"][..], "its folder does not exist"),
        (&["folder"], "it is not a plain file"),
        (&["/dev/null"], "it is not a plain file"),
        (&["is-there", "--split", "4K"], "would be taken for the split bundle"),
    ] {
        let run = workspace.run(&[&["bundle", "-o"], arguments].concat()).exit(2);
        run.stdout("").says(&[why]);
        workspace.wrote_nothing();
    }
    assert_eq!(workspace.text("is-there"), "mine");
}

#[test]
fn a_split_bundle_serves_as_a_whole_one() {
    let workspace = bundled(&["--split", "64K"]);
    let pieces = workspace.path("b.002").exists() && !workspace.path("b").exists();
    assert!(pieces && workspace.read("b.001").len() == 65536);
    for name in ["b", "b.001", "b.parts.json"] {
        let told = away(&workspace, &["verify", name]).exit(0).data();
        assert!(told.contains("intact"), "{name}: {told}");
    }
    builds_the_same(&workspace);

    fs::rename(workspace.path("b.002"), workspace.path("kept")).unwrap();
    away(&workspace, &["verify", "b"]).exit(4).says(&["`b.002` is missing"]).hides("b.001");
    away(&workspace, &OFFLINE).exit(4).says(&["`b.002` is missing"]);

    fs::rename(workspace.path("b.001"), workspace.path("b.002")).unwrap();
    fs::rename(workspace.path("kept"), workspace.path("b.001")).unwrap();
    let run = away(&workspace, &["verify", "b"]).exit(4);
    run.says(&["`b.001`: it is piece 2", "`b.002`: it is piece 1"]);
}

#[test]
fn a_split_bundle_is_joined_where_it_lies() {
    let size = 3 << 20;
    let workspace = small_with(&archive(&noise(size)));
    workspace.run(&["bundle", "-o", "b", "--split", "64K"]).exit(0);
    if has_tool("strace", &["-f", "true"]) {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-e", "trace=openat,creat", "-e", "status=successful", "-o", "calls"]);
        Run::of(&mut workspace.bare_of(strace, &["verify", "b"])).exit(0);
        let calls = workspace.text("calls");
        let writes: Vec<_> = calls.lines().filter(|call| !call.contains("O_RDONLY")).collect();
        assert!(writes.is_empty() && calls.contains("b.048"), "{writes:?}");
    }
    let shell = "cat b.0* > joined";
    stdout(Command::new("sh").current_dir(workspace.path("")).args(["-c", shell]));
    away(&workspace, &["verify", "joined"]).exit(0);
}

#[test]
fn a_bundle_in_fewer_pieces_leaves_none_of_the_earlier_ones() {
    let workspace = bundled(&["--split", "16K"]);
    let more = fs::read_dir(workspace.path("")).unwrap().count();
    workspace.run(&["bundle", "-o", "b", "--split", "64K"]).exit(0);
    let fewer = fs::read_dir(workspace.path("")).unwrap().count();
    assert!(fewer < more);
    away(&workspace, &["verify", "b"]).exit(0);
}

#[test]
fn neither_a_bundle_nor_what_is_in_it_has_to_fit_into_memory() {
    if !has_tool("prlimit", &["--data=33554432", "taskset", "-c", "0", "true"]) {
        return;
    }
    let workspace = small_with(&archive(&noise(40 << 20)));
    assert!(workspace.read(ARCHIVE).len() > 40 << 20, "noise does not shrink");
    let prlimit = || {
        let mut prlimit = Command::new("prlimit");
        // On one core, for each takes blocks of its own to compress.
        prlimit.args(["--data=33554432", "taskset", "-c", "0"]);
        prlimit
    };
    for (bundle, split) in [("b", &[][..]), ("s", &["--split", "10M"])] {
        let write = [&["bundle", "-o", bundle], split].concat();
        Run::of(&mut workspace.command_of(prlimit(), &write)).exit(0);
        for arguments in [
            &["verify", bundle][..],
            &["inspect", bundle],
            &["--bundle", bundle, "--store", "fresh", "--out", "offline", "one"],
        ] {
            Run::of(&mut workspace.bare_of(prlimit(), arguments)).exit(0);
        }
    }
}

/// Bytes that no compression makes fewer: its window is smaller than what repeats.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    };
    let block: Vec<_> = std::iter::repeat_with(next).take(1 << 20).collect();
    block.repeat(size.div_ceil(block.len()))
}
