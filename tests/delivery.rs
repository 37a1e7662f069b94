//! `--delivery shared` and `--delivery http`: what is written, and that it is the default's overlay in parts.
#![expect(clippy::disallowed_methods, reason = "edge: looks at what the program wrote")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Cursor, Read as _};

use imgbuild::digest::Sha256;
use imgbuild::iso9660::read_image;
use imgbuild::layer::NamedLayer;
use imgbuild::output::Manifest;

use super::support::oracle::{oracle, stdout};
use super::support::small::away;
use super::support::workspace::Workspace;

const NODES: [&str; 4] = ["ptrn-1", "ptrn-2", "ptrn-3", "prmt-1"];
const SECRETS: &str = "admin_password: geheim\ngrafana_admin_password: geheimer\n";
const URL: &str = "http://192.0.2.1:8080";

/// A workspace with three builds of the same: in `image`, `shared` and `http`.
fn built() -> Workspace {
    let workspace = Workspace::with_releases().secrets(SECRETS);
    workspace.run(&["--all", "--quiet", "--out", "image"]).exit(0);
    let run = workspace.run(&["--all", "--quiet", "--out", "shared", "--delivery", "shared"]).exit(0);
    let folders = NODES.map(|node| format!("shared/{node}\n")).concat();
    run.stdout(&(folders + "shared/shared.iso\n"));
    let run =
        workspace.run(&["--all", "--quiet", "--out", "http", "--delivery", "http", "--url", URL]).exit(0);
    run.stdout(&(NODES.map(|node| format!("http/{node}\n")).concat() + "http/layers\n"));
    workspace
}

fn manifest(workspace: &Workspace, folder: &str) -> Manifest {
    serde_json::from_slice(&workspace.read(&format!("{folder}/manifest.json"))).unwrap()
}

/// The files of an image by name.
fn image(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let listing = read_image(&mut Cursor::new(bytes)).unwrap();
    let content = |file: &imgbuild::iso9660::ListedFile| {
        let mut content = Vec::new();
        file.open(Cursor::new(bytes)).unwrap().read_to_end(&mut content).unwrap();
        content
    };
    listing.files.iter().map(|file| (file.name.clone(), content(file))).collect()
}

fn names(workspace: &Workspace, folder: &str) -> Vec<String> {
    workspace.files(folder).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn layers_join_to_the_overlay_that_the_default_has() {
    let workspace = built();
    let shared = image(&workspace.read("shared/shared.iso"));
    let http: BTreeMap<_, _> = workspace.files("http/layers").into_iter().collect();
    assert!(shared == http, "both deliveries have the same layers");
    let mut used = BTreeSet::new();
    for node in NODES {
        let overlay = workspace.read(&format!("image/{node}/overlay.tar.gz"));
        let whole = manifest(&workspace, &format!("image/{node}"));
        assert_eq!(whole.overlay.unwrap().sha256, Sha256::of(&overlay));
        let user_data = workspace.text(&format!("image/{node}/user-data"));
        assert!(!user_data.contains("\tthe layer of "), "{user_data}");
        for delivery in ["shared", "http"] {
            let parts = manifest(&workspace, &format!("{delivery}/{node}"));
            assert_eq!(serde_json::to_value(parts.delivery).unwrap(), delivery);
            assert_eq!((&parts.overlay, &parts.layers), (&whole.overlay, &whole.layers));
            let named: Vec<_> = parts.layers.iter().map(|layer| layer.name.as_str()).collect();
            assert_eq!(named.first().copied(), Some("node_exporter"));
            assert_eq!(named.last().copied(), Some(node));
            let digests: Vec<_> = parts.layers.iter().map(|layer| layer.sha256.to_string()).collect();
            let joined: Vec<u8> = digests.iter().flat_map(|digest| shared[digest].clone()).collect();
            assert!(joined == overlay, "{delivery}/{node}");
            let user_data = workspace.text(&format!("{delivery}/{node}/user-data"));
            assert!(user_data.contains(&format!("IMGBUILD_OVERLAY_SHA256='{}'", Sha256::of(&overlay))));
            let line = |layer: &NamedLayer| {
                let (name, sha256, size) = (&layer.name, layer.sha256, layer.size);
                let url = if delivery == "http" { format!("{URL}/layers/{sha256}") } else { String::new() };
                format!("  {sha256}\tthe layer of {name}\t{size}\t{sha256}\t{url}\n")
            };
            let listed: String = parts.layers.iter().map(line).collect();
            assert!(user_data.contains(&listed), "{user_data}");
            assert!(user_data.len() < 16 * 1024, "{delivery}/{node}: {} bytes", user_data.len());
            used.extend(digests);
        }
    }
    assert_eq!(shared.keys().cloned().collect::<BTreeSet<_>>(), used, "no layer that nobody has");
    for (name, bytes) in &shared {
        assert_eq!(*name, Sha256::of(bytes).to_string());
    }
}

#[test]
fn a_seed_has_its_documents_and_what_nobody_else_needs() {
    let workspace = built();
    let documents = ["meta-data", "network-config", "user-data"];
    for node in NODES {
        for delivery in ["shared", "http"] {
            let folder = format!("{delivery}/{node}");
            let own = manifest(&workspace, &folder).layers.pop().unwrap();
            let seed = image(&workspace.read(&format!("{folder}/seed.iso")));
            let mut expected: BTreeSet<_> = documents.map(str::to_owned).into();
            expected.extend((delivery == "shared").then(|| own.sha256.to_string()));
            assert_eq!(seed.keys().cloned().collect::<BTreeSet<_>>(), expected, "{folder}");
            for document in documents {
                assert!(seed[document] == workspace.read(&format!("{folder}/{document}")), "{folder}");
            }
            let outputs = ["manifest.json", "meta-data", "network-config", "seed.iso", "user-data"];
            assert_eq!(names(&workspace, &folder), outputs);
            assert_eq!(workspace.permissions(&format!("{folder}/seed.iso")), 0o600, "it has a password");
        }
    }
    assert_eq!(workspace.permissions("shared/shared.iso"), 0o644);
    for (name, bytes) in workspace.files("http/layers") {
        assert_eq!(workspace.permissions(&format!("http/layers/{name}")), 0o644);
        assert!(!String::from_utf8_lossy(&bytes).contains("geheim"), "{name}");
    }
}

#[test]
fn other_programs_read_the_shared_image() {
    let workspace = Workspace::with_releases();
    workspace.run(&["ptrn-1", "--quiet", "--delivery", "shared"]).exit(0);
    let path = workspace.path("out/shared.iso");
    if let Some(mut blkid) = oracle("blkid") {
        let reported = stdout(blkid.args(["-p", "-o", "export"]).arg(&path));
        for line in ["LABEL=IMGBUILD", "TYPE=iso9660"] {
            assert!(reported.lines().any(|other| other == line), "{line} in\n{reported}");
        }
    }
    let layers = image(&fs::read(&path).unwrap());
    let listed: Vec<_> = layers.keys().cloned().collect();
    for tree in ["-R", "-J"] {
        let Some(mut isoinfo) = oracle("isoinfo") else { continue };
        let reported = stdout(isoinfo.args([tree, "-f", "-i"]).arg(&path));
        let mut names: Vec<_> = reported.lines().map(|line| line.trim_start_matches('/')).collect();
        names.sort_unstable();
        assert_eq!(names, listed, "isoinfo {tree}");
    }
    if let Some(mut xorriso) = oracle("xorriso") {
        let to = workspace.path("extracted");
        xorriso.args(["-osirrox", "on", "-indev"]).arg(&path).args(["-extract", "/"]).arg(&to);
        stdout(&mut xorriso);
        for (name, bytes) in &layers {
            assert!(fs::read(to.join(name)).unwrap() == *bytes, "{name}");
        }
    }
}

#[test]
fn verify_vouches_for_all_of_it() {
    let workspace = built();
    for (path, kind) in [
        ("image/ptrn-1", "node"),
        ("shared/ptrn-1", "node"),
        ("shared/ptrn-1/seed.iso", "seed image"),
        ("shared/shared.iso", "shared image"),
        ("http/ptrn-1", "node"),
        ("http/ptrn-1/seed.iso", "seed image"),
    ] {
        let run = away(&workspace, &["verify", path]).exit(0).stderr("");
        assert!(run.data().starts_with(&format!("{path}: {kind}, ")), "{}", run.data());
    }
    let own = manifest(&workspace, "shared/ptrn-1").layers.pop().unwrap().sha256.to_string();
    for path in ["shared/shared.iso", "shared/ptrn-1/seed.iso"] {
        let mut bytes = workspace.read(path);
        let file = read_image(&mut Cursor::new(&bytes)).unwrap().files;
        let offset = file.iter().find(|file| file.name == own).unwrap().offset;
        bytes[usize::try_from(offset).unwrap() + 20] ^= 1;
        fs::write(workspace.path(path), bytes).unwrap();
        away(&workspace, &["verify", path])
            .exit(4)
            .says(&[&format!("`{own}` is damaged: expected sha256 {own}")]);
    }
    away(&workspace, &["verify", "shared/ptrn-1"]).exit(4);
    fs::copy(workspace.path("shared/ptrn-2/seed.iso"), workspace.path("shared/ptrn-1/seed.iso")).unwrap();
    away(&workspace, &["verify", "shared/ptrn-1"]).exit(4);
}

#[test]
fn the_shared_image_is_the_same_whichever_nodes_are_built() {
    let workspace = Workspace::with_releases().secrets(SECRETS);
    workspace.run(&["--all", "--quiet", "--out", "all", "--delivery", "shared"]).exit(0);
    let other = Workspace::with_releases().secrets(SECRETS).option("--delivery", "shared");
    other.run(&["ptrn-2", "--quiet"]).exit(0).stdout("out/ptrn-2\nout/shared.iso\n");
    assert!(other.read("out/shared.iso") == workspace.read("all/shared.iso"));
    for name in names(&other, "out/ptrn-2") {
        let read = |workspace: &Workspace, folder| workspace.read(&format!("{folder}/ptrn-2/{name}"));
        assert!(read(&other, "out") == read(&workspace, "all"), "{name}");
    }
    assert!(!other.path("out/prmt-1").exists());
}

#[test]
fn layers_that_no_node_has_any_more_go() {
    let profile = |token: &str| {
        include_str!("../profiles/patroni.yaml")
            .replace("settings:\n", &format!("settings:\n  prometheus: {{retention: {token}}}\n"))
    };
    let workspace = Workspace::with_releases().profile(profile("15d"));
    let workspace = workspace.option("--delivery", "http").option("--url", URL);
    workspace.run(&["ptrn-1", "prmt-1", "--quiet"]).exit(0);
    let layers = |node: &str| manifest(&workspace, &format!("out/{node}")).layers;
    let all = |nodes: &[&str]| {
        let digests = nodes.iter().flat_map(|node| layers(node)).map(|layer| layer.sha256.to_string());
        digests.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    let before = all(&["ptrn-1", "prmt-1"]);
    assert_eq!(names(&workspace, "out/layers"), before, "those of the nodes that are built");
    fs::write(workspace.path("profile.yaml"), profile("16d")).unwrap();
    workspace.run(&["prmt-1", "--quiet"]).exit(0);
    let after = all(&["ptrn-1", "prmt-1"]);
    assert_ne!(before, after);
    assert_eq!(names(&workspace, "out/layers"), after);
    fs::write(workspace.path("out/ptrn-1/manifest.json"), "{}").unwrap();
    fs::write(workspace.path("profile.yaml"), profile("15d")).unwrap();
    workspace.run(&["prmt-1", "--quiet"]).exit(0);
    let kept = names(&workspace, "out/layers");
    assert!(after.iter().all(|layer| kept.contains(layer)), "nobody knows what ptrn-1 has");
}

#[test]
fn a_delivery_that_makes_no_sense_is_told_before_anything_is_fetched() {
    let workspace = Workspace::with_releases();
    let plain = "error: `--url` is not a valid http or https URL\n\
                 help: `http://HOST:PORT`, also with `https` or a path, without user name, `?` or `#`\n";
    for (arguments, stderr) in [
        (
            &["--delivery", "http"][..],
            "error: `--delivery http` is missing `--url`, the address that the nodes fetch from\n\
             help: add `--url http://HOST:PORT`, where `imgbuild serve` or another server answers\n",
        ),
        (
            &["--url", URL],
            "error: unexpected `--url` without `--delivery http`\nhelp: add `--delivery http`, or leave out `--url`\n",
        ),
        (&["--delivery", "http", "--url", "ftp://192.0.2.1"], plain),
        (&["--delivery", "http", "--url", "http://"], plain),
        (&["--delivery", "http", "--url", "http://me:geheim@192.0.2.1"], plain),
        (&["--delivery", "http", "--url", "http://192.0.2.1/$(x)"], plain),
    ] {
        let run = workspace.run(&[&["ptrn-1"], arguments].concat()).exit(2).stdout("");
        run.hides("geheim").stderr(stderr);
        workspace.wrote_nothing();
    }
    let profile = include_str!("../profiles/patroni.yaml").replace("name: ptrn-1", "name: layers");
    let workspace = Workspace::with_releases().profile(profile);
    let run = workspace.run(&["layers", "--delivery", "http", "--url", URL]).exit(2);
    run.says(&["error: invalid node name `layers`: the folder of the nodes' layers has this name"]);
    workspace.run(&["layers", "--delivery", "shared"]).exit(0);
}

#[test]
fn diff_finds_the_layers_wherever_they_are() {
    let profile = |days: &str| {
        include_str!("../profiles/patroni.yaml")
            .replace("settings:\n", &format!("settings:\n  prometheus: {{retention: {days}}}\n"))
    };
    for (arguments, place) in [
        (&["--delivery", "shared"][..], "out/shared.iso"),
        (&["--delivery", "http", "--url", URL], "out/layers"),
    ] {
        let workspace = Workspace::with_releases().profile(profile("15d"));
        let with = |rest: &[&'static str]| [rest, arguments].concat();
        workspace.run(&with(&["--all", "--quiet"])).exit(0);
        workspace.run(&with(&["diff"])).exit(0);
        fs::write(workspace.path("profile.yaml"), profile("16d")).unwrap();
        let text = workspace.run(&with(&["diff", "prmt-1"])).exit(6).data();
        assert!(text.contains("/etc/systemd/system/prometheus.service"), "{text}");
        fs::rename(workspace.path(place), workspace.path("elsewhere")).unwrap();
        let text = workspace.run(&with(&["diff", "prmt-1"])).exit(6).data();
        assert!(text.contains(place), "{text}");
    }
}
