//! A fetch in a process of its own, for what belongs to a process: its environment, its death, its file systems.
#![expect(clippy::disallowed_methods, reason = "the child takes its orders from its environment")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use imgbuild::fetch::{FetchOptions, NetworkSettings, RetryPolicy};
use imgbuild::release::Mirror;
use imgbuild::store::ErrorClass;

use super::depot::{Depot, artifact, request};
use super::oracle::skip;

const STORE: &str = "IMGBUILD_TEST_STORE";
const URL: &str = "IMGBUILD_TEST_URL";
const MIRROR: &str = "IMGBUILD_TEST_MIRROR";
const REPORT: &str = "IMGBUILD_TEST_REPORT";

/// Counts the children: those of one depot that run at once must not write over each other's report.
static CHILDREN: AtomicUsize = AtomicUsize::new(0);

/// A command that runs [`fetch`] on `depot`, with no proxy and no time-out that a test would have to wait for.
pub fn command(depot: &Depot, url: &str) -> Command {
    prepare(Command::new(this_program()), depot, url)
}

/// The same after `setup`, a shell script, in namespaces where it may mount; its `$1` is the store's folder.
pub fn command_in_namespace(depot: &Depot, url: &str, setup: &str) -> Command {
    let mut command = Command::new("unshare");
    let script = format!("set -e; {setup}; shift; exec \"$@\"");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh"]);
    command.arg(depot.path()).arg(this_program());
    prepare(command, depot, url)
}

/// The same, killed before it makes a system call, whose name begins with `call`, on one of the store's files for
/// the time `when`.
pub fn command_killed(depot: &Depot, url: &str, call: &str, when: usize) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e"]).arg(format!("/^{call}"));
    command.arg("-e").arg(format!("inject=/^{call}:signal=SIGKILL:when={when}"));
    let store = ["", "sha256", "partial", "tmp", "lock", "lock/tmp", "CACHEDIR.TAG"];
    let validator = depot.partial().with_extension("validator");
    for path in store.map(|name| depot.path().join(name)) {
        command.arg("-P").arg(path);
    }
    for path in [depot.blob(), depot.partial(), validator, depot.lock()] {
        command.arg("-P").arg(path);
    }
    command.arg(this_program());
    prepare(command, depot, url)
}

/// Whether this machine has a tool that does what `arguments` ask of it; says what is missed if not, and in CI
/// fails.
pub fn has_tool(tool: &str, arguments: &[&str]) -> bool {
    let tried = Command::new(tool).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let has = tried.is_ok_and(|status| status.success());
    if !has {
        skip(tool);
    }
    has
}

/// Runs a command of this module to its end and returns what the fetch came to.
pub fn report(mut command: Command) -> (Option<ErrorClass>, String) {
    let run = command.output().expect("the command starts");
    let place = command.get_envs().find(|(name, _)| *name == REPORT).and_then(|(_, path)| path);
    let report = fs::read_to_string(place.expect("a command of this module")).unwrap_or_default();
    let (class, text) = report.split_once('\n').unwrap_or_else(|| {
        panic!("no report\n{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr))
    });
    let class = match class {
        "Network" => Some(ErrorClass::Network),
        "Integrity" => Some(ErrorClass::Integrity),
        "Other" => Some(ErrorClass::Other),
        _ => None,
    };
    (class, text.to_owned())
}

fn prepare(mut command: Command, depot: &Depot, url: &str) -> Command {
    command.args(["--exact", "support::child::fetch", "--ignored", "--test-threads=1"]);
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(proxy).env_remove(proxy.to_lowercase());
    }
    let number = CHILDREN.fetch_add(1, Ordering::Relaxed);
    let report = depot.path().with_extension(format!("report-{number}"));
    command.env(STORE, depot.path()).env(URL, url).env(REPORT, report);
    command
}

/// Takes the artifact from a mirror.
pub fn with_mirror(mut command: Command, mirror: &str) -> Command {
    command.env(MIRROR, mirror);
    command
}

fn this_program() -> PathBuf {
    std::env::current_exe().expect("tests are a file")
}

#[test]
#[ignore = "what the child processes of other tests run"]
fn fetch() {
    let Ok(store) = std::env::var(STORE) else { return };
    let url = std::env::var(URL).unwrap();
    let mirror = std::env::var(MIRROR).ok().map(|mirror| mirror.parse::<Mirror>().unwrap());
    // No child waits for somebody who is silent: on a busy machine a server may take a while.
    let retry = RetryPolicy { pause: super::depot::PATIENCE.pause, ..RetryPolicy::default() };
    let network = NetworkSettings::from_environment(|name| std::env::var_os(name)).unwrap();
    let options = FetchOptions { mirror, network, retry, ..FetchOptions::default() };
    let store = imgbuild::store::Store::open(store).unwrap();
    let report = match store.fetch_all(&[request(&url)], &options, &|_| {}) {
        Ok(fetched) => {
            assert_eq!(fetched[0].size, artifact().len() as u64);
            format!("Ok\n{:?}", fetched[0].outcome)
        }
        Err(error) => {
            format!("{:?}\n{error}\nhelp: {}\n{error:?}", error.class(), error.help().unwrap_or_default())
        }
    };
    fs::write(std::env::var(REPORT).unwrap(), report).unwrap();
}
