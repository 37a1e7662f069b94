//! Releases of every kind, made by the programs that make them.

use std::collections::BTreeMap;
use std::process::Command;

use super::{cluster, installed};
use crate::support::small::away;
use crate::support::workspace::Workspace;

/// A script of the shell that makes a release `out` of `t/tool-1.0/tool` and `t/tool-1.0/share/words`.
const ARCHIVES: [(&str, &str); 10] = [
    ("tool.tar", "tar -C t -cf out tool-1.0"),
    ("tool.tar.gz", "tar -C t -czf out tool-1.0 && head -c 9999 /dev/zero >>out"),
    ("tool.tar.xz", "tar -C t -cJf out tool-1.0"),
    ("tool.tar.zst", "tar -C t --zstd -cf out tool-1.0"),
    ("tool.tar.bz2", "tar -C t -cjf out tool-1.0"),
    ("tool.zip", "cd t && zip -qr ../out.zip tool-1.0 && mv ../out.zip ../out"),
    ("stored.zip", "cd t && zip -qr0 ../out.zip tool-1.0 && mv ../out.zip ../out"),
    ("streamed.zip", "cd t && zip -qr - tool-1.0 | cat >../out"),
    ("v7.tar", "tar -C t --format=v7 -cf out tool-1.0"),
    (
        "sparse.tar.gz",
        "truncate -s 3M t/tool-1.0/share/words && tar -C t -Sczf out tool-1.0 && \
                       truncate -s 7 t/tool-1.0/share/words",
    ),
];

/// The same of a release that is one program.
const PROGRAMS: [(&str, &str); 6] = [
    ("tool-linux-amd64", "cp t/tool-1.0/tool out"),
    ("tool.gz", "gzip -c t/tool-1.0/tool >out"),
    ("tool.xz", "xz -c t/tool-1.0/tool >out"),
    ("tool.zst", "zstd -qc t/tool-1.0/tool >out"),
    ("tool.bz2", "bzip2 -c t/tool-1.0/tool >out"),
    ("tool", "cp /bin/true out"),
];

fn made(script: &str) -> Vec<u8> {
    let workspace = Workspace::new()
        .file("t/tool-1.0/tool", "#!/bin/sh\necho tool\n")
        .mode("t/tool-1.0/tool", 0o755)
        .file("t/tool-1.0/share/words", "a word\n");
    let mut shell = Command::new("sh");
    let done = shell.args(["-ec", script]).current_dir(workspace.path("")).status().unwrap();
    assert!(done.success(), "{script}");
    workspace.read("out")
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
}

#[test]
fn archives_of_every_kind_are_releases() {
    let install = map(&[("tool", "/usr/bin/tool"), ("share/", "/usr/share/tool")]);
    for (file, script) in ARCHIVES {
        let workspace = cluster(&made(script), (file, "tool-{{ version }}"), install.iter());
        workspace.run(&["one", "--quiet"]).exit(0);
        let mut found = installed(&workspace, install.values());
        if file.starts_with("sparse") {
            let words = found.get_mut("/usr/share/tool/words").unwrap();
            assert_eq!(words.len(), "0644 ".len() + (3 << 20));
            words.truncate("0644 a word\n".len());
        }
        let expected =
            [("/usr/bin/tool", "0755 #!/bin/sh\necho tool\n"), ("/usr/share/tool/words", "0644 a word\n")];
        assert_eq!(found, map(&expected), "{file}");
    }
}

#[test]
fn a_program_alone_is_a_release() {
    let install = map(&[("tool", "/usr/bin/tool")]);
    for (file, script) in PROGRAMS {
        let release = made(script);
        let workspace = cluster(&release, (file, ""), install.iter());
        workspace.run(&["one", "--quiet"]).exit(0);
        if file == "tool" {
            // Its text is no text.
            continue;
        }
        let expected = map(&[("/usr/bin/tool", "0755 #!/bin/sh\necho tool\n")]);
        assert_eq!(installed(&workspace, install.values()), expected, "{file}");
    }
    let data = map(&[("data", "/usr/share/data")]);
    let workspace = cluster(&made("gzip -c t/tool-1.0/share/words >out"), ("data.gz", ""), data.iter());
    workspace.run(&["one", "--quiet"]).exit(0);
    assert_eq!(installed(&workspace, data.values()), map(&[("/usr/share/data", "0644 a word\n")]));
}

#[test]
fn names_in_a_release_may_have_the_version_and_the_architecture_in_them() {
    let install = map(&[("tool-{{ version }}-{{ arch }}", "/usr/bin/tool")]);
    let release = made("cp t/tool-1.0/tool tool-1.0-amd64 && tar -cJf out tool-1.0-amd64");
    let workspace = cluster(&release, ("tool.tar.xz", ""), install.iter());
    workspace.run(&["one", "--quiet"]).exit(0);
    assert!(installed(&workspace, install.values()).contains_key("/usr/bin/tool"));
    let unknown = map(&[("tool-{{ build }}", "/usr/bin/tool")]);
    let workspace = cluster(&release, ("tool.tar.xz", ""), unknown.iter());
    let run = workspace.run(&["check"]).exit(3);
    run.says(&[
        "overlays/thing/component.yaml:4:12",
        "failed to render this template",
        "`version` and `arch` can be used",
    ]);
}

#[test]
fn what_a_node_cannot_unpack_is_not_left_to_it() {
    let install = map(&[("tool", "/usr/bin/tool")]);
    for (file, accepted) in [
        ("tool.tar.gz", true),
        ("tool.tgz", true),
        ("tool.tar.xz", false),
        ("tool.zip", false),
        ("tool", false),
    ] {
        let workspace = cluster(b"", (file, ""), install.iter());
        for verb in ["check", "one"] {
            let run = away(
                &workspace,
                &[
                    verb,
                    "--quiet",
                    "--delivery",
                    "download",
                    "--profile",
                    "profile.yaml",
                    "--releases",
                    "releases.yaml",
                    "--overlays",
                    "overlays",
                ],
            );
            if accepted {
                run.exit(0);
            } else {
                let told = "with `--delivery download` nodes unpack only gzipped tar archives, and thing 1.0 amd64 is not one";
                run.exit(3).says(&[told, "releases.yaml:4:10"]);
            }
        }
    }
}
