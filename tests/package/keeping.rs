//! When a lock is made, kept, moved and refused, and what the other verbs say of packages.
#![expect(clippy::disallowed_methods, reason = "edge: removes what the tests wrote")]

use super::archive::{Archive, lock_without_mirror, package};

fn archive() -> Archive {
    Archive::new(&[
        package("haproxy", "3.0-1", "Depends: liblua"),
        package("liblua", "5", ""),
        package("nginx", "1", ""),
    ])
}

#[test]
fn the_same_inputs_give_the_same_lock() {
    let archive = archive();
    let desk = archive.desk("[haproxy]");
    let run = desk.run(&["lock", "--at", "2025-12-01"]).exit(0);
    assert!(
        run.data().contains("trixie-amd64:\n  + haproxy 3.0-1 (1 KiB, debian/trixie/main)\n  + liblua 5 "),
        "{}",
        run.data()
    );
    let lock = desk.text("packages.lock");
    assert!(lock.contains("at: 20251201T000000Z") && lock.contains(&archive.signer.hex()), "{lock}");
    let other = archive.desk("[haproxy]");
    other.run(&["lock", "--at", "2025-12-01"]).exit(0);
    assert_eq!(other.text("packages.lock"), lock);
    // Nothing is asked where nothing changed.
    std::fs::remove_dir_all(desk.path("mirror")).unwrap();
    desk.run(&["lock"]).exit(0).stdout("").stderr("packages.lock is up to date\n");
    desk.run(&["lock", "--check"]).exit(0).stdout("");
    assert_eq!(desk.text("packages.lock"), lock);
}

#[test]
fn an_upgrade_moves_and_a_dry_run_only_says_so() {
    let mut archive = archive();
    let desk = archive.desk("[haproxy]");
    desk.run(&["lock"]).exit(0);
    let before = desk.text("packages.lock");
    desk.run(&["lock", "--upgrade"]).exit(0).stdout("");
    assert_eq!(desk.text("packages.lock"), before, "nothing new was signed");
    archive.packages = archive.packages.replace("3.0-1", "3.0-2").replace("Depends: liblua\n", "");
    archive.date = "Sun, 16 Nov 2025 10:20:30 UTC".into();
    archive.publish(&desk);
    let run = desk.run(&["lock", "--upgrade", "--dry-run"]).exit(0);
    let told = "  ~ haproxy 3.0-1 -> 3.0-2 (1 KiB, debian/trixie/main)\n  - liblua 5 (1 KiB)\n1 packages, 1 KiB, 2 KiB before\n";
    assert!(run.data().contains(told) && run.data().contains("(not written)"), "{}", run.data());
    assert_eq!(desk.text("packages.lock"), before);
    let json = desk.run(&["lock", "--upgrade", "--json"]).exit(0).json();
    assert_eq!((&json["written"], &json["changes"]["packages"][0]["to"]), (&true.into(), &"3.0-2".into()));
    assert_ne!(desk.text("packages.lock"), before);
}

#[test]
fn other_inputs_make_a_lock_stale() {
    let archive = archive();
    let desk = archive.desk("[haproxy]");
    desk.run(&["lock", "--check"]).exit(3).says(&["`packages.lock` is missing"]);
    desk.run(&["lock", "--at", "2025-12-01"]).exit(0);
    desk.write("overlays/db/component.yaml", "description: a\npackages: [haproxy, nginx]\n");
    desk.run(&["lock", "--check"]).exit(3).says(&["`packages.lock` is stale", "`imgbuild lock` makes it"]);
    let run = desk.run(&["lock"]).exit(0);
    assert!(run.data().contains("+ nginx 1") && !run.data().contains("haproxy"), "{}", run.data());
    assert!(desk.text("packages.lock").contains("at: 20251201T000000Z"), "the moment stays");
}

#[test]
fn a_lock_is_not_made_without_a_network() {
    let archive = archive();
    let desk = archive.desk("[haproxy]");
    let run = lock_without_mirror(&desk, &["--offline"]).exit(3);
    run.says(&["`packages.lock` is missing"]);
}

#[test]
fn a_lock_that_was_edited_is_refused() {
    let archive = archive();
    let desk = archive.desk("[haproxy]");
    desk.run(&["lock"]).exit(0);
    let lock = desk.text("packages.lock");
    for (from, to, says) in [
        ("format: 1", "format: 9", "the format 9 of the lock is not known"),
        ("pool/main/haproxy", "../haproxy", "leads out of the archive"),
        ("needs: [liblua]", "needs: [libluna]", "needs `libluna`, which is not locked"),
        ("systems:", "sistems:", "did you mean `systems`?"),
        ("format: 1", "format: [", "packages.lock:2:"),
    ] {
        desk.write("packages.lock", lock.replacen(from, to, 1));
        desk.run(&["lock"]).exit(3).says(&[says, "packages.lock:", "is not a whole lock"]);
    }
}

#[test]
fn a_node_is_not_built_without_its_packages() {
    let desk = archive().desk("[haproxy]");
    let warning = "the packages of `db` are locked, and not installed yet";
    desk.run(&["check"]).exit(0).says(&[warning, "overlays/db/component.yaml:2:1"]);
    desk.run(&["plan"]).exit(0).says(&[warning]);
    let run = desk.run(&["a"]).exit(3);
    run.says(&[
        "`a` needs the package `haproxy`, for `db`: this version locks packages, and cannot install them",
    ]);
    desk.run(&["bundle", "--output", "b"]).exit(3).says(&["cannot install them"]);
    assert!(!desk.path("out").exists() && !desk.path("b").exists());
    let plain = archive().desk("[]");
    plain.run(&["check"]).exit(0).hides("packages");
    plain.run(&["lock"]).exit(0).stderr("no component needs packages\n");
    assert!(!plain.path("packages.lock").exists());
}

#[test]
fn the_system_must_be_known() {
    let archive = archive();
    let profile = |base: &str| {
        let desk = archive.desk("[haproxy]");
        let text = desk
            .text("profile.yaml")
            .replace("cluster: c\n", &format!("cluster: c\nsystem: {{base: {base}}}\n"));
        desk.file("profile.yaml", text)
    };
    profile("trixie").run(&["lock"]).exit(0);
    profile("trixi").run(&["lock"]).exit(3).says(&[
        "unknown system `trixi`",
        "did you mean `trixie`?",
        "profile.yaml:2:",
    ]);
    let desk = archive.desk("[haproxy]").file("releases.yaml", "releases: {}\n");
    desk.run(&["check"]).exit(3).says(&[
        "`db` needs packages, and which system they are for is not known",
        "add `systems` and `archives`",
    ]);
}
