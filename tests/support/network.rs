//! A network of a test's own, in which every IPv4 address is the test's: any node's can be bound.
#![expect(clippy::disallowed_methods, reason = "edge: the child takes its orders from its environment")]

use std::io::{Write as _, stderr};
use std::process::Command;

use super::child::has_tool;

/// Set in the process that is in such a network.
const INSIDE: &str = "TEST_NETWORK";
const NAMESPACES: [&str; 3] = ["--user", "--map-root-user", "--net"];

/// Begins a test that needs a network of its own: the test is run again by a process in one, and what happens there is
/// what comes of it. For `if !own_network!() { return }`.
#[macro_export]
macro_rules! own_network {
    () => {{
        fn here() {}
        $crate::support::network::is_inside(std::any::type_name_of_val(&here))
    }};
}

/// Whether this process is in a network of the test's own. If not, the test that has the function `here` in it is run in
/// one, and must pass.
pub fn is_inside(here: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let set_up = "ip link set lo up && ip route add local 0.0.0.0/0 dev lo";
    if !has_tool("unshare", &[&NAMESPACES[..], &["sh", "-c", set_up]].concat()) {
        return false;
    }
    let test = here.trim_end_matches("::here").split_once("::").unwrap().1;
    let mut command = Command::new("unshare");
    command.args(NAMESPACES).args(["sh", "-c", &format!("{set_up} && exec \"$@\""), "sh"]);
    command.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    let output = command.output().unwrap();
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success() && out.contains("1 passed"),
        "{test}: {}\n{out}\n{errors}",
        output.status
    );
    for line in errors.lines().filter(|line| line.starts_with("skipped: ")) {
        let _ = writeln!(stderr(), "{line}");
    }
    false
}
