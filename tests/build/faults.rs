//! A build that is killed before any of its steps, or finds the disk full there: nothing is lost, nothing half-written
//! has a final name, and the next run succeeds without cleaning.
#![expect(clippy::disallowed_methods, reason = "edge: looks at what the program left")]

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use imgbuild::audit::audit;

use crate::support::child::has_tool;
use crate::support::faults::{Fault, at_each_step};
use crate::support::small::small;
use crate::support::workspace::Workspace;

/// A component with a secret that is generated.
const SAFE: &str = "\
description: a safe
everywhere: true
secrets: {combination: {description: what opens it, generate: 24}}
private: [{path: /etc/safe, needs: [combination]}]
";

fn workspace() -> Workspace {
    small()
        .component("safe/component.yaml", SAFE)
        .component("safe/private/etc/safe.j2", "{{ secrets.combination }}\n")
}

/// The time of every file in two builds, which therefore have no file in common.
const TIMES: [&str; 2] = ["--source-date-epoch=1", "--source-date-epoch=2"];

type Built = Vec<(String, Vec<u8>)>;

/// Whatever happened: what has a name is whole, and each node as it was or as it was to be.
#[track_caller]
fn is_sound(workspace: &Workspace, step: &str, builds: &[Built; 2]) {
    for node in ["one", "two"] {
        assert_eq!(audit(&workspace.path("out").join(node)).unwrap().faults, [], "{step}: {node}");
        let files = workspace.files(&format!("out/{node}"));
        let is = |build: &&Built| {
            let own = build.iter().filter(|(path, _)| path.starts_with(node));
            own.map(|(_, bytes)| bytes).eq(files.iter().map(|(_, bytes)| bytes))
        };
        assert!(builds.iter().any(|build| is(&build)), "{step}: {node} is neither old nor new");
    }
    assert_eq!(audit(&workspace.path("cache/imgbuild")).unwrap().faults, [], "{step}");
}

/// The next run puts all right, and leaves nothing over.
#[track_caller]
fn recovers(workspace: &Workspace, step: &str, build: usize) -> Built {
    workspace.run(&["--all", "--quiet", TIMES[build]]).exit(0);
    let built = workspace.files("out");
    assert_eq!(built.len(), 2 * 6, "{step}");
    for folder in ["tmp", "partial"] {
        assert_eq!(workspace.files(&format!("cache/imgbuild/{folder}")), [], "{step}");
    }
    assert!(!workspace.path(".secrets.yaml.new").exists(), "{step}");
    built
}

/// Builds in turn with two times, by which every file differs, with the fault at each step. Layers are made anew.
fn at_each_step_of_a_build(fault: Fault, check: impl Fn(&str, &Output)) {
    if !has_tool("strace", &["-f", "true"]) {
        return;
    }
    let workspace = workspace();
    let builds = [0, 1].map(|build| recovers(&workspace, "before", build));
    let build = Cell::new(1);
    let command = |strace: Command| {
        build.set(1 - build.get());
        let _ = fs::remove_dir_all(workspace.path("cache/imgbuild/layers"));
        workspace.command_of(strace, &["--all", "--quiet", TIMES[build.get()]])
    };
    let steps = at_each_step(fault, &workspace, &[], command, |step, output| {
        check(step, output);
        is_sound(&workspace, step, &builds);
        assert!(recovers(&workspace, step, build.get()) == builds[build.get()], "{step}");
    });
    assert!(steps > 40, "{steps} steps");
}

#[test]
fn a_build_killed_at_any_step_leaves_each_node_old_or_new() {
    at_each_step_of_a_build(Fault::Kill, |_, _| {});
}

#[test]
fn a_build_that_finds_the_disk_full_at_any_step_says_so_or_does_without() {
    at_each_step_of_a_build(Fault::Full, |step, output| {
        let told = String::from_utf8_lossy(&output.stderr);
        let is_said = output.status.code() == Some(1) && told.contains("No space left on device");
        assert!(
            output.status.success() || is_said && told.contains("help: free disk space"),
            "{step}: {told}"
        );
    });
}

#[test]
fn a_generated_secret_is_kept_whole_or_not_at_all() {
    if !has_tool("strace", &["-f", "true"]) {
        return;
    }
    let workspace = workspace();
    let given = workspace.text("secrets.yaml");
    let command = |strace: Command| {
        workspace.write("secrets.yaml", &given);
        fs::set_permissions(workspace.path("secrets.yaml"), fs::Permissions::from_mode(0o600)).unwrap();
        workspace.command_of(strace, &["one", "--quiet"])
    };
    let only = ["secrets.yaml", ".secrets.yaml.new"];
    for fault in [Fault::Kill, Fault::Full] {
        let steps = at_each_step(fault, &workspace, &only, command, |step, _| {
            let kept = workspace.text("secrets.yaml");
            assert!(kept == given || kept.lines().count() == 2 && kept.ends_with("\"\n"), "{step}: {kept}");
            workspace.run(&["one", "--quiet"]).exit(0);
            let kept = workspace.text("secrets.yaml");
            let value = kept.split('"').nth(1).unwrap();
            assert!(workspace.text("out/one/user-data").contains(value), "{step}");
            assert_eq!(workspace.permissions("secrets.yaml"), 0o600, "{step}");
            assert!(!workspace.path(".secrets.yaml.new").exists(), "{step}");
        });
        assert!(steps >= 3, "{steps} steps");
    }
}
