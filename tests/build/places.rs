//! What stands where a build would write: an earlier build gives way, and nothing else does.
#![expect(clippy::disallowed_methods, reason = "edge: puts things in the way of the program")]

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::small::small;
use crate::support::workspace::Workspace;

/// What is in the way, as commands of a shell in an empty folder, and what is said of it.
const IN_THE_WAY: [(&str, &str); 12] = [
    (
        "mkdir -p out/one; echo disk >out/one/disk.qcow2",
        "`out/one/disk.qcow2` was not written by imgbuild: `out/one` does not contain a manifest",
    ),
    (
        "mkdir -p out/one/deep/er",
        "`out/one/deep` was not written by imgbuild: `out/one` does not contain a manifest",
    ),
    (
        "mkdir -p out/one; echo '{\"name\": \"an app\"}' >out/one/manifest.json",
        "`out/one/manifest.json` was not written by imgbuild",
    ),
    ("mkdir -p out; echo text >out/one", "`out/one` was not written by imgbuild: it is not a folder"),
    (
        "mkdir -p out elsewhere; ln -s ../elsewhere out/one",
        "`out/one` was not written by imgbuild: it is not a folder",
    ),
    ("mkdir -p out; mkfifo out/one", "`out/one` was not written by imgbuild: it is not a folder"),
    ("echo text >out", "`out` is not a folder"),
    ("ln -s nowhere out", "`out` is a symbolic link to nothing"),
    (
        "built; echo precious >out/one/notes.txt",
        "`out/one/notes.txt` was not written by imgbuild: manifest.json does not list it",
    ),
    (
        "built; mkdir out/one/.git",
        "`out/one/.git` was not written by imgbuild: manifest.json does not list it",
    ),
    (
        "built; rm out/one/seed.iso; mkdir out/one/seed.iso",
        "`out/one/seed.iso` was not written by imgbuild: it is not a plain file",
    ),
    (
        "built; mv out/one out/two; rm -rf out/one; mv out/two out/one; sed -i 's/\"node\": \"one\"/\"node\": \"two\"/' out/one/manifest.json",
        "`out/one` belongs to the node `two`, expected `one`",
    ),
];

/// The folder and all in it, links and empty folders too.
fn listing(workspace: &Workspace) -> String {
    let find = std::process::Command::new("find")
        .args([".", "-not", "-path", "./cache*", "-printf", "%p %y %l %s\n"])
        .current_dir(workspace.path("."))
        .output()
        .unwrap();
    let mut lines: Vec<_> = String::from_utf8(find.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn what_no_build_wrote_is_refused_before_anything_is_fetched() {
    for (given, message) in IN_THE_WAY {
        let workspace = small();
        if given.starts_with("built") {
            workspace.run(&["--all", "--quiet"]).exit(0);
            fs::remove_dir_all(workspace.path("cache")).unwrap();
        }
        let script = given.trim_start_matches("built;");
        let done =
            std::process::Command::new("sh").args(["-ec", script]).current_dir(workspace.path(".")).status();
        assert!(done.unwrap().success(), "{given}");
        let before = listing(&workspace);
        let run = workspace.run(&["one", "--source-date-epoch=7"]).exit(1).stdout("");
        run.says(&[
            message,
            "nothing was written",
            "help: move it away, or write to another folder with `--out DIR`",
        ]);
        assert_eq!(listing(&workspace), before, "{given}");
        assert!(!workspace.path("cache").exists(), "{given}: something was fetched");
    }
}

#[test]
fn all_that_is_in_the_way_is_told_at_once() {
    let workspace = small().file("out/one/a", "").file("out/two/b", "");
    workspace.run(&["--all"]).exit(1).stderr(
        "error: refused to overwrite existing files; nothing was written\n  \
         `out/one/a` was not written by imgbuild: `out/one` does not contain a manifest of imgbuild\n  \
         `out/two/b` was not written by imgbuild: `out/two` does not contain a manifest of imgbuild\n\
         help: move it away, or write to another folder with `--out DIR`\n",
    );
}

#[test]
fn an_empty_folder_and_an_earlier_build_give_way() {
    let workspace = small();
    fs::create_dir_all(workspace.path("out/one")).unwrap();
    workspace.run(&["one", "--quiet"]).exit(0);
    let manifest = workspace.text("out/one/manifest.json");
    // The first builds did not say the cluster.
    let without: Vec<_> = manifest.lines().filter(|line| !line.contains("\"cluster\"")).collect();
    let without = without.join("\n");
    assert!(without.len() < manifest.len());
    workspace.write("out/one/manifest.json", without);
    fs::write(workspace.path("out/one/user-data"), "changed by hand").unwrap();
    fs::remove_file(workspace.path("out/one/meta-data")).unwrap();
    workspace.run(&["one", "--quiet"]).exit(0);
    assert_eq!(workspace.text("out/one/manifest.json"), manifest);
    assert_eq!(workspace.files("out").len(), 6);
}

#[test]
fn a_node_called_as_a_folder_of_sources_does_not_take_its_place() {
    let workspace = small();
    let profile = workspace.text("profile.yaml").replace("name: one,", "name: overlays,");
    let workspace = workspace.profile(profile);
    let before = listing(&workspace);
    let run = workspace.run(&["overlays", "--out", "."]).exit(1);
    run.says(&["`./overlays/thing` was not written by imgbuild: `./overlays` does not contain a manifest of imgbuild"]);
    assert_eq!(listing(&workspace), before);
}

/// The cluster `small` by another name.
fn other(workspace: Workspace) -> Workspace {
    let profile = workspace.text("profile.yaml").replace("cluster: small", "cluster: other");
    workspace.profile(profile)
}

#[test]
fn another_clusters_outputs_are_refused_and_told_how_to_be_kept_apart() {
    for delivery in ["image", "shared"] {
        let workspace = small();
        workspace.run(&["--all", "--quiet", "--delivery", delivery]).exit(0);
        let workspace = other(workspace);
        let before = workspace.files("out");
        let run = workspace.run(&["one", "--delivery", delivery]).exit(1);
        run.says(&[
            "`out/one` belongs to the cluster `small`, expected `other`",
            "help: give each cluster an `--out DIR` and a `--secrets FILE` of its own: two clusters with one secrets file share",
            "if the cluster `small` was renamed or is gone, move its folders away",
        ]);
        assert!(workspace.files("out") == before);
        workspace.run(&["one", "--quiet", "--out", "other", "--delivery", delivery]).exit(0);
    }
    // Its instances are not counted on from either.
    let workspace = small();
    workspace.run(&["one", "--quiet"]).exit(0);
    workspace.run(&["one", "--quiet", "--reprovision"]).exit(0);
    let workspace = other(workspace);
    for verb in ["check", "plan", "one"] {
        workspace
            .run(&[verb])
            .exit(1)
            .stdout("")
            .says(&["`out/one` belongs to the cluster `small`, expected `other`"]);
    }
    workspace.run(&["show", "one", "meta-data"]).exit(0).hides("one-2");
}

#[test]
fn what_nodes_share_takes_no_other_files_place() {
    for (delivery, path, message) in [
        (
            &["--delivery", "shared"][..],
            "out/shared.iso",
            "`out/shared.iso` was not written by imgbuild: it is not an image of layers",
        ),
        (
            &["--delivery", "http", "--url", "http://192.0.2.1"],
            "out/layers/notes",
            "`out/layers/notes` was not written by imgbuild: it is not a layer",
        ),
        (
            &["--delivery", "http", "--url", "http://192.0.2.1"],
            "out/layers",
            "`out/layers` was not written by imgbuild: it is not a folder",
        ),
    ] {
        let workspace = small().file(path, "precious");
        workspace.run(&[&["--all"], delivery].concat()).exit(1).says(&[message]);
        assert_eq!(workspace.text(path), "precious");
        assert!(!workspace.path("cache").exists() && workspace.files("out").len() == 1);
    }
    // Another cluster's nodes would lose their layers with the image, whatever they are called.
    let workspace = small();
    workspace.run(&["one", "--quiet", "--delivery", "shared"]).exit(0);
    let profile = workspace
        .text("profile.yaml")
        .replace("name: one,", "name: three,")
        .replace("cluster: small", "cluster: other");
    let workspace = workspace.profile(profile);
    workspace
        .run(&["three", "--delivery", "shared"])
        .exit(1)
        .says(&["`out/one` belongs to the cluster `small`, expected `other`"]);
    workspace.run(&["three", "--quiet"]).exit(0);
}

#[test]
fn layers_that_no_build_wrote_are_not_removed() {
    let http = ["--quiet", "--delivery", "http", "--url", "http://192.0.2.1"];
    let blob = "0".repeat(64);
    let workspace = small().file(&format!("out/layers/{blob}"), "a blob of somebody else's");
    workspace.run(&[&["--all"], &http[..]].concat()).exit(0);
    let before = workspace.files("out/layers").len();
    workspace.run(&[&["--all", "--source-date-epoch=7"], &http[..]].concat()).exit(0);
    assert_eq!(workspace.text(&format!("out/layers/{blob}")), "a blob of somebody else's");
    assert_eq!(workspace.files("out/layers").len(), before, "the layers that were built before are gone");
}

#[test]
fn a_link_to_the_folder_of_outputs_is_no_hindrance() {
    let workspace = small();
    fs::create_dir(workspace.path("disk")).unwrap();
    symlink("disk", workspace.path("out")).unwrap();
    for _ in 0..2 {
        workspace.run(&["one", "--quiet", "--delivery", "shared"]).exit(0);
    }
    assert_eq!(workspace.files("disk").len(), 6);
}
