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
        ("pattern-odd", &[("[a-z]+", "[a-z")]),
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
fn folders_that_are_no_components() {
    let plain = || workspace(SPEC);
    assert_messages(
        "folder",
        [
            ("no-spec", plain().component("stray/files/etc/stray.conf", "")),
            ("empty-spec", plain().component("stray/component.yaml", "")),
            ("spec-is-no-yaml", plain().component("stray/component.yaml", "description: [a\n")),
            ("spec-is-no-text", plain().component("stray/component.yaml", [0xff, 0xfe, 0])),
            ("broken-spec-says-no-more", plain().component("etcd/component.yaml", "")),
            ("folder-unknown", plain().component("alert/file/etc/alert.conf", "")),
            ("file-astray", plain().component("alert/alert.conf", "")),
            ("name-odd", plain().component("al ert/component.yaml", "description: a\n")),
            ("path-no-guest-has", plain().component("alert/files/etc/a\nb", "")),
            ("file-and-folder", plain().component("alert/files/etc/hosts/alert", "")),
            ("file-of-two", plain().component("alert/files/etc/hosts.j2", "")),
        ],
    );
}

#[test]
fn replacements_that_cannot_be() {
    let replace = "replace: {alive: \"http://{{ node.url_host }}/\", ask: \"http://{{ node.url_host }}/\", \
                   checks: [{that: alive|length > 1, otherwise: none}]}\n";
    let with = |changes: &[Change<'_>]| {
        workspace(&(SPEC.to_owned() + &changed(replace, changes)))
            .component("alert/replace/commands.sh.j2", "")
    };
    with(&[]).run(&["check"]).exit(0);
    assert_messages(
        "replace",
        [
            ("commands-missing", workspace(&[SPEC, replace].concat())),
            ("commands-of-nothing", workspace(SPEC).component("alert/replace/commands.sh.j2", "")),
            ("commands-by-another-name", with(&[]).component("alert/replace/commands.sh", "")),
            (
                "commands-undefined",
                with(&[]).component("alert/replace/commands.sh.j2", "{{ nodes|lenght }}{% if %}"),
            ),
            ("alive-undefined", with(&[("node.url_host", "node.urlhost")])),
            ("ask-missing", with(&[("ask:", "asks:")])),
            ("check-is-none", with(&[("length > 1", "length >")])),
        ],
    );
}
