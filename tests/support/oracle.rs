//! Programs that others wrote, by which tests judge what ours does.
#![expect(clippy::disallowed_methods, reason = "edge: looks for programs")]

use std::io::{Write as _, stderr};
use std::path::PathBuf;
use std::process::Command;

/// A command that runs `program`, if it is installed. If not, the test that asked is skipped and says so,
/// except with `CI=true`, where it fails.
pub fn oracle(program: &str) -> Option<Command> {
    let found = found(program);
    if found.is_none() {
        skip(program);
    }
    found.map(Command::new)
}

/// Says that a test is skipped because `what` is missing; fails where nothing may be.
pub fn skip(what: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs {what}");
    // Not by `eprintln`, whose output cargo keeps from view while the test passes.
    let _ = writeln!(stderr(), "skipped: needs {what}");
}

/// Looks in `PATH`, and where administrators' programs are.
fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.into_iter().map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Runs `command`, which must succeed, and returns what it wrote to stdout.
pub fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
