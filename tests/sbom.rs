//! `imgbuild sbom`: what a bill says of a node before and after it is built. `scripts/sbom-check` holds it to the schema.

use imgbuild::digest::Sha256;
use imgbuild::release::Arch;
use serde_json::{Value, json};

use super::support::releases::content;
use super::support::workspace::Workspace;

/// A folder with a mirror of tiny releases, one of which has a licence, a known problem and an odd address.
fn workspace() -> Workspace {
    let workspace = Workspace::with_releases();
    let known = "    license: MIT OR Apache-2.0\n    \
                 problems: [{id: CVE-1, description: it falls over, severity: high, fixed_in: [1.2.4]}]\n";
    let pins = workspace.text("releases.yaml");
    let at = pins.find("  etcd:\n").unwrap() + "  etcd:\n".len();
    workspace.file("releases.yaml", [&pins[..at], known, &pins[at..]].concat())
}

/// The component of a bill that has this name.
#[track_caller]
fn named<'a>(components: &'a Value, name: &str) -> &'a Value {
    components.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap()
}

fn hashes(bytes: impl AsRef<[u8]>) -> Value {
    json!([{ "alg": "SHA-256", "content": Sha256::of(bytes) }])
}

#[test]
fn a_bill_names_releases_files_and_problems() {
    let workspace = workspace();
    let before = workspace.run(&["sbom", "ptrn-1"]).exit(0).says(&["etcd: not built yet"]);
    workspace.wrote_nothing();
    workspace
        .run(&["ptrn-1"])
        .exit(0)
        .says(&["warning: etcd 1.2.3: it falls over (CVE-1), fixed in 1.2.4\n"]);
    let after = workspace.run(&["sbom", "ptrn-1"]).exit(0).stderr("");
    workspace.run(&["sbom", "ptrn-1"]).exit(0).stdout(&after.data());

    let archive = workspace.read("mirror/releases.invalid/etcd-amd64.tar.gz");
    let program = content("etcd", Arch::Amd64, "etcd");
    for (run, contents) in [(&before, Value::Null), (&after, hashes(program))] {
        let bill = run.json();
        let etcd = named(&bill["components"], "etcd");
        assert_eq!((&etcd["version"], &etcd["hashes"]), (&json!("1.2.3"), &hashes(&archive)));
        assert_eq!(etcd["licenses"], json!([{ "expression": "MIT OR Apache-2.0" }]));
        let url = "https://releases.invalid/etcd-amd64.tar.gz";
        assert_eq!(etcd["externalReferences"][0]["url"], url);
        let purl = etcd["purl"].as_str().unwrap();
        assert!(purl.starts_with("pkg:generic/etcd@1.2.3?arch=amd64&checksum=sha256:"), "{purl}");
        assert!(etcd["properties"].to_string().contains("synthetic"));
        assert_eq!(named(&etcd["components"], "/usr/local/bin/etcd")["hashes"], contents);
        let hosts = workspace.run(&["show", "ptrn-1", "/etc/hosts"]).data();
        assert_eq!(named(&bill["components"], "/etc/hosts")["hashes"], hashes(hosts));
        let problem = &bill["vulnerabilities"][0];
        assert_eq!((&problem["id"], &problem["affects"][0]["ref"]), (&json!("CVE-1"), &etcd["bom-ref"]));
        assert_eq!(bill["metadata"]["timestamp"], "1970-01-01T00:00:00Z");
    }
}

#[test]
fn a_secret_is_named_and_no_more() {
    let workspace = workspace().secrets("grafana_admin_password: hunter2\n");
    workspace.run(&["prmt-1"]).exit(0);
    let run = workspace.run(&["sbom", "prmt-1"]).exit(0).hides("hunter2");
    let bill = run.json();
    let secret = named(&bill["components"], "/etc/grafana/secrets/admin_password");
    assert_eq!(secret["hashes"], Value::Null, "a digest would help to guess it");
    assert_eq!(secret["properties"], json!([{ "name": "imgbuild:secret-of", "value": "grafana" }]));
}

#[test]
fn a_bill_is_of_a_node_that_exists() {
    workspace().run(&["sbom", "ptrn-4"]).exit(2).stdout("").says(&["did you mean `ptrn-1`?"]);
}
