//! `imgbuild pin --check`: every hole in the pins is found, and nothing else is called one.

use super::support::workspace::{Run, Workspace};

const PROFILE: &str = include_str!("../profiles/patroni.yaml");
const OWN: &str = include_str!("../profiles/releases.yaml");
/// Grafana's pin for arm64, which no node of the example needs.
const ARM64: &str = "      arm64:\n        sha256: 90481950c7854dfb3f941c323da2923a937681f29408f56e2dbcbe04b3dae765\n        source: one public project\n";
/// And the one for amd64.
const AMD64: &str = "      amd64:\n        sha256: 825a1da86245046a1822fe5cb8901859d3f3f483b8e2b4cff166d0c03991d214\n        source: the same in two or more unrelated public projects\n";

/// The project's pins with one change.
#[track_caller]
fn changed(from: &str, to: &str) -> Workspace {
    assert!(OWN.contains(from), "{from}");
    Workspace::new().releases(OWN.replace(from, to))
}

#[test]
fn the_own_pins_have_no_hole() {
    Workspace::new().run(&["pin", "--check"]).exit(0).stdout("").stderr(
        "1 known from: one public project\n\
         13 known from: the same in two or more unrelated public projects\n\
         no problem found in the pins\n",
    );
    let json = Workspace::new().run(&["pin", "--check", "--json"]).exit(0).stderr("").json();
    assert_eq!(json["sources"]["one public project"], 1);
    changed("https://github.com/etcd-io", "https://elsewhere/etcd-io").run(&["pin", "--check"]).exit(0);
}

#[test]
fn a_hole_is_invalid_input() {
    for (from, to, message) in [
        ("url: https://dl.grafana", "url: http://dl.grafana", "not fetched over https"),
        ("checksums: https://dl.grafana", "checksums: http://dl.grafana", "not fetched over https"),
        ("4d5f3101", "4d5f3102", "two digests for one file"),
        (AMD64, "", "the release `grafana` has no pin for amd64"),
        ("source: one public project", "source: ''", "the source of the digest"),
        ("checksums: https://dl", "checksums: https://ann:s3cret@dl", "has a user or a password in it"),
    ] {
        let run = changed(from, to).run(&["pin", "--check"]).exit(3).stdout("");
        run.says(&[message]).hides("s3cret");
    }
    let both = OWN
        .replace("4d5f3101", "4d5f3102")
        .replace("https://github.com/etcd-io", "https://elsewhere/etcd-io");
    let run = Workspace::new().releases(both).run(&["pin", "--check"]).exit(3);
    run.says(&["two digests for one file: etcd 3.6.4 amd64", "profiles/releases.yaml:"]);
}

#[test]
fn every_node_needs_a_pin_for_its_own_architecture() {
    let desk = changed(ARM64, "");
    desk.run(&["pin", "--check"]).exit(0);
    let arm64 = PROFILE.replacen("address: 192.168.2.99,", "address: 192.168.2.99, arch: arm64,", 1);
    let run = desk.profile(arm64).run(&["pin", "--check"]).exit(3);
    run.says(&["the release `grafana` has no pin for arm64"]);
}

#[test]
fn a_bundles_pins_are_looked_at_too() {
    let workspace = Workspace::with_releases();
    workspace.run(&["bundle", "-o", "b"]).exit(0);
    let mut check = workspace.bare(&["pin", "--check", "--bundle", "b"]);
    Run::of(&mut check).exit(0).stderr("8 known from: synthetic\nno problem found in the pins\n");
}

#[test]
fn all_that_is_wrong_is_said_in_one_run() {
    let desk = changed("url: https://dl.grafana", "url: http://dl.grafana").profile("cluster: a\nnodes: 1\n");
    desk.run(&["pin", "--check"]).exit(3).says(&["not fetched over https", "profile.yaml:2:8"]);
}
