//! Processes that do not outlive this one, however it ends: an orphaned machine would still hold a node's secrets.
//!
//! What a child asks of the kernel between fork and exec takes unsafe code; so the child is this program first, asks, and
//! becomes the other one then (prctl(2), `PR_SET_PDEATHSIG`: it outlives execve(2)).

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};

/// What the program is called when it is to become another one: its own name otherwise, whatever that is.
const NAME: &str = "imgbuild-leashed";
/// Its exit code when the program does not exist, as in shells.
const NOT_FOUND: u8 = 127;

/// A command that runs `program` until this process ends. It must be started by a thread that lives as long.
pub(super) fn leashed(program: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0(NAME).arg(getpid().as_raw_nonzero().to_string()).arg(program);
    command
}

/// Whether such a command ended because the program does not exist.
pub(super) fn is_missing(status: ExitStatus) -> bool {
    status.code() == Some(NOT_FOUND.into())
}

/// Becomes another program, if this process was started for that; comes back with an exit code if it cannot.
pub fn become_leashed(
    mut arguments: impl Iterator<Item = OsString>,
    error_output: &mut impl Write,
) -> Option<u8> {
    arguments.next().filter(|name| name == NAME)?;
    let parent = arguments.next()?.to_str()?.parse().ok().and_then(Pid::from_raw);
    let program = arguments.next()?;
    let is_held = set_parent_process_death_signal(Some(Signal::KILL)).is_ok();
    // The parent may have ended before the kernel knew.
    if !is_held || parent.is_none() || getppid() != parent {
        return Some(1);
    }
    let error = Command::new(&program).args(arguments).exec();
    // Standard error is a file that the parent reads.
    let _ = writeln!(error_output, "{}: {error}", program.display());
    Some(if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { 1 })
}
