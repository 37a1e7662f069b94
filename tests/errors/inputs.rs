//! Files that are not there, not readable, not text, or text of an odd kind.
#![expect(clippy::disallowed_methods, reason = "edge: makes files that a component cannot have")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use super::{PROFILE, RELEASES, Workspace, assert_messages};

#[test]
fn files_that_cannot_be_read() {
    let empty = Workspace::new;
    assert_messages(
        "input",
        [
            ("profile-not-there", empty().option("--profile", "nowhere.yaml")),
            ("profile-is-folder", empty().file("folder/file", "").option("--profile", "folder")),
            ("profile-is-binary", empty().profile(b"\x7fELF\x02\x01\x01\0\0\xff\xfe")),
            ("releases-not-there", empty().option("--releases", "nowhere.yaml")),
            ("overlays-not-there", empty().option("--overlays", "nowhere")),
            ("overlays-is-file", empty().file("file", "").option("--overlays", "file")),
            (
                "all-at-once",
                empty().option("--profile", "a").option("--releases", "b").option("--overlays", "c"),
            ),
            ("profile-empty", empty().profile("")),
            ("profile-comment", empty().profile("# nothing yet\n")),
            ("profile-list", empty().profile("- a\n- b\n")),
            ("profile-word", empty().profile("patroni\n")),
            ("releases-empty", empty().releases("")),
        ],
    );
}

#[test]
fn yaml_that_is_none_or_means_two_things() {
    let profile = |text: &str| Workspace::new().profile(text);
    assert_messages(
        "yaml",
        [
            ("tab", profile(&PROFILE.replace("  subnet:", "\tsubnet:"))),
            ("bracket", profile(&PROFILE.replace("[node_exporter, etcd]", "[node_exporter, etcd"))),
            ("quote", profile(&PROFILE.replace("cluster: patroni", "cluster: \"patroni"))),
            ("indentation", profile(&PROFILE.replace("  gateway:", "   gateway:"))),
            ("colon", profile(&PROFILE.replace("cluster: patroni", "cluster: patroni: 1"))),
            (
                "anchor",
                profile(&PROFILE.replace(
                    "nameservers: [192.168.2.1]",
                    "nameservers: &dns [192.168.2.1]\n  search: *dns",
                )),
            ),
            ("merge", profile(&PROFILE.replace("{name: ptrn-1,", "{<<: {arch: arm64}, name: ptrn-1,"))),
            ("tag", profile(&PROFILE.replace("cluster: patroni", "cluster: !!str patroni"))),
            ("second-document", profile(&format!("{PROFILE}---\ncluster: other\n"))),
            ("deep", profile(&format!("cluster: {}\n", "[".repeat(200)))),
            ("deeper", profile(&"- ".repeat(20_000))),
            ("key-is-list", profile(&PROFILE.replace("cluster:", "[cluster]:"))),
        ],
    );
}

#[test]
fn line_ends_and_marks_of_other_systems_are_read() {
    for text in [PROFILE.replace('\n', "\r\n"), format!("\u{feff}{PROFILE}"), format!("---\n{PROFILE}...\n")]
    {
        Workspace::new().profile(&text).run(&["check"]).exit(0);
    }
    let wrong = PROFILE.replace("name: ptrn-2", "name: ptrn-1").replace('\n', "\r\n");
    Workspace::new()
        .profile(&wrong)
        .run(&["check"])
        .exit(3)
        .says(&["profile.yaml:26:12", "two nodes have the name"]);
    let wrong = format!("\u{feff}# кластер\n{}", PROFILE.replace("name: ptrn-2", "name: ptrn-1"));
    Workspace::new()
        .profile(&wrong)
        .run(&["check"])
        .exit(3)
        .says(&["profile.yaml:27:12", "two nodes have the name"]);
}

#[test]
fn a_component_has_plain_files_with_names_of_text() {
    let workspace = Workspace::new().component("odd/component.yaml", "description: odd\n");
    let root = workspace.path("overlays/odd");
    fs::create_dir_all(root.join("files/etc")).unwrap();
    symlink("/etc/passwd", root.join("files/etc/link")).unwrap();
    symlink("/", root.join("files/root")).unwrap();
    fs::write(root.join("files").join(OsStr::from_bytes(b"caf\xe9")), "").unwrap();
    fs::create_dir(workspace.path("overlays").join(OsStr::from_bytes(b"\xff"))).unwrap();
    let run = workspace.run(&["check"]).exit(3);
    run.says(&[
        "`overlays/odd/files/etc/link` is no plain file",
        "`overlays/odd/files/root` is no plain file",
        "put a copy here",
        "has a name that is no UTF-8",
    ]);
    assert_eq!(workspace.run(&["check"]).errors().matches("no UTF-8").count(), 2);
}

#[test]
fn what_is_no_component_is_not_read() {
    let workspace = Workspace::new()
        .component("README.md", "notes\n")
        .component(".git/HEAD", "ref\n")
        .component("t/component.yaml", "description: t\n");
    workspace.run(&["check"]).exit(0);
    let huge = fs::File::create(workspace.path("huge")).unwrap();
    huge.set_len(1 << 40).unwrap();
    let run = workspace.option("--profile", "huge").run(&["check"]).exit(3);
    run.says(&["`huge` is longer than 67108864 bytes"]);
}

#[test]
fn ten_thousand_mistakes_are_bounded() {
    let nodes = "  - {nam: node, address: 1, roles: 3}\n".repeat(10_000);
    let profile = format!("{}nodes:\n{nodes}", PROFILE.split_once("nodes:").unwrap().0);
    let run = Workspace::new().profile(profile).run(&["check"]).exit(3);
    assert!(run.errors().len() < 200_000, "{} bytes of messages", run.errors().len());
    Workspace::new()
        .releases(RELEASES.repeat(2))
        .run(&["check"])
        .exit(3)
        .says(&["`releases` stands here twice"]);
}
