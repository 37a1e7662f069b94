//! Machines that lack something, and others on the same machine: a build does without, or says what is lacking and a way on.
#![expect(clippy::disallowed_methods, reason = "edge: puts things in the way of the program")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::child::has_tool;
use crate::support::small::{archive, small, small_with};
use crate::support::workspace::{Run, Workspace};

/// strace with faults for these system calls; `None` where it cannot be had.
fn strace(faults: &[&str]) -> Option<Command> {
    has_tool("strace", &["-f", "true"]).then(|| {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null"]);
        for fault in faults {
            strace.args(["-e", &format!("inject={fault}")]);
        }
        strace
    })
}

#[test]
fn a_system_that_cannot_exchange_two_names_builds_all_the_same() {
    for error in ["EINVAL", "ENOSYS"] {
        let Some(reference) = strace(&[]) else { return };
        let workspace = small();
        Run::of(&mut workspace.command_of(reference, &["--all", "--quiet", "--out", "reference"])).exit(0);
        for time in ["1", "2", "0"] {
            let strace = strace(&[&format!("renameat2:error={error}")]).unwrap();
            let arguments = ["--all", "--quiet", "--source-date-epoch", time];
            Run::of(&mut workspace.command_of(strace, &arguments)).exit(0);
            let names: Vec<_> =
                fs::read_dir(workspace.path("out")).unwrap().map(|one| one.unwrap().file_name()).collect();
            assert_eq!(names.len(), 3, "two nodes and the lock: {names:?}");
        }
        assert!(workspace.files("out") == workspace.files("reference"), "{error}");
    }
}

#[test]
fn what_was_cut_off_between_two_names_is_put_back() {
    for step in 1..=4 {
        let fault = format!("rename:signal=SIGKILL:when={step}");
        let Some(strace) = strace(&["renameat2:error=ENOSYS", &fault]) else { return };
        let workspace = small();
        workspace.run(&["one", "--quiet", "--store", "store"]).exit(0);
        workspace.run(&["one", "--quiet", "--store", "store", "--reprovision"]).exit(0);
        let before = workspace.files("out");
        let arguments = ["one", "--quiet", "--store", "store", "--source-date-epoch", "7"];
        let _ = workspace.command_of(strace, &arguments).output().unwrap();
        // The instance-id is counted on from what is there.
        workspace.run(&["one", "--quiet", "--store", "store"]).exit(0);
        assert!(workspace.files("out") == before, "{step}");
        let names: Vec<_> =
            fs::read_dir(workspace.path("out")).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{step}: {names:?}");
    }
}

#[test]
fn a_file_system_without_locks_is_named_with_a_way_on() {
    for error in ["ENOLCK", "ENOSYS", "EOPNOTSUPP"] {
        for (when, place) in [("when=1+", "cache/imgbuild"), ("path", "out/.imgbuild.lock")] {
            let fault = if when == "path" {
                format!("flock:error={error}")
            } else {
                format!("flock:error={error}:{when}")
            };
            let Some(mut strace) = strace(&[&fault]) else { return };
            let workspace = small();
            if when == "path" {
                workspace.run(&["one", "--quiet", "--out", "before"]).exit(0);
                fs::create_dir(workspace.path("out")).unwrap();
                fs::write(workspace.path("out/.imgbuild.lock"), "").unwrap();
                strace.arg("-P").arg(workspace.path("out/.imgbuild.lock"));
            }
            let run = Run::of(&mut workspace.command_of(strace, &["one", "--quiet"])).exit(1).stdout("");
            run.says(&[
                "failed to lock `",
                place,
                "its file system does not support file locks (",
                "help: ",
                "`--out DIR`, `--store DIR`",
            ]);
            assert!(!workspace.path("out/one").exists());
        }
    }
}

#[test]
fn a_build_says_which_lock_it_waits_for() {
    let workspace = small();
    workspace.run(&["one", "--quiet"]).exit(0);
    assert_eq!(workspace.permissions("out/.imgbuild.lock"), 0o600);
    fs::set_permissions(workspace.path("out/.imgbuild.lock"), fs::Permissions::from_mode(0o644)).unwrap();
    let lock = fs::File::open(workspace.path("out/.imgbuild.lock")).unwrap();
    lock.lock().unwrap();
    let started = Instant::now();
    let mut build =
        workspace.command(&["one", "--quiet"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_millis(2500));
    assert!(build.try_wait().unwrap().is_none(), "it waits");
    drop(lock);
    let output = build.wait_with_output().unwrap();
    assert!(output.status.success() && started.elapsed() > Duration::from_millis(2500));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        errors,
        "waiting for another build that writes there: it holds the lock `out/.imgbuild.lock`\n"
    );
    assert_eq!(
        workspace.permissions("out/.imgbuild.lock"),
        0o600,
        "those who may only read it can stop nobody again"
    );
}

#[test]
fn no_write_follows_a_link_that_was_planted() {
    let workspace = small().file("victim", "precious");
    fs::create_dir(workspace.path("out")).unwrap();
    symlink("../victim", workspace.path("out/.imgbuild.lock")).unwrap();
    let run = workspace.run(&["one", "--quiet"]).exit(1);
    run.says(&[
        "refused to write to `out/.imgbuild.lock`: it is not a plain file",
        "help: check where it comes from",
    ]);
    fs::remove_dir_all(workspace.path("out")).unwrap();

    let digest = imgbuild::digest::Sha256::of(workspace.read(crate::support::small::ARCHIVE)).to_string();
    fs::remove_dir_all(workspace.path("cache")).unwrap();
    for folder in ["partial", "lock", "tmp", "sha256"] {
        fs::create_dir_all(workspace.path("store").join(folder)).unwrap();
    }
    symlink("../victim", workspace.path("store/CACHEDIR.TAG")).unwrap();
    for name in [digest.clone(), format!("{digest}.validator")] {
        symlink("../../victim", workspace.path("store/partial").join(name)).unwrap();
    }
    workspace.run(&["one", "--quiet", "--store", "store"]).exit(0);
    assert_eq!(workspace.text("victim"), "precious");
    assert!(fs::symlink_metadata(workspace.path("store/sha256").join(&digest)).unwrap().is_file());
    symlink("../../victim", workspace.path("store/lock").join("7".repeat(64))).unwrap();
    fs::remove_file(workspace.path("store/lock/tmp")).unwrap();
    symlink("../../victim", workspace.path("store/lock/tmp")).unwrap();
    fs::remove_file(workspace.path("store/sha256").join(&digest)).unwrap();
    let run = workspace.run(&["fetch", "--quiet", "--store", "store"]).exit(1);
    run.says(&["refused to write to `store/lock/tmp`"]);
    assert_eq!(workspace.text("victim"), "precious");
}

#[test]
fn what_another_user_put_where_everybody_may_is_refused() {
    let workspace = small();
    let chown = |path: &str| {
        Command::new("chown").arg("nobody").arg(workspace.path(path)).status().unwrap().success()
    };
    fs::create_dir_all(workspace.path("everybody/out")).unwrap();
    fs::set_permissions(workspace.path("everybody"), fs::Permissions::from_mode(0o1777)).unwrap();
    if !chown("everybody/out") {
        // Nobody but root can give files away.
        return;
    }
    let build = |out: &str| workspace.run(&["one", "--quiet", "--out", out]);
    let run = build("everybody/out").exit(1);
    run.says(&[
        "refused to write to `everybody/out`: it belongs to another user",
        "help: choose a folder that only you can write to",
    ]);
    // In a folder of one's own it is no trap.
    fs::create_dir(workspace.path("given")).unwrap();
    assert!(chown("given"));
    build("given").exit(0);
    for (path, is_folder) in [("one", true), (".imgbuild.lock", false)] {
        let path = format!("everybody/{path}");
        if is_folder {
            fs::create_dir(workspace.path(&path)).unwrap();
        } else {
            fs::write(workspace.path(&path), "").unwrap();
        }
        assert!(chown(&path));
        build("everybody").exit(1).says(&[&format!("refused to write to `everybody/{}`", &path[10..])]);
        let _ = fs::remove_dir(workspace.path(&path)).or_else(|_| fs::remove_file(workspace.path(&path)));
    }
    build("everybody").exit(0);
}

#[test]
fn what_is_being_written_is_nobody_elses_to_see_and_is_swept_after_a_kill() {
    let Some(strace) = strace(&["renameat2:signal=SIGKILL:when=1"]) else { return };
    let workspace = small();
    // What is kept of it moves nothing from here on.
    workspace.run(&["one", "--quiet", "--out", "before"]).exit(0);
    let _ = workspace.command_of(strace, &["one", "--quiet"]).output().unwrap();
    let staged = || {
        let entries = fs::read_dir(workspace.path("out")).unwrap().map(|entry| entry.unwrap());
        entries
            .filter(|entry| entry.file_type().unwrap().is_dir())
            .map(|entry| entry.path())
            .collect::<Vec<_>>()
    };
    let left = staged();
    assert_eq!(left.len(), 1, "the build was killed before it gave the folder its name");
    let secret = fs::read_to_string(left[0].join("user-data")).unwrap();
    assert!(secret.contains(crate::support::small::SECRET));
    assert_eq!(fs::metadata(left[0].join("user-data")).unwrap().permissions().mode() & 0o7777, 0o600);
    // Whatever is built next, and even if nothing is.
    workspace.run(&["two", "--quiet"]).exit(0);
    assert_eq!(staged(), [workspace.path("out/two")]);
}

/// A program that takes several blocks to compress.
fn large() -> Workspace {
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    });
    small_with(&archive(&noise.take(3 << 20).collect::<Vec<_>>()))
}

#[test]
fn a_system_that_gives_no_threads_builds_the_same() {
    let Some(plain) = strace(&[]) else { return };
    let workspace = large();
    Run::of(&mut workspace.command_of(plain, &["--all", "--quiet", "--out", "reference"])).exit(0);
    for when in ["1+", "2+", "3+"] {
        let _ = fs::remove_dir_all(workspace.path("cache"));
        let _ = fs::remove_dir_all(workspace.path("out"));
        let faults = ["clone", "clone3"].map(|call| format!("{call}:error=EAGAIN:when={when}"));
        let strace = strace(&[&faults[0], &faults[1]]).unwrap();
        Run::of(&mut workspace.command_of(strace, &["--all", "--quiet"])).exit(0).stderr("");
        assert!(workspace.files("out") == workspace.files("reference"), "{when}");
    }
}

#[test]
fn without_a_thread_the_network_is_an_error_and_no_panic() {
    for (when, url, code) in [
        ("1+", "http://127.0.0.1:9/x", 1),
        ("1+", "http://localhost:9/x", 1),
        ("2+", "http://localhost:9/x", 5),
    ] {
        let faults = ["clone", "clone3"].map(|call| format!("{call}:error=EAGAIN:when={when}"));
        let Some(strace) = strace(&[&faults[0], &faults[1]]) else { return };
        let workspace = small();
        let pins =
            workspace.text("releases.yaml").replace("https://h.invalid/thing-{{ version }}.tar.gz", url);
        let workspace = workspace.releases(pins).file("nothing/.keep", "");
        let arguments = [
            "fetch",
            "--quiet",
            "--releases",
            "releases.yaml",
            "--profile",
            "profile.yaml",
            "--overlays",
            "overlays",
        ];
        let run = Run::of(&mut workspace.bare_of(strace, &arguments)).exit(code);
        run.hides("panicked").says(&["thing 1.0 amd64"]);
    }
}
