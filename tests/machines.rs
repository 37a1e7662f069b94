//! `imgbuild boot` with shell scripts in QEMU's place: what it makes of consoles. Real machines: scripts/boot-test.
#![expect(
    clippy::disallowed_methods,
    reason = "edge: gives the program a PATH, and looks after its processes"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::support::workspace::{Run, Workspace};

const PROFILE: &str = "cluster: two\nnetwork: {subnet: 10.9.0.0/24}\nroles: {plain: [marker]}\nnodes:\n  \
    - {name: one, address: 10.9.0.1, roles: [plain], mac: \"52:54:00:12:34:56\"}\n  \
    - {name: two, address: 10.9.0.2, roles: [plain]}\n";

const QEMU_IMG: &str = r#"#!/bin/sh
case $1 in
info) echo '{"format": "raw", "virtual-size": 1024}' ;;
create) echo "$@" >>"$LOG" && for last; do case $last in *.qcow2) : >"$last" ;; esac; done ;;
esac
"#;

/// Opens the hub's ports, or is the machine: it tells its own process, its folder and its card, then what its seed's node says.
const QEMU: &str = r#"#!/bin/sh
echo $$ >>"$LOG.pids"
case "$*" in
*hubport*)
    for word; do case $word in stream,*) : >"${word##*path=}" ;; esac; done
    exec sleep 60
    ;;
esac
pwd >>"$LOG" && echo "$@" >>"$LOG"
case $(readlink "$(echo "$@" | grep -o '[0-9]*\.iso')") in
*/one/*) eval "$ONE" ;;
*/two/*) eval "$TWO" ;;
esac
"#;

const READY: &str = "printf 'Debian\\r\\n\\nimgbuild: one ready\\r\\n'; exec sleep 60";

/// Two nodes that are built, and scripts in QEMU's place.
fn workspace() -> Workspace {
    let workspace =
        Workspace::new().profile(PROFILE).component("marker/component.yaml", "description: nothing\n");
    let workspace = workspace.file("base.img", "a cloud image").file("scratch/.keep", "");
    let workspace = workspace.file("bin/qemu-img", QEMU_IMG).file("bin/qemu-system-x86_64", QEMU);
    let workspace = workspace.mode("bin/qemu-img", 0o755).mode("bin/qemu-system-x86_64", 0o755);
    workspace.run(&["--all"]).exit(0);
    workspace
}

/// The run of `boot` in which the machines of the two nodes do this.
fn boot(workspace: &Workspace, arguments: &[&str], one: &str, two: &str) -> std::process::Command {
    let mut command = workspace.command(&[&["boot", "--base", "base.img"], arguments].concat());
    let path = format!("{}:{}", workspace.path("bin").display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("TMPDIR", workspace.path("scratch")).env("LOG", workspace.path("log"));
    command.env("ONE", one).env("TWO", two);
    command
}

/// No process that was started is left, and no file that it wrote.
#[track_caller]
fn left_nothing(workspace: &Workspace) {
    for pid in workspace.text("log.pids").lines() {
        assert!(!is_running(pid), "process {pid} is left");
    }
    let left: Vec<_> = workspace.files("scratch").into_iter().map(|(name, _)| name).collect();
    assert_eq!(left, [".keep"]);
}

#[test]
fn nodes_that_are_ready_are_a_success() {
    let workspace = workspace();
    let two = "echo 'imgbuild: two ready'; exec sleep 60";
    let run = Run::of(&mut boot(&workspace, &["one", "two", "one"], READY, two)).exit(0);
    let data = run.data();
    let mut lines: Vec<_> = data.lines().collect();
    lines.sort_unstable();
    assert!(
        matches!(lines[..], [one, two] if one.starts_with("one ready after ") && two.starts_with("two ready after ")),
        "{lines:?}"
    );
    left_nothing(&workspace);
    let log = workspace.text("log");
    assert!(log.contains("mac=52:54:00:12:34:56"), "the card that the profile names is not there:\n{log}");
    assert!(
        log.contains(&format!("-b {}", workspace.path("base.img").canonicalize().unwrap().display())),
        "{log}"
    );
}

#[test]
fn a_node_that_failed_is_told_with_the_end_of_its_console() {
    let workspace = workspace();
    let two = "echo what went before; echo 'imgbuild: two failed: no overlay'; exec sleep 60";
    let run = Run::of(&mut boot(&workspace, &["one", "two", "--json"], READY, two)).exit(1);
    let run = run.says(&[
        "the end of the console of two:",
        "what went before",
        "error: 1 of 2 nodes are not ready",
    ]);
    let mut verdicts: Vec<serde_json::Value> =
        run.data().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    verdicts.sort_by_key(|verdict| verdict["node"].to_string());
    for verdict in &mut verdicts {
        assert!(verdict.as_object_mut().unwrap().remove("seconds").unwrap().is_u64());
    }
    let failed = serde_json::json!({"node": "two", "verdict": "failed", "reason": "no overlay"});
    assert_eq!(verdicts, [serde_json::json!({"node": "one", "verdict": "ready"}), failed]);
    left_nothing(&workspace);
}

#[test]
fn a_machine_that_ends_says_why() {
    let workspace = workspace();
    let run = Run::of(&mut boot(
        &workspace,
        &["one"],
        "echo half a boot; echo 'no such accelerator' >&2; exit 1",
        "",
    ));
    let run = run.exit(1).says(&["half a boot", "no such accelerator", "error: 1 of 1 nodes are not ready"]);
    assert_eq!(run.data(), "one failed after 0 s: its machine has ended without a verdict\n");
    left_nothing(&workspace);
}

#[test]
fn ctrl_c_ends_the_machines() {
    let workspace = workspace();
    let mut command = boot(&workspace, &["one"], "exec sleep 60", "");
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    while !workspace.path("log").exists() || !workspace.text("log").contains("-serial") {
        assert!(Instant::now() < end, "no machine was started");
        std::thread::sleep(Duration::from_millis(20));
    }
    interrupt(&child);
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&done.stderr).contains("error: interrupted"));
    left_nothing(&workspace);
}

fn interrupt(child: &Child) {
    let done = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(done.unwrap().success());
}

#[test]
fn a_node_gets_the_image_that_it_shares_with_others() {
    let workspace = workspace();
    workspace.run(&["--all", "--delivery", "shared"]).exit(0);
    Run::of(&mut boot(&workspace, &["one"], READY, "")).exit(0);
    assert!(workspace.text("log").contains("file=0.shared,read-only=on"), "{}", workspace.text("log"));
    left_nothing(&workspace);
    fs::remove_file(workspace.path("out/shared.iso")).unwrap();
    Run::of(&mut boot(&workspace, &["one"], READY, "")).exit(1).says(&["out/shared.iso does not exist"]);
    workspace.run(&["one", "--delivery", "http", "--url", "http://192.0.2.1"]).exit(0);
    Run::of(&mut boot(&workspace, &["one"], READY, "")).exit(1).stderr(
        "error: `one` fetches its layers over the network, which the virtual machines cannot reach\n\
         help: build it with its layers in its image: `imgbuild one --delivery image`\n",
    );
}

#[test]
fn without_qemu_it_says_what_to_install() {
    let workspace = workspace();
    let mut command = boot(&workspace, &["one"], READY, "");
    Run::of(command.env("PATH", workspace.path("scratch"))).exit(1).stderr(
        "error: `qemu-img` is not in PATH\n\
         help: install QEMU: `apt-get install qemu-system-x86 qemu-utils` on Debian and Ubuntu, \
         `dnf install qemu-system-x86-core qemu-img` on Fedora\n",
    );
}

#[test]
fn a_node_that_is_not_built_is_told_before_anything_starts() {
    let workspace = workspace();
    Run::of(&mut boot(&workspace, &["one", "three"], READY, ""))
        .exit(2)
        .stderr("error: unknown node `three`\nhelp: the nodes of the cluster `two` are `one`, `two`\n");
    fs::remove_dir_all(workspace.path("out")).unwrap();
    Run::of(&mut boot(&workspace, &["one"], READY, "")).exit(1).stderr(
        "error: `one` is not built: out/one/manifest.json does not exist\nhelp: build it first: `imgbuild one`\n",
    );
    workspace.run(&["one", "--arch", "arm64"]).exit(0);
    Run::of(&mut boot(&workspace, &["one"], READY, "")).exit(1).stderr(
        "error: `one` is built for arm64, and only machines of amd64 are booted\n\
         help: build it with `--arch amd64` to try it out\n",
    );
    assert!(!workspace.path("log.pids").exists(), "a machine was started");
}

/// A machine that cannot start with KVM, and does without.
const NO_KVM: &str = "case \"$(tail -n1 \"$LOG\")\" in *'-accel kvm'*) echo 'Assertion `ret == n` failed.' >&2; exit 134 ;; esac; \
                      printf 'imgbuild: one ready\\r\\n'; exec sleep 60";

#[test]
fn where_kvm_does_not_work_machines_are_emulated() {
    let workspace = workspace();
    let run = Run::of(&mut boot(&workspace, &["one"], NO_KVM, "")).exit(0).says(&[
        "warning: one: QEMU ended before its machine started: Assertion `ret == n` failed.\n",
        "it is started again without KVM",
    ]);
    assert!(run.data().starts_with("one ready after "));
    left_nothing(&workspace);
    // Whoever asks for KVM gets it or nothing; and emulation is tried once.
    for (arguments, machine) in
        [(&["one", "--accelerator", "kvm"][..], NO_KVM), (&["one"], "echo 'no more' >&2; exit 1")]
    {
        let run = Run::of(&mut boot(&workspace, arguments, machine, "")).exit(1);
        let told = run.data();
        let end = " s: its machine has ended without a verdict\n";
        assert!(told.starts_with("one failed after ") && told.ends_with(end), "{told}");
        left_nothing(&workspace);
    }
}

#[test]
fn what_a_killed_run_leaves_is_private_ends_with_it_and_is_removed_by_the_next() {
    let workspace = workspace();
    let mut command = boot(&workspace, &["one"], "exec sleep 600", "");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    let wait_for = |what: &str, holds: &dyn Fn() -> bool| {
        while !holds() {
            assert!(Instant::now() < end, "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for("no machine was started", &|| {
        workspace.path("log").exists() && workspace.text("log").contains("-serial")
    });
    let rooms = || {
        let entries = fs::read_dir(workspace.path("scratch")).unwrap().map(|entry| entry.unwrap());
        entries.filter(|entry| entry.file_type().unwrap().is_dir()).collect::<Vec<_>>()
    };
    assert_eq!(rooms()[0].metadata().unwrap().permissions().mode() & 0o7777, 0o700);
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("a machine outlives the program", &|| {
        workspace.text("log.pids").lines().all(|pid| !is_running(pid))
    });
    assert_eq!(rooms().len(), 1, "a killed run cannot clean");
    Run::of(&mut boot(&workspace, &["one"], READY, "")).exit(0);
    left_nothing(&workspace);
}

/// Whether a process runs; one that has ended, and that nobody has asked for, does not.
fn is_running(pid: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit(") ").next().is_some_and(|state| !state.is_empty() && !state.starts_with('Z'))
}
