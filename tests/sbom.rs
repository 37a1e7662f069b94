//! `imgbuild sbom`: what a bill says of a node before and after it is built, by the official schema too.
#![expect(clippy::disallowed_methods, reason = "tests write profiles and mirrors")]

use std::fs;
use std::path::Path;
use std::process::Command;

use imgbuild::digest::Sha256;
use serde_json::{Value, json};

/// A compressed archive with one program.
fn archive(name: &str, bytes: &[u8]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    tar.append_data(&mut header, name, bytes).unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

/// A program of a release `tool` on the node `a`, from a mirror's folder, with a known problem.
fn cluster(folder: &Path) -> Sha256 {
    let archive = archive("tool-1.0.0/tool", b"#!/bin/sh\n");
    let digest = Sha256::of(&archive);
    for (path, text) in [
        (
            "profile.yaml",
            "cluster: small\nnetwork: {subnet: 10.0.0.0/24}\nroles: {all: [tool]}\nnodes: [{name: a, address: 10.0.0.1, roles: [all]}]\n"
                .to_owned(),
        ),
        (
            "pins.yaml",
            format!(
                "releases:\n  tool:\n    version: 1.0.0\n    url: https://h/tool.tgz\n    folder: tool-1.0.0\n    license: MIT OR Apache-2.0\n    problems: [{{id: CVE-1, description: it falls over, severity: high, fixed_in: [1.0.1]}}]\n    artifacts: {{amd64: {{sha256: {digest}, source: by hand}}}}\n"
            ),
        ),
        (
            "overlays/tool/component.yaml",
            "description: a tool\nrelease: tool\ninstall: [{from: tool, to: /usr/local/bin/tool}]\n".to_owned(),
        ),
        ("overlays/tool/files/etc/tool.conf.j2", "node={{ node.name }}\n".to_owned()),
        ("overlays/tool/files/etc/tool.static", "same everywhere\n".to_owned()),
    ] {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir_all(folder.join("mirror/h")).unwrap();
    fs::write(folder.join("mirror/h/tool.tgz"), archive).unwrap();
    digest
}

fn imgbuild(folder: &Path, arguments: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imgbuild"));
    command.current_dir(folder).args(arguments);
    command.args(["--profile", "profile.yaml", "--releases", "pins.yaml", "--overlays", "overlays"]);
    command.args(["--store", "store", "--mirror", "mirror", "--offline"]);
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{err}");
    (out, err)
}

/// The components of a bill by their names.
fn named<'a>(components: &'a Value, name: &str) -> &'a Value {
    components.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap()
}

fn sha256(bytes: &str) -> Value {
    json!([{ "alg": "SHA-256", "content": Sha256::of(bytes) }])
}

#[test]
fn a_bill_names_releases_files_and_problems() {
    let folder = tempfile::tempdir().unwrap();
    let digest = cluster(folder.path());
    let (before, told) = imgbuild(folder.path(), &["sbom", "a"]);
    assert!(told.contains("not built yet"), "{told}");
    let (_, told) = imgbuild(folder.path(), &["a"]);
    assert!(told.contains("warning: tool 1.0.0: it falls over (CVE-1), fixed in 1.0.1"), "{told}");
    let (after, told) = imgbuild(folder.path(), &["sbom", "a"]);
    assert_eq!(told, "");
    assert_eq!(imgbuild(folder.path(), &["sbom", "a"]).0, after, "the same node has the same bill");

    for (text, contents) in [(&before, Value::Null), (&after, sha256("#!/bin/sh\n"))] {
        let bill: Value = serde_json::from_str(text).unwrap();
        let tool = named(&bill["components"], "tool");
        assert_eq!(tool["hashes"][0]["content"], digest.to_string());
        assert_eq!(tool["licenses"], json!([{ "expression": "MIT OR Apache-2.0" }]));
        assert_eq!(tool["externalReferences"][0]["url"], "https://h/tool.tgz");
        assert!(tool["properties"].to_string().contains("by hand"));
        assert_eq!(named(&tool["components"], "/usr/local/bin/tool")["hashes"], contents);
        assert_eq!(named(&bill["components"], "/etc/tool.conf")["hashes"], sha256("node=a\n"));
        assert_eq!(named(&bill["components"], "/etc/tool.static")["hashes"], sha256("same everywhere\n"));
        assert_eq!(bill["vulnerabilities"][0]["affects"][0]["ref"], tool["bom-ref"]);
        assert_eq!(bill["metadata"]["timestamp"], "1970-01-01T00:00:00Z");
    }
}

#[test]
fn bills_are_valid_by_the_official_schema() {
    let folder = tempfile::tempdir().unwrap();
    cluster(folder.path());
    let own = Command::new(env!("CARGO_BIN_EXE_imgbuild"))
        .args(["sbom", "prmt-1", "--store"])
        .arg(folder.path().join("none"))
        .output()
        .unwrap();
    assert!(own.status.success());
    fs::write(folder.path().join("own.json"), own.stdout).unwrap();
    for name in ["before.json", "after.json"] {
        fs::write(folder.path().join(name), imgbuild(folder.path(), &["sbom", "a"]).0).unwrap();
        imgbuild(folder.path(), &["a"]);
    }
    let mut check = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/sbom-check"));
    let checked =
        check.args(["own.json", "before.json", "after.json"]).current_dir(folder.path()).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
