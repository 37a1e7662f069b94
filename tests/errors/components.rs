//! Errors in component.yaml and in what stands beside it.

use super::{Change, PROFILE, Workspace, assert_messages, changed};

const SPEC: &str = "\
description: a component of a test
release: alertmanager
install:
  - {from: alertmanager, to: /usr/local/bin/alertmanager, mode: \"0755\"}
user: {name: alert}
directories:
  - {path: /var/lib/alert, owner: alert}
units: [alert.service]
settings:
  port: {default: 9093, description: its port}
ports: [\"{{ settings.port }}\"]
metrics: {port: \"{{ settings.port }}\"}
health: {url: \"http://127.0.0.1:{{ settings.port }}/\"}
secrets:
  alert_token: {description: a token, pattern: \"[a-z]+\"}
private:
  - {path: /etc/alert/token, needs: [alert_token]}
checks:
  - {that: members|length > 0, otherwise: none}
";

/// The default cluster with the component `alert` on its observer.
fn workspace(spec: &str) -> Workspace {
    Workspace::new()
        .profile(changed(
            PROFILE,
            &[("[node_exporter, prometheus, grafana]", "[node_exporter, prometheus, grafana, alert]")],
        ))
        .component("alert/component.yaml", spec)
        .component("alert/files/etc/systemd/system/alert.service", "[Service]\nExecStart=/bin/true\n")
        .component("alert/private/etc/alert/token.j2", "{{ secrets.alert_token }}\n")
}

#[test]
fn the_component_of_these_tests_is_right() {
    workspace(SPEC).run(&["check"]).exit(0);
}

#[test]
fn specs_that_cannot_be() {
    let cases: &[(&'static str, &[Change<'_>])] = &[
        ("key-unknown", &[("release:", "relaese:")]),
        ("key-of-install-unknown", &[("{from:", "{form:")]),
        ("description-missing", &[("description: a component of a test\n", "")]),
        ("release-unknown", &[("release: alertmanager", "release: alertmanger")]),
        ("install-without-release", &[("release: alertmanager\n", "")]),
        ("install-escapes", &[("from: alertmanager", "from: ../alertmanager")]),
        ("install-absolute", &[("from: alertmanager", "from: /alertmanager")]),
        ("path-relative", &[("to: /usr/local/bin/alertmanager", "to: usr/local/bin/alertmanager")]),
        ("path-escapes", &[("path: /var/lib/alert", "path: /var/lib/../alert")]),
        ("mode-decimal", &[("mode: \"0755\"", "mode: 755")]),
        ("mode-odd", &[("mode: \"0755\"", "mode: rwxr-xr-x")]),
        ("user-name", &[("user: {name: alert}", "user: {name: Alert Manager}")]),
        ("owner-name", &[("owner: alert", "owner: \"alert:alert\"")]),
        ("unit-name", &[("[alert.service]", "[alert]")]),
        ("unit-missing", &[("[alert.service]", "[alerts.service]")]),
        ("modes-of-nothing", &[("user:", "modes: {/etc/systemd/system/alert.servic: \"0600\"}\nuser:")]),
        ("port-undefined", &[("ports: [\"{{ settings.port }}\"]", "ports: [\"{{ settings.prot }}\"]")]),
        ("port-no-number", &[("ports: [\"{{ settings.port }}\"]", "ports: [http]")]),
        ("port-twice", &[("default: 9093", "default: 9090")]),
        ("health-undefined", &[("127.0.0.1:{{ settings.port }}", "{{ node.adress }}:{{ settings.port }}")]),
        ("maximum-is-text", &[("default: 9093,", "default: 9093, maximum: many,")]),
        ("format-unknown", &[("default: 9093,", "default: 9s, format: durations,")]),
        ("default-is-no-duration", &[("default: 9093,", "default: 9 s, format: duration,")]),
        ("metrics-job", &[("metrics: {port:", "metrics: {job: \"a\\\"} or vector(1)\", port:")]),
        ("metrics-path", &[("metrics: {port:", "metrics: {path: metrics, port:")]),
        ("metrics-interval", &[("metrics: {port:", "metrics: {interval: 30, port:")]),
        ("pattern-odd", &[("[a-z]+", "[a-z")]),
        (
            "pattern-of-default",
            &[(
                "default: 9093, description: its port}",
                "default: 9093, description: its port}\n  a: {default: A b, description: a, pattern: \"[a-z]+\"}",
            )],
        ),
        ("install-control", &[("from: alertmanager", "from: \"alert\\tmanager\"")]),
        ("place-of-the-kernel", &[("to: /usr/local/bin/alertmanager", "to: /proc/alertmanager")]),
        ("place-that-is-gone", &[("path: /var/lib/alert", "path: /run/alert")]),
        ("place-of-the-state", &[("path: /var/lib/alert", "path: /var/lib/imgbuild/alert")]),
        ("place-of-imgbuild", &[("user: {name: alert}", "user: {name: alert, home: /usr/lib/imgbuild}")]),
        ("health-scheme", &[("http://127.0.0.1:{{", "127.0.0.1:{{")]),
        ("health-control", &[("{{ settings.port }}/\"}", "{{ settings.port }}/\\ta\"}")]),
        ("health-host", &[("http://127.0.0.1:{{", "http://:{{")]),
        ("health-port", &[("http://127.0.0.1:{{ settings.port }}", "http://127.0.0.1:9999")]),
        ("port-open", &[("ports: [\"{{ settings.port }}\"]", "ports: [\"{{ settings.port\"]")]),
        ("setting-broken", &[("{default: 9093", "{defalt: 9093")]),
        ("generate-short", &[("description: a token,", "description: a token, generate: 4,")]),
        ("secret-unknown", &[("needs: [alert_token]", "needs: [alert_tokens]")]),
        ("private-without-template", &[("/etc/alert/token", "/etc/alert/tokens")]),
        ("check-syntax", &[("members|length > 0", "members|length >")]),
        ("check-undefined", &[("members|length > 0", "member|length > 0")]),
        ("check-setting", &[("otherwise: none", "otherwise: none, setting: prot")]),
        (
            "check-fails",
            &[
                ("members|length > 0", "members|length > 1"),
                ("otherwise: none", "otherwise: \"one {{ cluster.name }}\""),
            ],
        ),
        ("path-of-another", &[("to: /usr/local/bin/alertmanager", "to: /usr/local/bin/promtool")]),
        (
            "path-of-imgbuild",
            &[("to: /usr/local/bin/alertmanager", "to: /usr/local/sbin/imgbuild-first-boot")],
        ),
        ("directory-given-away", &[("to: /usr/local/bin/alertmanager", "to: /var/lib/alert/bin")]),
        ("private-given-away", &[("path: /var/lib/alert,", "path: /etc/alert,")]),
        ("directory-nested", &[("owner: alert}", "owner: alert}\n  - {path: /var/lib/alert/rules}")]),
        (
            "path-in-folder-of-another",
            &[("to: /usr/local/bin/alertmanager", "to: /usr/share/grafana/public/alert")],
        ),
    ];
    assert_messages(
        "component",
        cases.iter().map(|(name, changes)| (*name, workspace(&changed(SPEC, changes)))),
    );
}

#[test]
fn line_ends_of_another_system() {
    let script = |text: &str| workspace(SPEC).component("alert/files/usr/local/bin/alert-job", text);
    assert_messages("line-ends", [("script", script("#!/bin/sh\r\nexit 0\r\n"))]);
    script("#!/bin/sh\nprintf 'a\\r\\n'\n").run(&["check", "--quiet"]).exit(0).hides("CRLF");
    let other = workspace(SPEC).component("alert/files/etc/alert.conf", "a=1\r\n");
    other.run(&["check"]).exit(0).says(&["alert.conf` has CRLF line endings", "sed -i"]);
}

#[test]
fn folders_that_are_no_components() {
    let plain = || workspace(SPEC);
    assert_messages(
        "folder",
        [
            ("no-spec", plain().component("stray/files/etc/stray.conf", "")),
            ("spec-misnamed", plain().component("stray/component.yml", "")),
            ("folder-above", plain().component("overlays/stray/component.yaml", "")),
            ("empty-spec", plain().component("stray/component.yaml", "")),
            ("spec-is-no-yaml", plain().component("stray/component.yaml", "description: [a\n")),
            ("spec-is-no-text", plain().component("stray/component.yaml", [0xff, 0xfe, 0])),
            ("broken-spec-says-no-more", plain().component("etcd/component.yaml", "")),
            ("folder-unknown", plain().component("alert/file/etc/alert.conf", "")),
            ("file-astray", plain().component("alert/alert.conf", "")),
            ("name-odd", plain().component("al ert/component.yaml", "description: a\n")),
            ("path-no-guest-has", plain().component("alert/files/etc/a\nb", "")),
            ("file-and-folder", plain().component("alert/files/etc/hosts/alert", "")),
            ("file-of-two", plain().component("alert/files/etc/hosts.j2", "127.0.0.1 alert\n")),
            ("file-of-the-kernel", plain().component("alert/files/dev/alert", "")),
        ],
    );
}

#[test]
fn memberships_that_cannot_be() {
    let membership = "membership:\n  alive: \"http://{{ node.url_host }}/\"\n  recognized_by: body.ok\n  \
                      ask: \"http://{{ node.url_host }}/\"\n  members: \"{{ answer|tojson }}\"\n  \
                      checks: [{that: alive|length > 1, otherwise: none}]\n";
    let with = |changes: &[Change<'_>]| {
        workspace(&(SPEC.to_owned() + &changed(membership, changes)))
            .component("alert/membership/commands.sh.j2", "")
    };
    with(&[]).run(&["check"]).exit(0);
    assert_messages(
        "membership",
        [
            ("commands-missing", workspace(&[SPEC, membership].concat())),
            ("commands-of-nothing", workspace(SPEC).component("alert/membership/commands.sh.j2", "")),
            ("commands-by-another-name", with(&[]).component("alert/membership/commands.sh", "")),
            (
                "commands-undefined",
                with(&[]).component("alert/membership/commands.sh.j2", "{{ nodes|lenght }}{% if %}"),
            ),
            ("alive-undefined", with(&[("node.url_host", "node.urlhost")])),
            ("ask-missing", with(&[("ask:", "asks:")])),
            ("check-is-none", with(&[("length > 1", "length >")])),
            ("change-unknown", with(&[("[{that", "[{changes: [add, shrink], that")])),
            ("recognized-by-none", with(&[("body.ok", "body.")])),
        ],
    );
}

/// A rule file with one alert of this expression.
fn rules(expression: &str) -> String {
    format!("groups:\n  - name: alert\n    rules:\n      - alert: AlertDown\n        expr: {expression}\n")
}

#[test]
fn files_that_their_readers_refuse() {
    let with = |path: &str, text: &str| workspace(SPEC).component(&format!("alert/{path}"), text);
    let labels = |value: &str| rules("up == 0") + "        labels: {cluster: " + value + "}\n";
    with("rules/alert.yml", &rules("up{job=\"alert\"} == 0")).run(&["check"]).exit(0);
    with("rules/alert.yml.j2", &labels("{{ cluster.name|tojson }}")).run(&["check"]).exit(0);
    assert_messages(
        "file",
        [
            ("rules-yaml", with("rules/alert.yml", "groups:\n  - name: x\n   rules: []\n")),
            ("rules-promql", with("rules/alert.yml", &rules("up{job=\"alert\" == 0"))),
            ("rules-promql-rendered", with("rules/alert.yml.j2", &rules("up{port=\"{{ settings.port }}\""))),
            ("rules-function", with("rules/alert.yml", &rules("rat(up[5m])"))),
            ("rules-key", with("rules/alert.yml", &(rules("up == 0") + "        annotation: {a: b}\n"))),
            ("rules-duration", with("rules/alert.yml", &(rules("up == 0") + "        for: 5 min\n"))),
            ("rules-unquoted", with("rules/alert.yml.j2", &labels("{{ '{{ 7*7 }}' }}"))),
            ("rules-go-template", with("rules/alert.yml", &labels("\"{{ 7*7 }}\""))),
            ("rules-in-files", with("files/opt/prometheus/rules/alert.yml", &rules("up =="))),
            ("dashboard-json", with("dashboards/alert.json", "{\"title\": \"x\", }\n")),
            ("file-json", with("files/etc/alert/alert.json", "{\n  \"a\": 1\n  \"b\": 2\n}\n")),
            ("file-yaml", with("files/etc/alert/alert.yaml", "a: 1\na: 2\n")),
        ],
    );
}

#[test]
fn units_that_cannot_start() {
    let unit = |lines: &str| {
        workspace(SPEC).component(
            "alert/files/etc/systemd/system/alert.service",
            format!("[Unit]\nDescription=a\n\n[Service]\n{lines}\n"),
        )
    };
    for sound in [
        "ExecStart=/usr/local/bin/alertmanager",
        "ExecStart=-@/usr/local/bin/alertmanager \\\n  --a",
        "ExecStart=\"/usr/local/bin/alertmanager\" a",
        "ExecStart=/bin/bash -c true\nExecStart=/usr/bin/python3 a",
        "ExecStart=/opt/%i/a\nUser=%i",
        "ExecStart=/usr/share/grafana/bin/grafana",
        "ExecStart=sleep 1",
        "ExecStart=/usr/bin/env\nUser=alert\nGroup=prometheus\nSupplementaryGroups=systemd-journal adm 1000",
        "ExecStart=/usr/bin/env\nUser=somebody\nDynamicUser=yes",
        "ExecStart=/usr/bin/env\nUser=vasya",
        "ExecStart=/usr/bin/env\nEnvironmentFile=-/etc/alert/none",
        "ExecStart=/usr/bin/env\nEnvironmentFile=/etc/alert/token\nEnvironmentFile=/etc/default/a\n\
         EnvironmentFile=/var/lib/alert/env\nEnvironmentFile=/etc/alert/*.env\nEnvironmentFile=/run/alert/env",
        "ExecStart=/usr/bin/env\nWorkingDirectory=/var/lib/alert\nWorkingDirectory=/opt/prometheus/",
    ] {
        unit(sound).run(&["check"]).exit(0);
    }
    assert_messages(
        "unit",
        [
            ("program", unit("ExecStart=/usr/local/bin/alertmanger --a")),
            ("program-elsewhere", unit("ExecStart=/usr/bin/alertmanager")),
            ("program-unknown", unit("ExecStartPre=+/opt/tool/prepare")),
            ("program-not-executable", unit("ExecStart=/etc/systemd/system/alert.service")),
            ("program-rendered", {
                let text = "[Service]\nExecStart=/usr/local/bin/alert-{{ settings.port }}\n";
                workspace(&SPEC.replace("[alert.service]", "[alert.service, alert-b.service]"))
                    .component("alert/files/etc/systemd/system/alert-b.service.j2", text)
            }),
            ("user", unit("ExecStart=/usr/bin/env\nUser=alrt")),
            ("group", unit("ExecStart=/usr/bin/env\nSupplementaryGroups=adm docker")),
            ("environment", unit("ExecStart=/usr/bin/env\nEnvironmentFile=/etc/alert/tokn")),
            ("folder", unit("ExecStart=/usr/bin/env\nWorkingDirectory=/opt/alert")),
        ],
    );
}

#[test]
fn a_port_of_two_is_shown_where_the_user_has_it() {
    let settings = ("settings:\n", "settings:\n  prometheus: {port: 9100}\n");
    let own = SPEC.replace("default: 9093", "default: 9100");
    assert_messages(
        "port",
        [
            ("of-a-setting", Workspace::new().profile(changed(PROFILE, &[settings]))),
            ("of-a-component", workspace(&own)),
        ],
    );
}

#[test]
fn a_component_without_health_has_time_to_come_up() {
    let health = "health: {url: \"http://127.0.0.1:{{ settings.port }}/\"}\n";
    let run = workspace(&SPEC.replace(health, "")).run(&["plan", "prmt-1", "--json"]).exit(0);
    let services = run.json()["nodes"][0]["services"].clone();
    let service = services.as_array().unwrap().iter().find(|one| one["component"] == "alert").unwrap();
    assert_eq!((&service["health"], &service["timeout"]), (&serde_json::Value::Null, &120.into()));
}

#[test]
fn templates_of_secrets_that_nobody_gave_are_rendered_too() {
    let with = |template: &str| workspace(SPEC).component("alert/private/etc/alert/token.j2", template);
    with("{{ secrets.alert_token|upper }}\n").run(&["check"]).exit(0);
    assert_messages(
        "secret-not-given",
        [
            ("misspelt", with("{{ secrets.alert_tokn }}\n")),
            ("unknown", with("{{ secrets.grafana_admin_password }}\n")),
            ("syntax", with("{{ secrets.alert_token }\n")),
        ],
    );
}
