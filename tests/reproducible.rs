//! The same input gives the same bytes, wherever, whenever and by whomever it is built.
#![expect(clippy::disallowed_methods, reason = "edge: builds in other places")]

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::support::oracle::{oracle, skip};
use super::support::overlay::unpack;
use super::support::workspace::{Run, Workspace};

const PROFILE: &str = include_str!("../profiles/patroni.yaml");
const SECRETS: &str = "admin_password: geheim\ngrafana_admin_password: geheimer\n";

/// A workspace whose outputs follow from these files alone.
fn workspace() -> Workspace {
    Workspace::with_releases()
        .profile(PROFILE)
        .secrets(SECRETS)
        .component("extra/component.yaml", "description: extra\neverywhere: true\n")
        .component("extra/files/etc/b.conf", "b\n")
        .component("extra/files/etc/a.conf.j2", "{{ node.name }}\n")
}

type Built = Vec<(String, Vec<u8>)>;

#[track_caller]
fn built(workspace: &Workspace) -> Built {
    workspace.run(&["--all", "--quiet"]).exit(0);
    let files = workspace.files("out");
    assert_eq!(files.len(), 4 * 6);
    files
}

/// Both builds have the same files, with the same bytes.
#[track_caller]
fn assert_same(one: &Built, other: &Built, why: &str) {
    for ((name, bytes), (other_name, other_bytes)) in one.iter().zip(other) {
        assert_eq!(name, other_name, "{why}");
        assert!(bytes == other_bytes, "{why}: {name} differs");
    }
    assert_eq!(one.len(), other.len(), "{why}");
}

#[test]
fn another_place_umask_zone_and_age_give_the_same_bytes() {
    let first = built(&workspace());
    let other = workspace();
    // Other ages of the inputs, in another order.
    let files = ["overlays/extra/files/etc/b.conf", "overlays/extra/component.yaml", "profile.yaml"];
    for (age, file) in files.into_iter().enumerate() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_hours(10_000 * (age as u64 + 1));
        fs::File::options().write(true).open(other.path(file)).unwrap().set_modified(time).unwrap();
    }
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 077; exec \"$@\"", "sh"]);
    let mut build = other.command_of(shell, &["--all", "--quiet"]);
    build.env("TZ", "Pacific/Kiritimati").env("LC_ALL", "tr_TR.UTF-8").env("LANG", "C");
    Run::of(build.env("XDG_CACHE_HOME", other.path("elsewhere"))).exit(0);
    assert_same(&first, &other.files("out"), "place, umask, time zone, age");
    for name in ["overlay.tar.gz", "user-data", "manifest.json"] {
        let mode = if name == "overlay.tar.gz" { 0o644 } else { 0o600 };
        assert_eq!(other.permissions(&format!("out/prmt-1/{name}")), mode, "{name}, whatever the umask");
    }
}

#[test]
fn kept_layers_give_the_bytes_of_new_ones() {
    let workspace = workspace();
    let first = built(&workspace);
    fs::remove_dir_all(workspace.path("out")).unwrap();
    assert_same(&first, &built(&workspace), "layers from the cache");
    fs::remove_dir_all(workspace.path("out")).unwrap();
    fs::remove_dir_all(workspace.path("cache/imgbuild/derived/records")).unwrap();
    assert_same(&first, &built(&workspace), "artifacts from the store, layers anew");
    // One by one, in another order.
    fs::remove_dir_all(workspace.path("out")).unwrap();
    for node in ["prmt-1", "ptrn-3", "ptrn-1", "ptrn-2"] {
        workspace.run(&[node, "--quiet"]).exit(0);
    }
    assert_same(&first, &workspace.files("out"), "one by one");
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let Some(mut one_core) = oracle("taskset") else { return };
    let first = built(&workspace());
    let other = workspace();
    one_core.args(["-c", "0"]);
    Run::of(&mut other.command_of(one_core, &["--all", "--quiet"])).exit(0);
    assert_same(&first, &other.files("out"), "one core");
}

#[test]
fn the_epoch_is_in_overlay_and_image_and_moves_nothing_else() {
    let workspace = workspace();
    let first = built(&workspace);
    let run = |epoch: &str| Run::of(workspace.command(&["--all", "--quiet"]).env("SOURCE_DATE_EPOCH", epoch));
    run("1700000000").exit(0);
    let later = workspace.files("out");
    let changed: Vec<_> =
        first.iter().zip(&later).filter(|(a, b)| a != b).map(|((name, _), _)| name.as_str()).collect();
    let names = ["manifest.json", "overlay.tar.gz", "seed.iso", "user-data"];
    let nodes = ["prmt-1", "ptrn-1", "ptrn-2", "ptrn-3"];
    let expected: Vec<_> = nodes.iter().flat_map(|node| names.map(|name| format!("{node}/{name}"))).collect();
    assert_eq!(changed, expected);
    for (name, bytes) in &later {
        if name.ends_with("overlay.tar.gz") {
            let before = &first.iter().find(|(other, _)| other == name).unwrap().1;
            assert!(unpack(bytes) == unpack(before), "{name}: the files are the same");
        }
    }
    run("tomorrow").exit(2).says(&["SOURCE_DATE_EPOCH"]);
    run("99999999999999999999").exit(2);
    run("0").exit(0);
    assert_same(&first, &workspace.files("out"), "the epoch is 0 by default");
}

#[test]
fn gnu_tar_sees_the_epoch_and_root_alone() {
    let Some(mut tar) = oracle("tar") else { return };
    let workspace = workspace();
    Run::of(workspace.command(&["ptrn-1", "--quiet"]).env("SOURCE_DATE_EPOCH", "1700000000")).exit(0);
    let arguments = ["--numeric-owner", "--full-time", "-tvzf", "out/ptrn-1/overlay.tar.gz"];
    let output = tar.args(arguments).env("TZ", "UTC").current_dir(workspace.path(".")).output().unwrap();
    let listing = String::from_utf8(output.stdout).unwrap();
    if !output.status.success() {
        return skip("GNU tar");
    }
    assert!(listing.lines().count() > 10, "{listing}");
    for line in listing.lines() {
        assert!(line.contains(" 0/0 ") && line.contains(" 2023-11-14 22:13:20 "), "{line}");
    }
}
