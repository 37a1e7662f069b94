//! Which packages are taken along, and what is said where that cannot be or is not clear.

use super::archive::{Archive, cluster, package};
use crate::support::workspace::Workspace;

/// The names that a lock of these packages has.
fn locked(packages: &[String], wanted: &str) -> Vec<String> {
    names(&Archive::new(packages).desk(wanted))
}

fn names(desk: &Workspace) -> Vec<String> {
    let run = desk.run(&["lock", "--json"]).exit(0);
    let changes = run.json()["changes"]["packages"].as_array().unwrap().clone();
    changes.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_needed_is_taken_along_and_what_is_there_is_not() {
    let packages = [
        package("aa", "1", "Pre-Depends: bb (>= 1)\nDepends: libc6 (>= 2.41), cc | dd, virt, ee:any"),
        package("bb", "1:1", ""),
        package("cc", "0.5", "Depends: aa"),
        package("dd", "1", ""),
        package("ee", "2", "Multi-Arch: allowed"),
        package("ff", "2", "Provides: virt"),
        package("unused", "1", ""),
    ];
    assert_eq!(locked(&packages, "[aa]"), ["aa", "bb", "cc", "ee", "ff"]);
    assert_eq!(
        locked(&packages, "[aa, dd]"),
        ["aa", "bb", "dd", "ee", "ff"],
        "an alternative that is there is enough"
    );
    assert_eq!(locked(&packages, "[old, unused, libc6]"), ["unused"], "the image has the others");
    let newer = [package("libc6", "2.41-13", ""), package("aa", "1", "Depends: libc6 (>= 2.41-13)")];
    assert_eq!(locked(&newer, "[aa]"), ["aa", "libc6"]);
}

#[test]
fn packages_of_the_image_that_would_break_move_along() {
    let packages = [
        package("libsystemd0", "257.9-2", "Depends: libc6"),
        package("systemd", "257.9-2", "Depends: libsystemd0 (= 257.9-2)"),
        package("aa", "1", "Depends: libsystemd0 (>= 257.9-2)"),
    ];
    assert_eq!(locked(&packages, "[aa]"), ["aa", "libsystemd0", "systemd"]);
    let breaks = [package("aa", "1", "Breaks: old (<< 2)"), package("old", "2", "")];
    assert_eq!(locked(&breaks, "[aa]"), ["aa", "old"]);
}

#[test]
fn templates_decide_what_is_wanted() {
    let packages = [package("aa-17", "1", ""), package("bb", "1", "")];
    let desk = Archive::new(&packages)
        .desk("[]")
        .file("overlays/db/component.yaml", "description: a\nsettings: {version: {default: 17, description: its line}}\npackages:\n- aa-{{ settings.version }}\n- \"{{ 'bb' if node.base == 'noble' }}\"\n");
    assert_eq!(names(&desk), ["aa-17"]);
    for (template, says) in [
        ("{{ nothing }}", "failed to render"),
        ("aa=1", "is not a valid package name"),
        ("aa/noble", "is not a valid package name"),
    ] {
        let desk = Archive::new(&packages).desk(&format!("[bb, \"{template}\"]"));
        desk.run(&["lock"]).exit(3).says(&[says, "overlays/db/component.yaml:2:16"]);
    }
}

#[test]
fn what_cannot_be_is_said_with_whose_wish_it_is() {
    let place = "overlays/db/component.yaml:2:12";
    for (packages, wanted, says) in [
        (
            vec![package("haproxy", "1", "")],
            "[haproxi]",
            &["trixie does not have a package `haproxi`", "did you mean `haproxy`?"][..],
        ),
        (
            vec![package("aa", "1", "Provides: virt")],
            "[virt]",
            &["`virt` is a virtual package, provided by `aa`"],
        ),
        (
            vec![
                package("aa", "1", "Depends: bb"),
                package("bb", "1", "Depends: cc (>= 2)"),
                package("cc", "1.9", ""),
            ],
            "[aa]",
            &["nothing satisfies cc (>= 2), needed by bb, needed by aa, wanted by `db`; trixie has cc 1.9"],
        ),
        (
            vec![
                package("aa", "1", "Depends: virt (>= 1)"),
                package("bb", "1", "Provides: virt (= 2)"),
                package("cc", "1", "Provides: virt (= 1)"),
                package("dd", "1", "Provides: virt"),
            ],
            "[aa]",
            &[
                "virt (>= 1), needed by aa, wanted by `db`, is provided by `bb`, `cc`",
                "name one of them in `packages`",
            ],
        ),
        (
            vec![package("aa", "1", "Conflicts: virt"), package("bb", "1", "Provides: virt")],
            "[aa, bb]",
            &["aa and bb exclude each other, aa conflicts with virt: aa, wanted by `db`; bb, wanted by `db`"],
        ),
        (
            vec![package("aa", "1", "Breaks: systemd (<< 258)")],
            "[aa]",
            &["aa breaks systemd (<< 258), as systemd of the image is: aa, wanted by `db`"],
        ),
        (
            vec![package("aa", "1", "Depends: libsystemd0 (>= 258)"), package("libsystemd0", "258", "")],
            "[aa]",
            &["libsystemd0 258 would break systemd of the image, which needs libsystemd0 (= 257.9-1)"],
        ),
        (
            vec![package("aa", "1", "Pre-Depends: bb"), package("bb", "1", "Pre-Depends: aa")],
            "[aa]",
            &["`aa`, `bb` need each other before they are unpacked"],
        ),
        (
            vec![package("aa", "2", "Phased-Update-Percentage: 10")],
            "[aa]",
            &["aa 2 is phased at 10 %: not released yet"],
        ),
        (
            vec![
                package("aa", "1", "Depends: bb (>= 2)"),
                package("bb", "1", ""),
                package("bb", "2", "Phased-Update-Percentage: 10"),
            ],
            "[aa]",
            &["bb 2 is phased at 10 %: not released yet"],
        ),
    ] {
        Archive::new(&packages).lock(wanted).exit(3).says(&[says, &[place]].concat());
    }
}

#[test]
fn a_choice_is_said_once() {
    let packages = [package("aa", "1", "Depends: bb | cc"), package("bb", "1", ""), package("cc", "1", "")];
    Archive::new(&packages).lock("[aa]").exit(0).says(&["aa needs bb | cc: took bb"]);
}

#[test]
fn a_phased_version_is_not_there_yet() {
    let packages = [package("aa", "1", ""), package("aa", "2", "Phased-Update-Percentage: 90")];
    let run = Archive::new(&packages).lock("[aa]").exit(0);
    assert!(run.data().contains("+ aa 1 "), "{}", run.data());
}

#[test]
fn components_that_exclude_each_other_may_run_on_different_nodes() {
    let archive = Archive::new(&[
        package("aa", "1", "Conflicts: bb\nDepends: cc"),
        package("bb", "1", ""),
        package("cc", "1", ""),
    ]);
    let nodes = "nodes:\n- {name: x, address: 10.0.0.1, roles: [one]}\n- {name: y, address: 10.0.0.2, roles: [two]}\n";
    let desk = |nodes: &str| {
        let desk = cluster(&[("one", "[aa]"), ("two", "[bb]")], nodes)
            .releases(archive.pins("https://h.invalid/debian"))
            .file("keys/test.asc", archive.signer.key())
            .file("trixie-amd64.list", "libc6\t2.41-12\n")
            .option("--mirror", "mirror");
        archive.publish(&desk);
        desk
    };
    assert_eq!(names(&desk(nodes)), ["aa", "bb", "cc"]);
    let run = desk(&nodes.replace("[one]", "[one, two]")).run(&["lock"]).exit(3);
    run.says(&[
        "aa and bb exclude each other, aa conflicts with bb: aa, wanted by `one`; bb, wanted by `two`",
    ]);
}

#[test]
fn another_archive_gives_only_what_it_may() {
    let mut archive = Archive::new(&[package("aa", "1", "Depends: libc6 (>= 2.41)")]);
    let desk = archive.desk("[aa]");
    archive.packages = [package("libc6", "9", ""), package("aa", "2", "")].concat();
    for (path, bytes) in archive.files() {
        desk.write(&format!("mirror/third.invalid/{path}"), bytes);
    }
    let third =
        archive.pins("https://third.invalid").replace("releases: {}\narchives:\n  debian:", "  third:");
    let third = third.split("systems:").next().unwrap().to_owned();
    let pins = |only: &str| {
        let own = archive
            .pins("https://h.invalid/debian")
            .replace("archives: [debian]", "archives: [debian, third]");
        own.replacen("systems:", &format!("{third}{only}systems:"), 1)
    };
    desk.write("releases.yaml", pins("    only: ['a*']\n"));
    let run = desk.run(&["lock", "--dry-run"]).exit(0);
    assert!(run.data().contains("+ aa 2 ") && !run.data().contains("libc6"), "{}", run.data());
    desk.write("releases.yaml", pins("    only: [other]\n"));
    assert!(desk.run(&["lock", "--dry-run"]).exit(0).data().contains("+ aa 1 "));
}
