//! `imgbuild NODE`: what it writes, where, with which modes, and what it says.
#![expect(clippy::disallowed_methods, reason = "edge: looks at what the program wrote")]

mod cluster;
mod disk;
mod durable;
mod extend;
mod faults;
mod hostile;
mod interrupted;
mod odd;
mod places;
mod secrets;
mod unchanged;

use std::fs;

use imgbuild::digest::Sha256;
use imgbuild::layer::{ArchiveLimits, list};
use imgbuild::release::Arch;
use serde_json::{Value, json};

use super::support::overlay::{text, unpack};
use super::support::releases::content;
use super::support::workspace::{Run, Workspace};

/// What a build warns of while the default profile has no key.
const NO_LOGIN: &str = "\
warning: nobody can log in: `vasya` has neither an SSH key nor a password
help: add a key to `ssh_authorized_keys` of the profile, or the secret `admin_password`
";

const OUTPUTS: [&str; 6] =
    ["manifest.json", "meta-data", "network-config", "overlay.tar.gz", "seed.iso", "user-data"];

fn names(workspace: &Workspace, folder: &str) -> Vec<String> {
    workspace.files(folder).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn one_node_is_built_and_said() {
    let workspace = Workspace::with_releases();
    let run = workspace.run(&["ptrn-1"]).exit(0).stdout("out/ptrn-1\n");
    let errors = run.errors();
    assert!(errors.starts_with(NO_LOGIN), "{errors}");
    for artifact in ["etcd 1.2.3 amd64", "node_exporter 1.2.3 amd64"] {
        let line = errors.lines().find(|line| line.contains(artifact));
        assert!(line.is_some_and(|line| line.contains("fetched")), "{artifact} in\n{errors}");
    }
    assert_eq!(names(&workspace, "out/ptrn-1"), OUTPUTS);
    assert_eq!(workspace.permissions("out/ptrn-1"), 0o755);
    for name in OUTPUTS {
        assert_eq!(workspace.permissions(&format!("out/ptrn-1/{name}")), 0o644, "{name}");
    }
    assert!(!workspace.path("secrets.yaml").exists(), "ptrn-1 needs no secret");
    let again = format!("{NO_LOGIN}nothing has changed since the last build\n");
    workspace.run(&["ptrn-1"]).exit(0).stderr(&again);
}

#[test]
fn the_manifest_says_what_came_out() {
    let workspace = Workspace::with_releases();
    let run = workspace.run(&["--all", "--json", "--quiet"]).exit(0).stderr(NO_LOGIN);
    let printed = run.json();
    for (index, node) in ["ptrn-1", "ptrn-2", "ptrn-3", "prmt-1"].iter().enumerate() {
        let text = workspace.text(&format!("out/{node}/manifest.json"));
        let manifest: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(printed[index], manifest);
        let facts = ["imgbuild", "cluster", "node", "instance_id", "arch"].map(|key| manifest[key].clone());
        assert_eq!(json!(facts), json!([env!("CARGO_PKG_VERSION"), "patroni", node, node, "amd64"]));
        let artifacts: Vec<_> =
            manifest["artifacts"].as_array().unwrap().iter().map(|artifact| &artifact["name"]).collect();
        let expected = if *node == "prmt-1" {
            json!(["node_exporter", "prometheus", "grafana"])
        } else {
            json!(["node_exporter", "etcd"])
        };
        assert_eq!(json!(artifacts), expected);
        for artifact in manifest["artifacts"].as_array().unwrap() {
            let name = artifact["name"].as_str().unwrap();
            let file = workspace.read(&format!("mirror/releases.invalid/{name}-amd64.tar.gz"));
            let expected = json!({
                "name": name, "version": "1.2.3", "url": format!("https://releases.invalid/{name}-amd64.tar.gz"),
                "sha256": Sha256::of(file).to_string(), "source": "synthetic",
            });
            assert_eq!(*artifact, expected);
        }
        let outputs = manifest["outputs"].as_object().unwrap();
        assert_eq!(outputs.len(), OUTPUTS.len() - 1, "all but the manifest");
        for (name, output) in outputs {
            let bytes = workspace.read(&format!("out/{node}/{name}"));
            let expected = json!({ "size": bytes.len(), "sha256": Sha256::of(&bytes).to_string() });
            assert_eq!(*output, expected, "{node}/{name}");
        }
    }
}

#[test]
fn the_overlay_has_programs_files_and_nothing_that_is_secret() {
    let workspace = Workspace::with_releases();
    workspace.run(&["ptrn-1"]).exit(0);
    let bytes = workspace.read("out/ptrn-1/overlay.tar.gz");
    let files = unpack(&bytes);
    for program in ["etcd", "etcdctl", "etcdutl"] {
        assert_eq!(text(&files, &format!("/usr/local/bin/{program}")), content("etcd", Arch::Amd64, program));
    }
    assert!(text(&files, "/etc/etcd/etcd.conf").starts_with("ETCD_NAME=\"ptrn-1\"\n"));
    assert!(text(&files, "/etc/hosts").contains("192.168.2.99  prmt-1\n"));
    assert!(!files.contains_key("/usr/local/bin/CHANGELOG.md"), "only what is named is taken");
    let index = list(&bytes[..], &ArchiveLimits::default()).unwrap();
    let mode = |path: &str| {
        index.entries.iter().find(|entry| entry.path.as_str() == path).map(|entry| entry.mode.to_string())
    };
    for (path, expected) in [
        ("/usr/local/bin/etcd", "0755"),
        ("/etc/etcd/etcd.conf", "0644"),
        ("/etc/systemd/system/etcd.service", "0644"),
        ("/usr/share/doc/node_exporter/LICENSE", "0644"),
        ("/usr/lib/imgbuild/files", "0644"),
    ] {
        assert_eq!(mode(path).as_deref(), Some(expected), "{path}");
    }
}

#[test]
fn user_data_knows_the_overlay_and_carries_none_of_it() {
    let workspace = Workspace::with_releases().secrets("admin_password: a\n");
    workspace.run(&["--all"]).exit(0);
    for node in ["ptrn-1", "ptrn-2", "ptrn-3", "prmt-1"] {
        let overlay = workspace.read(&format!("out/{node}/overlay.tar.gz"));
        let user_data = workspace.text(&format!("out/{node}/user-data"));
        assert!(user_data.starts_with("#cloud-config\n"));
        assert!(user_data.len() <= 9 * 1024, "{node}: {} bytes", user_data.len());
        let sha256 = Sha256::of(&overlay);
        assert!(user_data.contains(&format!("IMGBUILD_OVERLAY_SHA256='{sha256}'")));
        assert!(user_data.contains(&format!("{sha256}\tthe overlay\t{}\toverlay.tar.gz\t\n", overlay.len())));
        assert!(!user_data.contains("stands for"));
        let image = workspace.read(&format!("out/{node}/seed.iso"));
        for name in ["user-data", "meta-data", "network-config", "overlay.tar.gz"] {
            let part = workspace.read(&format!("out/{node}/{name}"));
            let is_part = image.chunks(2048).enumerate().any(|(at, _)| image[at * 2048..].starts_with(&part));
            assert!(is_part, "{node}: the image has {name} in one piece");
        }
    }
}

#[test]
fn a_node_whose_name_is_a_verb_is_built_by_build() {
    let profile = include_str!("../../profiles/patroni.yaml").replace("name: ptrn-1", "name: check");
    let workspace = Workspace::with_releases().profile(profile);
    workspace.run(&["check"]).exit(0).stdout("");
    workspace.wrote_nothing();
    workspace.run(&["build", "check"]).exit(0).stdout("out/check\n");
    assert_eq!(names(&workspace, "out/check"), OUTPUTS);
}

#[test]
fn several_nodes_are_built_once_each_in_the_profiles_order() {
    let workspace = Workspace::with_releases();
    workspace.run(&["ptrn-3", "ptrn-1", "ptrn-3"]).exit(0).stdout("out/ptrn-1\nout/ptrn-3\n");
    workspace.run(&["build", "--all"]).exit(0);
    assert_eq!(names(&workspace, "out").len(), 4 * OUTPUTS.len());
}

#[test]
fn the_environment_says_what_options_say() {
    let workspace = Workspace::with_releases().secrets("admin_password: geheim\n");
    fs::rename(workspace.path("secrets.yaml"), workspace.path("other.yaml")).unwrap();
    let mut command = workspace.bare(&["ptrn-1"]);
    for (name, value) in [
        ("RELEASES", "releases.yaml"),
        ("MIRROR", "mirror"),
        ("OUT", "images"),
        ("STORE", "depot"),
        ("SECRETS", "other.yaml"),
        ("ARCH", "arm64"),
        ("JSON", "true"),
        ("QUIET", "1"),
    ] {
        command.env(format!("IMGBUILD_{name}"), value);
    }
    let run = Run::of(command.env("SOURCE_DATE_EPOCH", "1700000000")).exit(0).stderr("");
    assert_eq!(run.json()[0]["arch"], "arm64");
    assert!(workspace.path("depot/CACHEDIR.TAG").exists());
    assert!(workspace.text("images/ptrn-1/user-data").contains("hashed_passwd: \"$6$"));
    let run = Run::of(workspace.bare(&["check"]).env("IMGBUILD_PROFILE", "nowhere.yaml"));
    run.exit(3).says(&["nowhere.yaml"]);
    let run = Run::of(workspace.bare(&["check"]).env("IMGBUILD_OVERLAYS", "nowhere"));
    run.exit(3).says(&["nowhere"]);
    let run = Run::of(
        workspace.bare(&["check"]).env("IMGBUILD_PROFILE", "nowhere").env("IMGBUILD_COLOR", "always"),
    );
    run.exit(3).says(&["\u{1b}["]);
}

#[test]
fn the_architecture_of_all_nodes_can_be_chosen() {
    let workspace = Workspace::with_releases();
    workspace.run(&["ptrn-1", "--arch", "arm64"]).exit(0).says(&["etcd 1.2.3 arm64"]);
    let files = unpack(&workspace.read("out/ptrn-1/overlay.tar.gz"));
    assert_eq!(text(&files, "/usr/local/bin/etcd"), content("etcd", Arch::Arm64, "etcd"));
}

#[test]
fn a_filled_store_is_enough_without_a_network() {
    let workspace = Workspace::with_releases();
    let run = workspace.run(&["ptrn-1", "--offline"]);
    // A folder is no network: the mirror may be used.
    run.exit(0);
    fs::remove_dir_all(workspace.path("mirror")).unwrap();
    fs::remove_dir_all(workspace.path("out")).unwrap();
    let without = |arguments: &[&str]| {
        Run::of(&mut workspace.bare(&[arguments, &["--releases", "releases.yaml"]].concat()))
    };
    without(&["ptrn-2", "--offline", "--quiet"]).exit(0).stderr(NO_LOGIN).stdout("out/ptrn-2\n");
    // Layers that were made are enough too; without them it takes the artifacts.
    without(&["ptrn-2", "--offline", "--store", "empty"]).exit(0);
    fs::remove_dir_all(workspace.path("cache/imgbuild/derived")).unwrap();
    let run = without(&["ptrn-2", "--offline", "--store", "empty"]).exit(5);
    run.says(&["it is not in the store, and the network is off", "imgbuild fetch", "--mirror DIR"]);
    assert_eq!(names(&workspace, "out"), OUTPUTS.map(|name| format!("ptrn-2/{name}")));
}

#[test]
fn fetch_fills_the_store_and_says_what_it_did() {
    let workspace = Workspace::with_releases();
    let outcomes = |arguments: &[&str]| {
        let json = workspace.run(arguments).exit(0).stderr("").json();
        let one = |item: &Value| {
            format!("{} {}", item["name"].as_str().unwrap(), item["outcome"].as_str().unwrap())
        };
        json.as_array().unwrap().iter().map(one).collect::<Vec<_>>().join("\n")
    };
    let names = ["etcd", "grafana", "node_exporter", "prometheus"];
    for outcome in ["fetched", "cached"] {
        let expected = names.map(|name| format!("{name} 1.2.3 amd64 {outcome}")).join("\n");
        assert_eq!(outcomes(&["fetch", "--json", "--quiet"]), expected);
    }
    assert!(!workspace.path("out").exists());
    workspace.run(&["fetch"]).exit(0).stdout("").says(&["cached"]);
}

#[test]
fn releases_that_are_named_are_fetched_and_their_places_printed() {
    let image = b"an image";
    let sha256 = Sha256::of(image);
    let pin = format!(
        "{{version: \"1\", url: \"https://h/base-{{{{ arch }}}}.img\", artifacts: {{arm64: {{sha256: {sha256}, source: x}}}}}}"
    );
    let workspace = Workspace::new()
        .releases(format!("releases:\n  base: {pin}\n"))
        .file("mirror/h/base-arm64.img", image)
        .option("--mirror", "mirror")
        .option("--store", "store");
    let place = format!("store/sha256/{sha256}");
    let run = workspace.run(&["fetch", "base", "--arch", "arm64"]).exit(0).stdout(&format!("{place}\n"));
    run.says(&["base 1 arm64", "fetched"]);
    assert_eq!(workspace.read(&place), image);
    let json = workspace.run(&["fetch", "base", "--arch", "arm64", "--json"]).exit(0).json();
    let expected = json!([{
        "name": "base 1 arm64", "sha256": sha256.to_string(), "size": image.len(), "outcome": "cached", "path": place,
    }]);
    assert_eq!(json, expected);
    workspace.run(&["fetch", "base"]).exit(3).says(&["the release `base` has no pin for amd64"]);
    workspace
        .run(&["fetch", "bas"])
        .exit(2)
        .stderr("error: unknown release `bas`\nhelp: did you mean `base`? `releases.yaml` has `base`\n");
    let workspace = workspace.file("mirror/h/base-arm64.img", "another");
    std::fs::remove_dir_all(workspace.path("store")).unwrap();
    workspace.run(&["fetch", "base", "--arch", "arm64"]).exit(4).stdout("");
}
