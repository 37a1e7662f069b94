//! Files that are not there, not readable, not text, or text of an odd kind.
#![expect(clippy::disallowed_methods, reason = "edge: makes files that a component cannot have")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::{PROFILE, RELEASES, Workspace, assert_messages};
use crate::support::workspace::Run;

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
            ("quote-of-a-later-line", profile(&PROFILE.replace("192.168.2.98,", "\"192.168.2.98,"))),
            ("quote-single", profile(&PROFILE.replace("timezone: Europe", "timezone: 'Europe"))),
            (
                "brace",
                profile(
                    &PROFILE.replace("192.168.2.96, roles: [patroni]}", "192.168.2.96, roles: [patroni]"),
                ),
            ),
            ("comma", profile(&PROFILE.replace("name: ptrn-1,", "name: ptrn-1"))),
            ("colon-of-another-width", profile(&PROFILE.replace("cluster: patroni", "cluster：patroni"))),
            ("space-after-colon", profile(&PROFILE.replace("subnet: 192", "subnet:192"))),
            ("first-character", profile(&PROFILE.replace("cluster: patroni", "cluster: @patroni"))),
            ("indentation-less", profile(&PROFILE.replace("  gateway:", " gateway:"))),
            ("indentation-before", profile(&PROFILE.replace("    name: vasya", "     name: vasya"))),
            ("indentation-of-item", profile(&PROFILE.replace("  - {name: ptrn-2", "   - {name: ptrn-2"))),
            ("anchor-unknown", profile(&PROFILE.replace("name: vasya", "name: *vasya"))),
            (
                "anchor-of-a-wrong-kind",
                profile(&PROFILE.replace(
                    "nameservers: [192.168.2.1]",
                    "nameservers: [&dns 192.168.2.1]\n  search: *dns",
                )),
            ),
            ("merge-of-a-text", profile(&PROFILE.replace("{name: ptrn-1,", "{<<: ptrn, name: ptrn-1,"))),
            (
                "merge-unknown-key",
                profile(&PROFILE.replace("{name: ptrn-1,", "{<<: {archs: arm64}, name: ptrn-1,")),
            ),
            ("aliases-without-bound", profile(&billion_laughs())),
            ("tag", profile(&PROFILE.replace("cluster: patroni", "cluster: !!str patroni"))),
            ("second-document", profile(&format!("{PROFILE}---\ncluster: other\n"))),
            ("deep", profile(&format!("cluster: {}\n", "[".repeat(200)))),
            ("deeper", profile(&"- ".repeat(20_000))),
            ("key-is-list", profile(&PROFILE.replace("cluster:", "[cluster]:"))),
        ],
    );
}

/// A few lines whose aliases stand for a billion texts.
fn billion_laughs() -> String {
    let level = |level: usize| {
        let alias = format!("*l{}", level.saturating_sub(1));
        let item = if level == 0 { "lol" } else { alias.as_str() };
        format!("l{level}: &l{level} [{}]\n", [item; 10].join(", "))
    };
    (0..9).map(level).collect::<String>() + PROFILE
}

#[test]
fn aliases_and_merge_keys_are_read() {
    let plain = Workspace::new().profile(PROFILE).run(&["plan", "--json"]).exit(0).data();
    let short = PROFILE
        .replace("- {name: ptrn-1, address: 192.168.2.96, ", "- &node {name: ptrn-1, address: 192.168.2.96, ")
        .replace(
            "{name: ptrn-2, address: 192.168.2.91, roles: [patroni]}",
            "{<<: *node, name: ptrn-2, address: 192.168.2.91}",
        )
        .replace(
            "{name: ptrn-3, address: 192.168.2.98, roles: [patroni]}",
            "{name: ptrn-3, <<: [*node], address: 192.168.2.98}",
        )
        .replace("gateway: 192.168.2.1", "gateway: &gateway 192.168.2.1")
        .replace("nameservers: [192.168.2.1]", "nameservers: [*gateway]");
    assert_eq!(short.matches('*').count() - PROFILE.matches('*').count(), 3);
    Workspace::new().profile(short).run(&["plan", "--json"]).exit(0).stdout(&plain);
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
        "`overlays/odd/files/etc/link` is not a plain file",
        "`overlays/odd/files/root` is not a plain file",
        "put a copy here",
        "has a name that is not valid UTF-8",
    ]);
    assert_eq!(workspace.run(&["check"]).errors().matches("not valid UTF-8").count(), 2);
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
fn sixty_thousand_mistakes_are_bounded() {
    const MANY: usize = 60_000;
    let head = PROFILE.split_once("nodes:").unwrap().0;
    let nodes = "  - {nam: node, address: 1, roles: 3}\n".repeat(MANY);
    let settings: Vec<_> = (0..MANY).map(|number| format!("    far_off_{number}: 1\n")).collect();
    for (profile, says) in [
        (format!("{head}nodes:\n{nodes}"), "has too many problems"),
        (format!("{PROFILE}{}", settings.concat()), "59900 more problems are not shown"),
    ] {
        // Seconds of work; minutes where each mistake looks at all of the text.
        let mut bounded = Command::new("prlimit");
        bounded.arg("--cpu=30");
        let workspace = Workspace::new().profile(profile);
        let run = Run::of(&mut workspace.command_of(bounded, &["check"])).exit(3).says(&[says]);
        assert!(run.errors().len() < 200_000, "{} bytes of messages", run.errors().len());
    }
    Workspace::new().releases(RELEASES.repeat(2)).run(&["check"]).exit(3).says(&["duplicate key `releases`"]);
}
