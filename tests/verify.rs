//! `imgbuild verify` and `inspect` on nodes, seed images and stores: what is wrong is named, with exit code 4.
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use imgbuild::audit::audit;
use imgbuild::digest::Sha256;

use super::support::oracle::{oracle, stdout};
use super::support::small::{ARCHIVE, away, small};
use super::support::workspace::Workspace;

/// A cluster whose nodes were built, with its bundle.
fn built() -> Workspace {
    let workspace = small();
    workspace.run(&["--all", "--quiet", "--store", "store"]).exit(0);
    workspace.run(&["bundle", "-o", "b", "--quiet", "--store", "store"]).exit(0);
    workspace
}

/// Changes a bit of a file where `text` stands in it.
fn flip(workspace: &Workspace, file: &str, text: &[u8]) {
    let mut bytes = workspace.read(file);
    let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
    bytes[at] ^= 1;
    workspace.write(file, bytes);
}

fn artifact(workspace: &Workspace) -> String {
    format!("store/sha256/{}", Sha256::of(workspace.read(ARCHIVE)))
}

fn pipe(workspace: &Workspace, file: &str) {
    let _ = fs::remove_file(workspace.path(file));
    stdout(Command::new("mkfifo").arg(workspace.path(file)));
}

fn chmod(workspace: &Workspace, file: &str, mode: u32) {
    fs::set_permissions(workspace.path(file), fs::Permissions::from_mode(mode)).unwrap();
}

/// Puts a link to the file in its place.
fn link(workspace: &Workspace, file: &str) {
    let elsewhere = workspace.path("mirror/elsewhere");
    fs::rename(workspace.path(file), &elsewhere).unwrap();
    symlink(elsewhere, workspace.path(file)).unwrap();
}

#[test]
fn what_was_built_is_intact_and_can_be_listed() {
    let workspace = built();
    let artifact = Sha256::of(workspace.read(ARCHIVE)).to_string();
    for (path, kind, listed) in [
        ("b", "bundle", "profile.yaml"),
        ("out/one", "node", "thing 1.0"),
        ("out/one/seed.iso", "seed image", "overlay.tar.gz"),
        ("store", "store", &artifact),
    ] {
        let told = away(&workspace, &["verify", path]).exit(0).stderr("").data();
        assert!(told.starts_with(&format!("{path}: {kind}, ")) && told.contains("intact"), "{told}");
        assert_eq!(told.lines().count(), 2, "{told}");
        assert!(told.contains("\nproven: ") && told.contains("is not proven"), "{told}");
        assert!(away(&workspace, &["--json", "verify", path]).json()["proves"].is_string());
        let told = away(&workspace, &["inspect", path]).exit(0).stderr("").data();
        assert!(told.starts_with(kind) && told.contains(listed), "{told}");
        for verb in ["verify", "inspect"] {
            away(&workspace, &["--json", verb, path]).exit(0).json();
        }
    }
}

#[test]
fn what_is_listed_is_known_without_the_payload() {
    let workspace = built();
    let listed = |path: &str| away(&workspace, &["inspect", path]).exit(0).data();
    let (bundle, archive) = (workspace.read("b"), workspace.read(ARCHIVE));
    let in_bundle = bundle.windows(archive.len()).position(|part| part == archive).unwrap();
    for (path, payload, index) in [
        ("b", "b", in_bundle),
        ("out/one/seed.iso", "out/one/seed.iso", 27 * 2048),
        ("out/one", "out/one/overlay.tar.gz", 0),
    ] {
        let before = listed(path);
        let mut bytes = workspace.read(payload);
        bytes[index..].fill(7);
        workspace.write(payload, bytes);
        assert_eq!(listed(path), before, "{path}");
        away(&workspace, &["verify", path]).exit(4);
    }
}

type Harm = fn(&Workspace);

/// Each harm is named by `verify`, which then ends with exit code 4 and says the same as JSON.
#[track_caller]
fn each_is_named<const N: usize>(path: &str, harms: [(Harm, &str); N]) {
    for (harm, named) in harms {
        let workspace = built();
        harm(&workspace);
        away(&workspace, &["verify", path]).exit(4).stdout("").says(&[named]);
        let run = away(&workspace, &["verify", path, "--json"]).exit(4);
        assert!(!run.json()["faults"].as_array().unwrap().is_empty());
    }
}

#[test]
fn what_is_wrong_with_a_node_is_named() {
    each_is_named(
        "out/one",
        [
            (|workspace| flip(workspace, "out/one/meta-data", b"one"), "`meta-data` is damaged"),
            (
                |workspace| flip(workspace, "out/one/seed.iso", b"CIDATA"),
                "`seed.iso` is damaged: its digests are not shown",
            ),
            (
                |workspace| chmod(workspace, "out/one/user-data", 0o640),
                "others can read `user-data`, which holds secrets: expected mode 0600, got 0640; `chmod 600` it",
            ),
            (|workspace| chmod(workspace, "out/one/manifest.json", 0o604), "others can read `manifest.json`"),
            (|workspace| link(workspace, "out/one/seed.iso"), "`seed.iso`: it is a link, expected a file"),
            (|workspace| link(workspace, "out/one/meta-data"), "`meta-data`: it is a link, expected a file"),
            (|workspace| link(workspace, "out/one/manifest.json"), "`manifest.json`: it is a link"),
            (
                |workspace| fs::remove_file(workspace.path("out/one/network-config")).unwrap(),
                "`network-config` is missing",
            ),
            (|workspace| workspace.write("out/one/notes", ""), "`notes` is not declared"),
            (|workspace| workspace.write("out/one/folder/file", ""), "`folder` is not declared"),
            (|workspace| pipe(workspace, "out/one/user-data"), "`user-data`: it is not a plain file"),
            (|workspace| workspace.write("out/one/manifest.json", "{"), "`manifest.json`: EOF"),
            (|workspace| workspace.write("out/one/manifest.json", "{\"\u{1b}[2J\": 1}"), "`manifest.json`: "),
            (
                |workspace| fs::remove_file(workspace.path("out/one/manifest.json")).unwrap(),
                "`manifest.json` is missing",
            ),
            (
                |workspace| {
                    let text =
                        workspace.text("out/one/manifest.json").replace("user-data", "../two/user-data");
                    workspace.write("out/one/manifest.json", text);
                },
                "it declares `../two/user-data`, which no build writes",
            ),
            (
                |workspace| {
                    let text = workspace.text("out/one/manifest.json");
                    let (head, _) = text.split_once("\"outputs\"").unwrap();
                    workspace.write("out/one/manifest.json", format!("{head}\"outputs\": {{}}\n}}\n"));
                },
                "it does not declare `overlay.tar.gz`",
            ),
            (other_image, "`meta-data` differs from the file of that name beside it"),
        ],
    );
}

/// Puts the image of another node into the folder, and makes the manifest say so.
fn other_image(workspace: &Workspace) {
    let (own, other) = (workspace.read("out/one/seed.iso"), workspace.read("out/two/seed.iso"));
    let text = workspace.text("out/one/manifest.json");
    let text = text.replace(&Sha256::of(own).to_string(), &Sha256::of(&other).to_string());
    workspace.write("out/one/manifest.json", text);
    workspace.write("out/one/seed.iso", other);
}

#[test]
fn what_is_wrong_with_a_seed_image_is_named() {
    each_is_named(
        "out/one/seed.iso",
        [
            (|workspace| flip(workspace, "out/one/seed.iso", b"hostname"), "is damaged: expected sha256"),
            (|workspace| flip(workspace, "out/one/seed.iso", b"instance-id: one"), "`meta-data` is damaged"),
            (
                |workspace| {
                    let overlay = workspace.read("out/one/overlay.tar.gz");
                    flip(workspace, "out/one/seed.iso", &overlay[..64]);
                },
                "`overlay.tar.gz` is damaged",
            ),
            (
                |workspace| {
                    let bytes = workspace.read("out/one/seed.iso");
                    workspace.write("out/one/seed.iso", &bytes[..bytes.len() - 2048]);
                },
                "the image is truncated",
            ),
            (
                |workspace| {
                    let bytes = workspace.read("out/one/seed.iso");
                    workspace.write("out/one/seed.iso", [&bytes[..], b"more"].concat());
                },
                "from its volume descriptor, got",
            ),
        ],
    );
}

#[test]
fn every_changed_byte_of_a_seed_image_is_found() {
    let workspace = built();
    let image = workspace.path("out/two/seed.iso");
    let mut bytes = fs::read(&image).unwrap();
    let faults = |bytes: &[u8]| {
        fs::write(&image, bytes).unwrap();
        audit(&image).unwrap().faults
    };
    assert_eq!(faults(&bytes), []);
    for at in 0..bytes.len() {
        // Of the zeros that fill sectors, some will do, as of the text of user-data.
        if at % 997 == 0 || bytes[at] != 0 && at % 41 == 0 {
            bytes[at] ^= 0x11;
            assert!(!faults(&bytes).is_empty(), "byte {at}");
            bytes[at] ^= 0x11;
        }
    }
}

#[test]
fn an_image_of_another_program_is_not_taken_for_a_sound_one() {
    let workspace = built();
    let Some(mut genisoimage) = oracle("genisoimage") else { return };
    let files = ["user-data", "meta-data", "network-config", "overlay.tar.gz"];
    let folder = workspace.path("out/one");
    stdout(
        genisoimage
            .current_dir(folder)
            .args(["-quiet", "-V", "CIDATA", "-J", "-r", "-o", "seed.iso"])
            .args(files),
    );
    let run = away(&workspace, &["verify", "out/one/seed.iso"]).exit(4);
    run.says(&["`user-data`: the image does not record a digest for it"]);
}

#[test]
fn what_is_wrong_with_a_store_is_named() {
    each_is_named(
        "store",
        [
            (
                |workspace| flip(workspace, &artifact(workspace), b"\x1f\x8b"),
                "` is damaged: expected sha256 ",
            ),
            (|workspace| workspace.write("store/sha256/stray", ""), "`sha256/stray` is not declared"),
            (|workspace| workspace.write("store/layers/odd.json", "{}"), "`layers` is not declared"),
            (|workspace| pipe(workspace, &artifact(workspace)), "it is not a plain file"),
        ],
    );
}

#[test]
fn what_imgbuild_does_not_write_is_not_verified() {
    let workspace = built();
    for (path, code) in [("profile.yaml", 4), ("overlays", 1), ("nowhere", 1), ("/dev/zero", 1)] {
        for verb in ["verify", "inspect"] {
            away(&workspace, &[verb, path]).exit(code).stdout("");
        }
    }
}

/// Each of these paths leads to nothing of imgbuild's: what was expected there, and what to do first.
#[test]
fn a_path_that_leads_nowhere_is_told_with_a_way_on() {
    let workspace = built();
    fs::create_dir(workspace.path("empty")).unwrap();
    let build = "help: build first: `imgbuild --all` writes a folder for each node, such as `out/ptrn-1`; \
                 `imgbuild bundle -o FILE` a bundle\n";
    let what = "a bundle, a node's folder, an image or a store";
    for verb in ["verify", "inspect"] {
        for path in ["/nowhere", "profile.yaml/below"] {
            let run = away(&workspace, &[verb, path]).exit(1).stdout("");
            run.stderr(&format!("error: `{path}` does not exist, expected {what}\n{build}"));
        }
        let run = away(&workspace, &[verb, "empty"]).exit(1).stdout("");
        run.says(&[
            "`empty` is neither a node's folder",
            &format!("help: name {what}, such as `out/ptrn-1`"),
        ]);
    }
    away(&workspace, &["check", "--bundle", "nofile"]).exit(1).stderr(
        "error: `nofile` does not exist, expected a bundle\n\
         help: `imgbuild bundle -o FILE` writes one, where there is a network\n",
    );
    let key = "help: `minisign -G -p imgbuild.pub -s imgbuild.key` makes a key: `--sign imgbuild.key`\n";
    for (path, why) in
        [("nokey", "`nokey` does not exist"), ("empty", "failed to read `empty`: is a directory")]
    {
        let run = workspace.run(&["bundle", "-o", "c", "--sign", path]).exit(1);
        run.stderr(&format!("error: {why}, expected a minisign secret key\n{key}"));
    }
    let store = "help: name an empty folder, a store, or a new folder with `--store DIR`\n";
    let run = workspace.run(&["fetch", "--store", "overlays"]).exit(1);
    run.stderr(&format!("error: the folder `overlays` contains other files and is not a store\n{store}"));
}
