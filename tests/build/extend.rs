//! A component is data: a folder, a pin and a word in a profile, and it is installed, scraped and watched.

use imgbuild::release::Arch;

use super::{Workspace, text, unpack};
use crate::support::releases::content;

const PROFILE: &str = include_str!("../../profiles/patroni.yaml");

const SPEC: &str = r#"
description: exports the state of the tides
release: tide_exporter
install:
  - {from: tide_exporter, to: /usr/local/bin/tide_exporter, mode: "0755"}
user: {name: tide, home: /var/lib/tide}
directories:
  - {path: /var/lib/tide, mode: "0750", owner: tide}
modes: {/usr/local/bin/tide-report: "0700"}
units: [tide_exporter.service]
settings:
  port: {default: 9777, description: the TCP port of its metrics}
  harbour: {default: Hamburg, description: whose tides}
ports: ["{{ settings.port }}"]
metrics: {port: "{{ settings.port }}", path: /tides, interval: 60s}
health: {url: "http://{{ node.url_host }}:{{ settings.port }}/ready", timeout: 30}
"#;

const RULES: &str = "groups:\n  - name: tides\n    rules:\n      - alert: Ebb\n        expr: tide_metres{harbour=\"{{ settings.harbour }}\"} < 1\n";

/// The default cluster with the component on ptrn-3.
fn workspace() -> Workspace {
    let profile = PROFILE
        .replace("  patroni: [node", "  tides: [tide_exporter]\n  patroni: [node")
        .replace("192.168.2.98, roles: [patroni]", "192.168.2.98, roles: [patroni, tides]")
        + "  tide_exporter: {harbour: Bremen, port: 9778}\n";
    Workspace::with_more_releases(&[SPEC])
        .profile(profile)
        .component("tide_exporter/component.yaml", SPEC)
        .component(
            "tide_exporter/files/etc/systemd/system/tide_exporter.service",
            "[Service]\nExecStart=/bin/true\n",
        )
        .component(
            "tide_exporter/files/etc/tide.conf.j2",
            "harbour={{ settings.harbour }} at {{ node.name }}\n",
        )
        .component("tide_exporter/files/usr/local/bin/tide-report", "#!/bin/sh\n")
        .component("tide_exporter/rules/tides.yml.j2", RULES)
        .component("tide_exporter/dashboards/tides.json", "{\"title\": \"Tides\"}\n")
        .component("tide_exporter/README.md", "Notes are no part of a guest.\n")
}

#[test]
fn its_node_gets_all_of_it() {
    let workspace = workspace();
    workspace.run(&["ptrn-3", "--quiet"]).exit(0);
    let files = unpack(&workspace.read("out/ptrn-3/overlay.tar.gz"));
    let program = content("tide_exporter", Arch::Amd64, "tide_exporter");
    for (path, expected) in [
        ("/usr/local/bin/tide_exporter", program.as_str()),
        ("/etc/tide.conf", "harbour=Bremen at ptrn-3\n"),
        (
            "/usr/lib/sysusers.d/imgbuild-tide_exporter.conf",
            "u tide - \"tide_exporter\" /var/lib/tide /usr/sbin/nologin\n",
        ),
        ("/usr/lib/tmpfiles.d/imgbuild-tide_exporter.conf", "d /var/lib/tide 0750 tide tide -\n"),
    ] {
        assert_eq!(text(&files, path), expected, "{path}");
    }
    let services = text(&files, "/usr/lib/imgbuild/components");
    let line = "tide_exporter\ttide_exporter.service\thttp://192.168.2.98:9778/ready\t30\n";
    assert!(services.contains(line), "{services}");
    assert!(!files.contains_key("/README.md") && !files.contains_key("/etc/tide.conf.j2"));
}

#[test]
fn the_observer_scrapes_it_and_has_its_rules_and_dashboards() {
    let workspace = workspace();
    workspace.run(&["prmt-1", "ptrn-1", "--quiet"]).exit(0);
    let files = unpack(&workspace.read("out/prmt-1/overlay.tar.gz"));
    let prometheus = text(&files, "/opt/prometheus/prometheus.yml");
    let job = "  - job_name: \"tide_exporter\"\n    scrape_interval: \"60s\"\n    metrics_path: \"/tides\"\n    \
               static_configs:\n      - targets:\n          - \"ptrn-3:9778\"\n    relabel_configs:\n";
    assert!(prometheus.contains(job), "{prometheus}");
    assert!(text(&files, "/opt/prometheus/rules/tides.yml").contains("{harbour=\"Bremen\"}"));
    assert_eq!(text(&files, "/etc/grafana/dashboards/tides.json"), "{\"title\": \"Tides\"}\n");
    let others = unpack(&workspace.read("out/ptrn-1/overlay.tar.gz"));
    assert!(!others.keys().any(|path| path.contains("tide")), "ptrn-1 runs none of it");
}

#[test]
fn it_takes_the_place_of_a_builtin_one_of_its_name() {
    let workspace = Workspace::with_releases()
        .component("base/component.yaml", "description: ours\neverywhere: true\n")
        .component("base/files/etc/motd", "ours\n");
    workspace.run(&["show", "ptrn-1", "/etc/motd"]).exit(0).stdout("ours\n");
    workspace.run(&["show", "ptrn-1", "/etc/hosts"]).exit(2).says(&["does not contain /etc/hosts"]);
}

#[test]
fn what_a_template_takes_in_is_each_nodes_own() {
    let workspace = Workspace::with_releases()
        .component("card/component.yaml", "description: a visiting card\neverywhere: true\n")
        .component("card/files/etc/card.j2", "{% include \"card/files/etc/name.j2\" %}")
        .component("card/files/etc/name.j2", "I am {{ node.name }}\n");
    let nodes = ["ptrn-1", "ptrn-2"];
    workspace.run(&[nodes[0], nodes[1], "--quiet"]).exit(0);
    for node in nodes {
        let files = unpack(&workspace.read(&format!("out/{node}/overlay.tar.gz")));
        assert_eq!(text(&files, "/etc/card"), format!("I am {node}\n"));
    }
}
