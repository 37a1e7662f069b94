//! `scripts/imgbuild`: when it compiles, and whose profile, pins and components it gives to the program.
#![expect(
    clippy::disallowed_methods,
    reason = "edge: copies a checkout, and runs its script among programs of its own"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::support::workspace::{Run, Workspace};

/// Records each call, and puts the program under test where cargo puts what it compiles.
const CARGO: &str = "#!/bin/sh
if [ \"$1\" = --version ]; then echo 'cargo 999.0.0'; exit; fi
echo compiled >>\"$RECORD\"
mkdir -p checkout/target/debug
ln -sf \"$PROGRAM\" checkout/target/debug/imgbuild
";

/// What people write of a cluster, and what imgbuild is compiled from.
const COPIED: [&str; 8] = [
    "scripts/imgbuild",
    "scripts/lib",
    "profiles",
    "overlays",
    "build.rs",
    "Cargo.toml",
    "Cargo.lock",
    "src/main.rs",
];

/// A checkout whose program is compiled at once.
fn checkout() -> Workspace {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = Workspace::new().file("bin/cargo", CARGO).mode("bin/cargo", 0o755);
    for name in COPIED {
        let target = workspace.path("checkout").join(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        assert!(Command::new("cp").arg("-R").args([&root.join(name), &target]).status().unwrap().success());
    }
    workspace
}

fn imgbuild(workspace: &Workspace, arguments: &[&str]) -> Command {
    let path = std::env::var_os("PATH").unwrap();
    let folders = std::iter::once(workspace.path("bin")).chain(std::env::split_paths(&path));
    let mut command = Command::new("bash");
    command.arg(workspace.path("checkout/scripts/imgbuild")).args(arguments);
    command.env_clear().env("PATH", std::env::join_paths(folders).unwrap()).env("HOME", workspace.path("."));
    command.env("PROGRAM", env!("CARGO_BIN_EXE_imgbuild")).env("RECORD", workspace.path("record"));
    command.current_dir(workspace.path("."));
    command
}

fn run(workspace: &Workspace, arguments: &[&str]) -> Run {
    Run::of(&mut imgbuild(workspace, arguments))
}

fn times_compiled(workspace: &Workspace) -> usize {
    workspace.text("record").lines().count()
}

/// Replaces text of a file, which then is younger than all others.
fn edit(workspace: &Workspace, path: &str, old: &str, new: &str) {
    let text = workspace.text(path);
    assert!(text.contains(old), "{path} does not contain {old}");
    workspace.write(path, text.replace(old, new));
    let file = fs::File::options().write(true).open(workspace.path(path)).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_mins(1)).unwrap();
}

#[test]
fn an_edit_of_profile_pins_or_component_compiles_nothing_and_counts() {
    let workspace = checkout();
    run(&workspace, &["check"]).exit(0).says(&["compiling imgbuild and its libraries, once"]);
    edit(
        &workspace,
        "checkout/profiles/patroni.yaml",
        "heartbeat_interval: 2000",
        "heartbeat_interval: 1234",
    );
    edit(&workspace, "checkout/profiles/releases.yaml", "version: 12.1.1", "version: 12.1.2");
    edit(
        &workspace,
        "checkout/overlays/etcd/component.yaml",
        "/usr/local/bin/etcdutl",
        "/usr/local/bin/other",
    );
    let shown = run(&workspace, &["show", "ptrn-1", "/etc/etcd/etcd.conf", "--quiet"]).exit(0);
    assert!(shown.data().contains("1234"), "{}", shown.data());
    let planned = run(&workspace, &["plan", "--quiet"]).exit(0).data();
    assert!(planned.contains("/usr/local/bin/other") && planned.contains("grafana 12.1.2"), "{planned}");
    assert_eq!(times_compiled(&workspace), 1);
}

#[test]
fn an_edit_of_a_source_compiles_once() {
    let workspace = checkout();
    run(&workspace, &["check"]).exit(0);
    edit(&workspace, "checkout/src/main.rs", "fn main", "fn  main");
    run(&workspace, &["check"]).exit(0).says(&["compiling what has changed"]);
    assert_eq!(times_compiled(&workspace), 2);
}

#[test]
fn what_the_caller_names_goes_before_the_checkout() {
    let workspace = checkout().file("pins.yaml", "releases: {}\n");
    run(&workspace, &["check", "--profile", "nowhere.yaml"]).exit(3).says(&["nowhere.yaml"]);
    run(&workspace, &["check", "--profile=nowhere.yaml"]).exit(3).says(&["nowhere.yaml"]);
    let mut command = imgbuild(&workspace, &["check"]);
    Run::of(command.env("IMGBUILD_RELEASES", "pins.yaml")).exit(3).says(&["pins.yaml"]);
}

#[test]
fn components_beside_another_folder_are_compiled_in_when_they_change() {
    let workspace = checkout().file("mine/own/component.yaml", "description: mine\n");
    run(&workspace, &["check", "--overlays", "mine"]).exit(0);
    run(&workspace, &["check", "--overlays", "mine"]).exit(0);
    assert_eq!(times_compiled(&workspace), 1);
    edit(&workspace, "checkout/overlays/etcd/component.yaml", "etcd", "etcd");
    run(&workspace, &["check"]).exit(0);
    assert_eq!(times_compiled(&workspace), 1);
    run(&workspace, &["check", "--overlays", "mine"]).exit(0);
    assert_eq!(times_compiled(&workspace), 2);
}

#[test]
fn verbs_without_a_profile_and_bundles_take_none_from_the_checkout() {
    let workspace = checkout();
    run(&workspace, &["completions", "bash"]).exit(0);
    run(&workspace, &["schema", "profile"]).exit(0);
    run(&workspace, &["check", "--bundle", "nowhere"]).says(&["nowhere"]).hides("--profile");
}
