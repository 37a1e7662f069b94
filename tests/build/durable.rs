//! What is published is on the disk first: files, then their folder, then its name; a build that changes nothing waits for no
//! disk. `tests/power_cut.py` cuts the power of a file system meanwhile.
#![expect(clippy::disallowed_methods, reason = "edge: reads what strace saw")]

use std::fs;
use std::process::Command;

use crate::support::child::has_tool;
use crate::support::small::small;
use crate::support::workspace::{Run, Workspace};

/// The system calls of a build that bring something to the disk or give it a name, those on the store and the cache left out.
fn calls(workspace: &Workspace, arguments: &[&str]) -> Vec<String> {
    let mut strace = Command::new("strace");
    let traced = "trace=fsync,fdatasync,syncfs,rename,renameat,renameat2,rmdir";
    strace.args(["-f", "-qq", "-y", "-s", "4096", "-o", "calls", "-e", traced]);
    Run::of(&mut workspace.command_of(strace, arguments)).exit(0);
    let text = fs::read_to_string(workspace.path("calls")).unwrap();
    let lines = text.lines().filter(|line| line.contains("/out") || line.contains("\"out"));
    lines.filter(|line| !line.contains("resumed>")).map(str::to_owned).collect()
}

/// Where the calls are that have all of these parts.
#[track_caller]
fn places(calls: &[String], parts: &[&str]) -> Vec<usize> {
    let found = calls.iter().enumerate().filter(|(_, call)| parts.iter().all(|part| call.contains(part)));
    let places: Vec<_> = found.map(|(place, _)| place).collect();
    assert!(!places.is_empty(), "{parts:?} is not in\n{}", calls.join("\n"));
    places
}

#[test]
fn all_files_are_on_the_disk_before_they_have_a_name_and_names_before_it_is_said() {
    if !has_tool("strace", &["-f", "true"]) {
        return;
    }
    let workspace = small();
    for turn in ["1", "2"] {
        let calls = calls(&workspace, &["one", "--quiet", "--source-date-epoch", turn]);
        let named = places(&calls, &["rename", ".imgbuild-staged-", "out/one"])[0];
        for file in
            ["manifest.json", "meta-data", "network-config", "overlay.tar.gz", "seed.iso", "user-data"]
        {
            assert!(places(&calls, &["fsync", &format!("/{file}>")])[0] < named, "{file}");
        }
        // The folder itself: its path ends the descriptor.
        let folder = calls.iter().position(|call| {
            call.contains("fsync(") && call.contains(".imgbuild-staged-") && !call.contains("/user-data")
        });
        assert!(folder.is_some_and(|folder| folder < named));
        let name = *places(&calls, &["fsync", "/out>"]).last().unwrap();
        assert!(named < name, "turn {turn}");
        if turn == "2" {
            // What was there is removed after that alone.
            let gone = calls.iter().rposition(|call| call.contains("rmdir"));
            assert!(gone.is_none_or(|gone| gone > name), "{}", calls.join("\n"));
        }
    }
    let unchanged = calls(&workspace, &["one", "--quiet", "--source-date-epoch", "2"]);
    assert!(unchanged.iter().all(|call| !call.contains("sync")), "{}", unchanged.join("\n"));
}

#[test]
fn many_files_are_brought_to_the_disk_at_once() {
    if !has_tool("strace", &["-f", "true"]) {
        return;
    }
    let workspace = small();
    let node = |number| format!("  - {{name: n{number}, address: 10.0.0.{number}, roles: [idle]}}\n");
    let nodes = (1..=9).map(node).collect::<Vec<_>>().concat();
    let profile = workspace.text("profile.yaml");
    let head = profile.split_once("nodes:").unwrap().0;
    let workspace = workspace.profile(format!("{head}nodes:\n{nodes}"));
    let calls = calls(&workspace, &["--all", "--quiet"]);
    let synced = places(&calls, &["syncfs"]);
    let first = places(&calls, &["rename", ".imgbuild-staged-"])[0];
    assert!(synced.len() == 1 && synced[0] < first, "{}", calls.join("\n"));
}
