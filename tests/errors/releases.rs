//! Errors in the pins.

use super::{Change, RELEASES, Workspace, assert_messages, changed};

#[test]
fn pins_that_pin_nothing() {
    let cases: [(&'static str, &[Change<'_>]); 14] = [
        (
            "digest-short",
            &[("becb950ee80daa8ae7331d77966d94a611af79ad0d3307380907e0ec08f5b4e8", "becb950ee80daa")],
        ),
        ("digest-odd", &[("becb950e", "zecb950e")]),
        (
            "digest-missing",
            &[("        sha256: becb950ee80daa8ae7331d77966d94a611af79ad0d3307380907e0ec08f5b4e8\n", "")],
        ),
        ("key-unknown", &[("version: 1.9.1", "verison: 1.9.1")]),
        ("key-of-pin-unknown", &[("        size: 121127234", "        length: 121127234")]),
        ("size-is-text", &[("size: 121127234", "size: 121 MB")]),
        ("arch-unknown", &[("      arm64:", "      aarch64:")]),
        (
            "arch-missing",
            &[
                ("amd64:", "arm64:"),
                ("      arm64:\n        sha256: 848f", "      amd64_:\n        sha256: 848f"),
            ],
        ),
        ("release-twice", &[("  etcd:\n", "  node_exporter:\n")]),
        ("release-missing", &[("  etcd:\n", "  etcd3:\n")]),
        (
            "url-no-web",
            &[(
                "url: https://github.com/prometheus/node_exporter",
                "url: git://github.com/prometheus/node_exporter",
            )],
        ),
        ("url-template", &[("v{{ version }}/node_exporter-", "v{{ vresion }}/node_exporter-")]),
        ("url-syntax", &[("v{{ version }}/node_exporter-", "v{{ version }/node_exporter-")]),
        ("url-build", &[("    build: \"16903967602\"\n", "")]),
    ];
    assert_messages(
        "releases",
        cases.map(|(name, changes)| (name, Workspace::new().releases(changed(RELEASES, changes)))),
    );
}

#[test]
fn an_architecture_that_is_not_pinned() {
    let pins =
        RELEASES.replace("      arm64:\n        sha256: 3234", "      # arm64:\n        # sha256: 3234");
    let pins = pins.replace("        # sha256: 323421fa279f4f3d7da4c7f2dfa17d9e49529cb2b4cdf40899a7416bccdde42d\n        source: the same in two or more unrelated public projects\n", "");
    let run = Workspace::new().releases(pins).run(&["check", "--arch", "arm64"]).exit(3);
    run.says(&[
        "the release `etcd` has no pin for arm64",
        "releases.yaml:",
        "pins for amd64",
        "add `arm64: {sha256: ..., source: ...}`",
    ]);
}

/// Pins that `check` finds fault with, beside the built-in ones.
#[test]
fn versions_and_archives_that_no_build_reads() {
    let node_exporter = |changes: &[super::Change<'_>]| Workspace::new().releases(changed(RELEASES, changes));
    assert_messages(
        "pin",
        [
            ("version-with-v", node_exporter(&[("version: 1.9.1", "version: v1.9.1")])),
            ("archive-kind", node_exporter(&[(".linux-{{ arch }}.tar.gz", ".linux-{{ arch }}.rar")])),
            (
                "password-in-the-address",
                node_exporter(&[(
                    "https://github.com/prometheus",
                    "https://ann:s3cret@github.com/prometheus",
                )]),
            ),
        ],
    );
}
