//! `imgbuild diff`: that it tells what the next build changes, and `--reprovision`, which changes who a node is.
#![expect(clippy::disallowed_methods, reason = "edge: damages what the program wrote")]

use std::fs;

use serde_json::{Value, json};

use super::support::workspace::Workspace;

const PROFILE: &str = include_str!("../profiles/patroni.yaml");
const SECRETS: &str = "admin_password: geheim-und-lang\ngrafana_admin_password: anders-geheim\n\
                       telegram_bot_token: 123456789:AAF1abcdefghijklmnopqrstuvwxyz012345\ntelegram_chat_id: -1009876543210\n";

/// A default cluster whose nodes are built.
fn built(nodes: &[&str]) -> Workspace {
    let workspace = Workspace::with_releases().profile(PROFILE).secrets(SECRETS);
    workspace.run(&[nodes, &["--quiet"]].concat()).exit(0);
    workspace
}

fn changed(workspace: Workspace, from: &str, to: &str) -> Workspace {
    assert!(PROFILE.contains(from));
    workspace.profile(PROFILE.replace(from, to))
}

/// What differs of one node.
fn one(workspace: &Workspace, node: &str) -> Value {
    let run = workspace.run(&["diff", node, "--json", "--quiet"]).exit(6);
    let json = run.json();
    assert_eq!((json.as_array().unwrap().len(), &json[0]["same"]), (1, &json!(false)));
    json[0].clone()
}

/// The paths of a list of files.
fn paths(files: &Value) -> Vec<String> {
    let path = |file: &Value| file.get("to").unwrap_or(file)["path"].as_str().unwrap().to_owned();
    files.as_array().unwrap().iter().map(path).collect()
}

/// Everything in the workspace, so that what should write nothing can be seen to.
fn everything(workspace: &Workspace) -> Vec<(String, Vec<u8>)> {
    workspace.files(".")
}

#[test]
fn a_node_is_the_same_after_its_build_and_nothing_is_written() {
    let workspace = built(&["--all"]);
    let before = everything(&workspace);
    workspace
        .run(&["diff", "--quiet"])
        .exit(0)
        .stderr("")
        .stdout("ptrn-1: same\n\nptrn-2: same\n\nptrn-3: same\n\nprmt-1: same\n");
    let json = workspace.run(&["diff", "ptrn-2", "--json", "--quiet"]).exit(0).json();
    let expected = json!([{
        "node": "ptrn-2", "same": true, "unbuilt": null, "damaged": [], "documents": {},
        "files": {"added": [], "changed": [], "removed": []}, "reseed": false, "once": [],
    }]);
    assert_eq!(json, expected);
    assert!(everything(&workspace) == before);
}

#[test]
fn what_a_changed_component_does_is_told_as_the_next_build_does_it() {
    let unit = include_str!("../overlays/etcd/files/etc/systemd/system/etcd.service");
    let workspace = built(&["ptrn-1", "prmt-1"])
        .component(
            "etcd/component.yaml",
            include_str!("../overlays/etcd/component.yaml")
                .replace("  - {from: etcdutl, to: /usr/local/bin/etcdutl, mode: \"0755\"}\n", ""),
        )
        .component(
            "etcd/files/etc/etcd/etcd.conf.j2",
            include_str!("../overlays/etcd/files/etc/etcd/etcd.conf.j2"),
        )
        .component("etcd/files/etc/systemd/system/etcd.service", unit.replace("RestartSec=5", "RestartSec=6"))
        .component("etcd/membership/commands.sh.j2", "")
        .component(
            "etcd/files/etc/etcd/maintenance.conf.j2",
            include_str!("../overlays/etcd/files/etc/etcd/maintenance.conf.j2"),
        )
        .component(
            "etcd/files/usr/local/libexec/etcd-join",
            include_str!("../overlays/etcd/files/usr/local/libexec/etcd-join"),
        )
        .component(
            "etcd/files/etc/systemd/system/etcd-snapshot.service",
            include_str!("../overlays/etcd/files/etc/systemd/system/etcd-snapshot.service"),
        )
        .component(
            "etcd/files/etc/systemd/system/etcd-snapshot.timer.j2",
            include_str!("../overlays/etcd/files/etc/systemd/system/etcd-snapshot.timer.j2"),
        )
        .component(
            "etcd/files/etc/systemd/system/etcd-defragment.service",
            include_str!("../overlays/etcd/files/etc/systemd/system/etcd-defragment.service"),
        )
        .component(
            "etcd/files/etc/systemd/system/etcd-defragment.timer.j2",
            include_str!("../overlays/etcd/files/etc/systemd/system/etcd-defragment.timer.j2"),
        )
        .component(
            "etcd/files/usr/local/libexec/etcd-snapshot",
            include_str!("../overlays/etcd/files/usr/local/libexec/etcd-snapshot"),
        )
        .component(
            "etcd/files/usr/local/libexec/etcd-defragment",
            include_str!("../overlays/etcd/files/usr/local/libexec/etcd-defragment"),
        )
        .component("etcd/files/etc/etcd/more", "more\n");
    let before = everything(&workspace);
    let told = one(&workspace, "ptrn-1");
    assert!(everything(&workspace) == before, "the layer that is not finished is kept nowhere");
    let files = &told["files"];
    assert_eq!(paths(&files["added"]), ["/etc/etcd/more"]);
    assert_eq!(paths(&files["removed"]), ["/usr/local/bin/etcdutl"]);
    assert_eq!(paths(&files["changed"]), ["/etc/systemd/system/etcd.service", "/usr/lib/imgbuild/files"]);
    assert_eq!((&told["reseed"], &told["once"]), (&json!(true), &json!([])));
    let documents = told["documents"].as_object().unwrap();
    assert_eq!(documents.keys().collect::<Vec<_>>(), ["user-data"]);
    let old = workspace.text("out/ptrn-1/user-data");
    workspace.run(&["ptrn-1", "--quiet"]).exit(0);
    let new = workspace.text("out/ptrn-1/user-data");
    for (text, sign) in [(&old, '-'), (&new, '+')] {
        for part in ["  IMGBUILD_OVERLAY_SHA256='", "\tthe overlay\t"] {
            let line = text.lines().find(|line| line.contains(part)).unwrap();
            assert!(
                documents["user-data"].as_str().unwrap().contains(&format!("\n{sign}{line}\n")),
                "{line}"
            );
        }
    }
    workspace.run(&["diff", "ptrn-1", "--quiet"]).exit(0).stdout("ptrn-1: same\n");
    let removed = paths(&one(&workspace, "prmt-1")["files"]["removed"]);
    assert_eq!(
        removed,
        ["/etc/grafana/dashboards/etcd.json", "/opt/prometheus/rules/etcd.yml"],
        "what etcd brings there"
    );
}

#[test]
fn people_are_told_line_by_line() {
    let workspace = changed(
        built(&["ptrn-3"]),
        "{name: ptrn-3, address: 192.168.2.98",
        "{name: ptrn-3, address: 192.168.2.97",
    );
    let run = workspace.run(&["diff", "ptrn-3", "--quiet"]).exit(6).stderr(
        "warning: `etcd` on `ptrn-3` moves from 192.168.2.98 to 192.168.2.97: its members keep the old address in their \
         data, and do not find it at the new one\n\
         help: use `imgbuild member move ptrn-3` instead, one node at a time while the others are healthy\n",
    );
    let text = run.data();
    for part in [
        "ptrn-3: differs\n--- out/ptrn-3/manifest.json\n+++ manifest.json of a build now\n@@ ",
        "\n-      \"ptrn-3\": \"192.168.2.98\"\n+      \"ptrn-3\": \"192.168.2.97\"\n",
        "\n--- out/ptrn-3/network-config\n+++ network-config of a build now\n@@ ",
        "\n-      - \"192.168.2.98/24\"\n+      - \"192.168.2.97/24\"\n",
        "\nchanged 0644 /etc/etcd/etcd.conf\nchanged 0644 /etc/hosts\nchanged 0644 /usr/lib/imgbuild/files\n",
        "\nre-seed: attach the new seed.iso and reboot\n\
         once per instance: changes of `network-config` reach a booted node only with `--reprovision`\n",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn what_cloud_init_does_once_per_instance_is_named() {
    let workspace = changed(built(&["prmt-1"]), "timezone: Europe/Moscow", "timezone: Europe/Berlin");
    assert_eq!(one(&workspace, "prmt-1")["once"], json!(["timezone"]));
    let workspace = changed(
        workspace,
        "ssh_authorized_keys: []",
        "ssh_authorized_keys: [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleA x\"]",
    );
    assert_eq!(one(&workspace, "prmt-1")["once"], json!(["users"]));
}

#[test]
fn no_secret_is_shown_neither_an_old_one_nor_a_new_one() {
    let workspace = built(&["prmt-1"]);
    let told = |workspace: &Workspace| {
        let run = workspace.run(&["diff", "prmt-1"]).exit(6);
        for value in ["geheim", "AAF1abcdef", "hunter2", "1009876543210", "$6$rounds"] {
            let errors = run.errors();
            assert!(!run.data().contains(value) && !errors.contains(value), "{value} in\n{}", run.data());
        }
        run.data()
    };
    let changed = workspace.secrets(SECRETS.replace("anders-geheim", "hunter2"));
    let text = told(&changed);
    let file = "/etc/grafana/secrets/admin_password' <<'IMGBUILD_END'\n-  <secret>\n+  <another secret>\n";
    assert!(text.contains(file), "{text}");
    assert!(!text.contains("/etc/grafana/secrets/telegram_bot_token' <<'IMGBUILD_END'\n-"), "{text}");
    let changed = changed.secrets(SECRETS.replace("geheim-und-lang", "hunter2-hunter2"));
    let text = told(&changed);
    assert!(text.contains("-  hashed_passwd: <secret>\n+  hashed_passwd: <another secret>\n"), "{text}");
    let changed = changed.secrets("telegram_chat_id: -1009876543210\n");
    let text = told(&changed);
    assert!(text.contains("-  hashed_passwd: <secret>\n"), "{text}");
    let run = changed.run(&["diff", "prmt-1"]).exit(6);
    run.says(&["a build would generate the secret `grafana_admin_password`\n"]);
    assert_eq!(changed.text("secrets.yaml"), "telegram_chat_id: -1009876543210\n", "it was not generated");
}

#[test]
fn a_folder_without_a_whole_build_differs_and_says_why() {
    let workspace = built(&["ptrn-1"]);
    let told = |workspace: &Workspace, node: &str| {
        workspace.run(&["diff", node, "--quiet"]).exit(6).stderr("").data()
    };
    assert_eq!(told(&workspace, "ptrn-2"), "ptrn-2: differs: it is not built yet\n");
    assert_eq!(one(&workspace, "ptrn-2")["unbuilt"], "it is not built yet");
    for name in ["seed.iso", "user-data"] {
        let (path, whole) = (format!("out/ptrn-1/{name}"), workspace.read(&format!("out/ptrn-1/{name}")));
        fs::write(workspace.path(&path), [&whole[..], b"#\n"].concat()).unwrap();
        let text = told(&workspace, "ptrn-1");
        assert!(text.contains(&format!("damaged: {name} differs from what its build wrote\n")), "{text}");
        fs::write(workspace.path(&path), whole).unwrap();
    }
    fs::write(workspace.path("out/ptrn-1/overlay.tar.gz"), "no overlay").unwrap();
    assert!(
        told(&workspace, "ptrn-1")
            .starts_with("ptrn-1: differs: its overlay.tar.gz cannot be read as an overlay: ")
    );
    fs::write(workspace.path("out/ptrn-1/user-data"), b"\xff").unwrap();
    assert_eq!(told(&workspace, "ptrn-1"), "ptrn-1: differs: its user-data is not valid UTF-8\n");
    fs::remove_file(workspace.path("out/ptrn-1/meta-data")).unwrap();
    assert_eq!(told(&workspace, "ptrn-1"), "ptrn-1: differs: it has no meta-data\n");
}

#[test]
fn what_the_store_lacks_is_not_fetched() {
    let workspace = built(&["ptrn-1"]);
    fs::remove_dir_all(workspace.path("cache/imgbuild/derived")).unwrap();
    workspace.run(&["diff", "ptrn-1", "--quiet"]).exit(0).stdout("ptrn-1: same\n");
    assert!(!workspace.path("cache/imgbuild/derived").exists(), "artifacts are enough, and no layer is kept");
    fs::remove_dir_all(workspace.path("cache")).unwrap();
    let run = workspace.run(&["diff", "ptrn-1", "--quiet"]).exit(5).stdout("");
    run.stderr(
        "error: the store does not contain `etcd 1.2.3 amd64`, `node_exporter 1.2.3 amd64`\n\
         help: `imgbuild fetch` fetches missing files\n",
    );
    assert!(!workspace.path("cache").exists());
}

#[test]
fn only_what_is_asked_for_is_a_new_instance_and_stays_one() {
    let workspace = built(&["--all"]);
    let id = |node: &str| {
        let manifest: Value =
            serde_json::from_str(&workspace.text(&format!("out/{node}/manifest.json"))).unwrap();
        let id = manifest["instance_id"].as_str().unwrap().to_owned();
        let meta_data = workspace.text(&format!("out/{node}/meta-data"));
        assert_eq!(meta_data, format!("instance-id: {id}\nlocal-hostname: {node}\n"));
        id
    };
    let said = workspace.run(&["ptrn-1", "--reprovision"]).exit(0);
    said.says(&["ptrn-1: the instance-id is `ptrn-1-2`, no longer `ptrn-1`\n"]);
    assert_eq!((id("ptrn-1"), id("ptrn-2")), ("ptrn-1-2".to_owned(), "ptrn-2".to_owned()));
    let before = workspace.files("out");
    workspace.run(&["--all", "--quiet"]).exit(0);
    assert!(workspace.files("out") == before, "a later build keeps it");
    workspace.run(&["diff", "ptrn-1", "--quiet"]).exit(0);
    assert!(workspace.run(&["plan", "ptrn-1"]).exit(0).data().contains("instance-id ptrn-1-2\n"));
    assert!(workspace.run(&["show", "ptrn-1", "meta-data"]).exit(0).data().contains("ptrn-1-2"));
    workspace.run(&["build", "--all", "--reprovision", "--quiet"]).exit(0);
    assert_eq!((id("ptrn-1"), id("ptrn-2")), ("ptrn-1-3".to_owned(), "ptrn-2-2".to_owned()));
}

#[test]
fn a_new_instance_needs_a_build_to_count_from() {
    let workspace = built(&["ptrn-1"]);
    workspace.run(&["ptrn-1", "ptrn-2", "--reprovision", "--quiet"]).exit(2).stderr(
        "error: `--reprovision` needs a previous build of `ptrn-2`; none found\n\
         help: `imgbuild ptrn-2` builds it as a new instance: `ptrn-2`\n",
    );
    assert!(workspace.text("out/ptrn-1/meta-data").contains("instance-id: ptrn-1\n"), "nothing was built");
    workspace.run(&["--reprovision", "check"]).exit(2);
    let manifest = workspace.text("out/ptrn-1/manifest.json");
    let workspace = workspace.file("out/ptrn-1/manifest.json", "{}");
    let run = workspace.run(&["ptrn-1", "--reprovision"]).exit(1);
    run.says(&["`out/ptrn-1/manifest.json` was not written by imgbuild"]);
    let run = workspace.run(&["show", "ptrn-1", "meta-data"]).exit(0);
    run.says(&[
        "warning: out/ptrn-1/manifest.json is not a valid manifest: missing field `imgbuild` at line 1 column 2\n\
         help: its instance-id is assumed to be `ptrn-1`\n",
    ]);
    let another = manifest.replace("\"instance_id\": \"ptrn-1\"", "\"instance_id\": \"ptrn-2\"");
    assert!(another != manifest);
    let workspace = workspace.file("out/ptrn-1/manifest.json", another);
    workspace.run(&["ptrn-1"]).exit(0).hides("warning: out");
    assert!(
        workspace.text("out/ptrn-1/meta-data").contains("instance-id: ptrn-1\n"),
        "that was another node's"
    );
}
