//! The program stopped before each of its steps in turn: killed, or told that the disk is full.
#![expect(clippy::disallowed_methods, reason = "edge: reads what strace saw")]

use std::fs;
use std::process::{Command, Output};

use super::workspace::Workspace;

/// The system calls by which the program changes what others see.
const STEPS: [&str; 13] = [
    "mkdir",
    "write",
    "copy_file_range",
    "ftruncate",
    "chmod",
    "fchmod",
    "fsync",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
];

/// What happens in place of a step.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The program is killed.
    Kill,
    /// The step fails: there is no room.
    Full,
}

/// Runs the program once for each step that it takes, with the fault in place of that step. `command` makes of strace
/// the command that runs the program under it, in the workspace; `after` looks at what came of each run. Steps are those
/// on the files `only`, or if there are none all. Returns their number.
///
/// Steps are counted for each thread by itself: what several threads do is not met in full.
pub fn at_each_step(
    fault: Fault,
    workspace: &Workspace,
    only: &[&str],
    command: impl Fn(Command) -> Command,
    mut after: impl FnMut(&str, &Output),
) -> usize {
    let mut steps = 0;
    for call in STEPS {
        if matches!(fault, Fault::Kill) && call == "mkdir" {
            // What is found after an empty folder was made is found before the first write to it too.
            continue;
        }
        for when in 1.. {
            let inject = match fault {
                Fault::Kill => format!("inject={call}:signal=SIGKILL:when={when}"),
                Fault::Full => format!("inject={call}:error=ENOSPC:when={when}"),
            };
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-o", "calls", "-e", &format!("trace={call}"), "-e", &inject]);
            for path in only {
                // By the name that is asked for, and by the one that an open file has.
                strace.args(["-P", path, "-P"]).arg(workspace.path(path));
            }
            let output = command(strace).output().unwrap();
            after(&format!("{fault:?} at {call} {when}"), &output);
            let calls = fs::read_to_string(workspace.path("calls")).unwrap();
            if !calls.contains("INJECTED") && !calls.contains("killed by SIGKILL") {
                break;
            }
            assert!(when < 100, "the steps of {call} have no end");
            steps += 1;
        }
    }
    steps
}
