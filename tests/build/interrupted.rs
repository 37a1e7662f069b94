//! A build that fails or has company leaves out/ whole: each node old or new, never between.
#![expect(
    clippy::disallowed_methods,
    reason = "edge: damages what the program reads and looks at what it left"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use imgbuild::digest::Sha256;
use serde_json::Value;

use crate::support::workspace::Workspace;

const PROFILE: &str = include_str!("../../profiles/patroni.yaml");

/// Every node's folder is as its manifest says, and there is nothing else.
#[track_caller]
fn whole(workspace: &Workspace, nodes: &[&str]) {
    let files = workspace.files("out");
    for node in nodes {
        let own: Vec<_> = files.iter().filter(|(path, _)| path.starts_with(&format!("{node}/"))).collect();
        assert_eq!(own.len(), 6, "{node} is not whole");
        let manifest: Value =
            serde_json::from_str(&workspace.text(&format!("out/{node}/manifest.json"))).unwrap();
        for (name, output) in manifest["outputs"].as_object().unwrap() {
            let digest = Sha256::of(workspace.read(&format!("out/{node}/{name}"))).to_string();
            assert_eq!(output["sha256"], digest, "{node}/{name}");
        }
    }
}

/// A workspace whose out/ has a first build of three nodes, and a profile by which they would be others.
fn changed() -> Workspace {
    let workspace = Workspace::with_releases().profile(PROFILE);
    workspace.run(&["ptrn-1", "ptrn-2", "ptrn-3", "--quiet"]).exit(0);
    workspace.profile(PROFILE.replace("192.168.2.99", "192.168.2.100"))
}

#[test]
fn a_build_that_fails_leaves_the_last_one() {
    let workspace = changed();
    let before = workspace.files("out");
    let untouched = |workspace: &Workspace, why: &str| assert!(workspace.files("out") == before, "{why}");

    workspace.run(&["--all", "--arch", "nonsense"]).exit(2);
    workspace.run(&["ptrn-1", "ptrn-9"]).exit(2);
    workspace.run(&["ptrn-1", "--mirror", "ftp://x"]).exit(2);
    untouched(&workspace, "usage");

    let workspace = workspace.profile(PROFILE.replace("address: 192.168.2.99", "address: 10.0.0.1"));
    workspace.run(&["ptrn-1"]).exit(3);
    untouched(&workspace, "invalid input");

    let workspace = workspace.profile(PROFILE.replace("192.168.2.99", "192.168.2.100"));
    fs::remove_file(workspace.path("mirror/releases.invalid/etcd-amd64.tar.gz")).unwrap();
    fs::remove_dir_all(workspace.path("cache/imgbuild/derived")).unwrap();
    workspace.run(&["--all", "--store", "new"]).exit(5).says(&["1 of 4 artifacts; nothing was written"]);
    untouched(&workspace, "something is missing");

    fs::write(workspace.path("mirror/releases.invalid/etcd-amd64.tar.gz"), "something else").unwrap();
    workspace.run(&["--all", "--store", "new"]).exit(4).says(&["etcd 1.2.3 amd64"]);
    untouched(&workspace, "something is forged");

    let workspace = workspace.file("not-a-folder", "");
    workspace.run(&["ptrn-1", "--store", "not-a-folder"]).exit(1).says(&["not a folder", "--store DIR"]);
    untouched(&workspace, "no store");
    assert_eq!(before.len(), 18);
}

#[test]
fn a_damaged_store_is_mended_and_nothing_of_it_is_published() {
    let workspace = Workspace::with_releases();
    workspace.run(&["ptrn-1", "--quiet"]).exit(0);
    let before = workspace.files("out");
    let mut damaged = 0;
    for (path, mut bytes) in workspace.files("cache/imgbuild") {
        if path.contains("sha256/") {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            let path = workspace.path("cache/imgbuild").join(path);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            fs::write(path, bytes).unwrap();
            damaged += 1;
        }
    }
    assert_eq!(damaged, 4, "two artifacts and two layers");
    // What is there as it was built would need nothing of the store.
    let build = || {
        fs::remove_dir_all(workspace.path("out")).unwrap();
        workspace.run(&["ptrn-1", "--offline", "--store", "cache/imgbuild"]).exit(0)
    };
    build().says(&["etcd 1.2.3 amd64: fetched"]);
    assert!(workspace.files("out") == before);

    let records = workspace.files("cache/imgbuild/derived/records");
    assert_eq!(records.len(), 2);
    for (name, bytes) in records {
        let path = format!("cache/imgbuild/derived/records/{name}");
        for at in (0..bytes.len()).step_by(bytes.len() / 9) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            workspace.write(&path, flipped);
            build().hides("fetched");
            assert!(workspace.files("out") == before, "byte {at} of {name}");
            assert!(workspace.read(&path) == bytes, "it is made anew");
        }
    }
}

#[test]
fn what_the_cache_knows_of_an_image_is_put_right() {
    let workspace = Workspace::with_releases();
    workspace.run(&["ptrn-1", "--quiet"]).exit(0);
    let (before, known) = (workspace.files("out"), workspace.files("cache/imgbuild/derived/images"));
    let [(name, image)] = &known[..] else { panic!("one image was built") };
    assert_eq!(image[65..], *Sha256::of(workspace.read("out/ptrn-1/seed.iso")).to_string().as_bytes());
    for text in ["", "nonsense", &Sha256::ZEROS.to_string()] {
        workspace.write(&format!("cache/imgbuild/derived/images/{name}"), text);
        fs::remove_dir_all(workspace.path("out")).unwrap();
        workspace.run(&["ptrn-1", "--quiet", "--offline"]).exit(0);
        assert!(workspace.files("out") == before, "{text}");
        assert!(workspace.files("cache/imgbuild/derived/images") == known, "{text}: it is put right");
    }
}

#[test]
fn nothing_is_kept_of_an_image_that_holds_secrets() {
    let workspace = Workspace::with_releases().secrets("admin_password: correct-horse\n");
    workspace.run(&["ptrn-1", "--quiet"]).exit(0);
    assert!(workspace.text("out/ptrn-1/user-data").contains("$6$"), "it holds a password");
    assert_eq!(workspace.files("cache/imgbuild/derived/images"), []);
}

#[test]
fn builds_at_once_share_a_store_and_out() {
    let workspace = Workspace::with_releases();
    let all = |_| workspace.spawn(&["--all", "--quiet"]);
    for mut run in (0..4).map(all).collect::<Vec<_>>() {
        assert!(run.wait().unwrap().success());
    }
    whole(&workspace, &["ptrn-1", "ptrn-2", "ptrn-3", "prmt-1"]);
    assert_eq!(workspace.files("out").len(), 24);
}

#[test]
fn what_others_keep_in_out_stays() {
    let workspace =
        Workspace::with_releases().file("out/notes.txt", "mine").file("out/other/file", "mine too");
    workspace.run(&["ptrn-1", "--quiet"]).exit(0);
    assert_eq!(
        (workspace.text("out/notes.txt"), workspace.text("out/other/file")),
        ("mine".into(), "mine too".into())
    );
}
