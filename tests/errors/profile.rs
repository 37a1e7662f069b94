//! Errors in the profile.

use super::{Change, PROFILE, Workspace, assert_messages, changed};

fn profiles<'a>(
    cases: &'a [(&'static str, &'a [Change<'a>])],
) -> impl Iterator<Item = (&'static str, Workspace)> {
    cases.iter().map(|(name, changes)| (*name, Workspace::new().profile(changed(PROFILE, changes))))
}

const NODE_1: &str = "{name: ptrn-1, address: 192.168.2.96, roles: [patroni]}";
const NODE_2: &str = "{name: ptrn-2, address: 192.168.2.91, roles: [patroni]}";

#[test]
fn what_no_cluster_can_be() {
    assert_messages(
        "cluster",
        profiles(&[
            ("duplicate-name", &[("name: ptrn-2", "name: ptrn-1")]),
            ("duplicate-address", &[("192.168.2.91", "192.168.2.96")]),
            (
                "duplicate-mac",
                &[
                    (
                        NODE_1,
                        "{name: ptrn-1, address: 192.168.2.96, roles: [patroni], mac: 52:54:00:12:34:56}",
                    ),
                    (
                        NODE_2,
                        "{name: ptrn-2, address: 192.168.2.91, roles: [patroni], mac: 52-54-00-12-34-56}",
                    ),
                ],
            ),
            ("address-outside", &[("192.168.2.91", "192.168.3.91")]),
            ("address-of-gateway", &[("192.168.2.91", "192.168.2.1")]),
            ("address-of-subnet", &[("192.168.2.91", "192.168.2.0")]),
            ("address-of-broadcast", &[("192.168.2.91", "192.168.2.255")]),
            ("address-of-other-family", &[("192.168.2.91", "fd00::91")]),
            ("gateway-outside", &[("gateway: 192.168.2.1", "gateway: 192.168.3.1")]),
            ("gateway-of-subnet", &[("gateway: 192.168.2.1", "gateway: 192.168.2.0")]),
            (
                "subnet-of-loopback",
                &[("192.168.2.0/24", "127.0.0.0/8"), ("gateway: 192.168.2.1\n", "gateway: 127.0.0.1\n")],
            ),
            ("subnet-is-address", &[("192.168.2.0/24", "192.168.2.5/24")]),
            ("even-members", &[("  - {name: ptrn-3, address: 192.168.2.98, roles: [patroni]}\n", "")]),
            ("role-unknown", &[("192.168.2.96, roles: [patroni]", "192.168.2.96, roles: [patrony]")]),
            ("role-missing", &[("192.168.2.96, roles: [patroni]", "192.168.2.96, roles: []")]),
            ("component-unknown", &[("patroni: [node_exporter, etcd]", "patroni: [node-exporter, etcd]")]),
            (
                "component-far-off",
                &[("patroni: [node_exporter, etcd]", "patroni: [node_exporter, etcd, haproxy]")],
            ),
            ("grafana-alone", &[("[node_exporter, prometheus, grafana]", "[node_exporter, grafana]")]),
            ("host-name-capital", &[("name: ptrn-1", "name: Ptrn_1")]),
            (
                "host-name-long",
                &[("name: ptrn-1", "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")],
            ),
            ("host-name-unicode", &[("name: ptrn-1", "name: узел-1")]),
            ("host-name-path", &[("name: ptrn-1", "name: ../ptrn-1")]),
            ("host-name-localhost", &[("name: ptrn-1", "name: localhost")]),
            ("heartbeat-too-slow", &[("heartbeat_interval: 2000", "heartbeat_interval: 2001")]),
            ("election-too-long", &[("election_timeout: 10000", "election_timeout: 60000")]),
            ("port-taken", &[("settings:\n", "settings:\n  node_exporter: {port: 2379}\n")]),
            ("port-zero", &[("settings:\n", "settings:\n  node_exporter: {port: 0}\n")]),
            ("port-huge", &[("settings:\n", "settings:\n  node_exporter: {port: 65536}\n")]),
            ("no-nodes", &[]),
        ])
        .map(|(name, workspace)| match name {
            "no-nodes" => (
                name,
                Workspace::new().profile(format!("{}nodes: []\n", PROFILE.split_once("nodes:").unwrap().0)),
            ),
            _ => (name, workspace),
        }),
    );
}

#[test]
fn keys_and_values_of_another_kind() {
    assert_messages(
        "shape",
        profiles(&[
            ("unknown-key", &[("cluster: patroni", "cluster: patroni\nnode: 1")]),
            ("unknown-key-far-off", &[("cluster: patroni", "cluster: patroni\nhypervisor: proxmox")]),
            ("unknown-key-of-network", &[("gateway:", "gatway:")]),
            ("unknown-key-of-system", &[("timezone:", "time_zone:")]),
            ("unknown-key-of-admin", &[("uid: 1000", "id: 1000")]),
            ("unknown-key-of-node", &[("ptrn-1, address:", "ptrn-1, adress:")]),
            ("unknown-setting", &[("election_timeout:", "election-timeout:")]),
            ("unknown-settings", &[("  etcd:\n", "  etdc:\n")]),
            ("key-missing", &[("cluster: patroni\n", "")]),
            ("key-of-node-missing", &[("name: ptrn-1, ", "")]),
            ("key-twice", &[("cluster: patroni\n", "cluster: patroni\ncluster: other\n")]),
            ("key-of-node-twice", &[("{name: ptrn-1,", "{name: ptrn-1, name: ptrn-9,")]),
            (
                "setting-twice",
                &[(
                    "    election_timeout: 10000\n",
                    "    election_timeout: 10000\n    election_timeout: 5000\n",
                )],
            ),
            ("text-for-list", &[("192.168.2.96, roles: [patroni]", "192.168.2.96, roles: patroni")]),
            ("list-for-text", &[("cluster: patroni", "cluster: [patroni]")]),
            ("mapping-for-list", &[("nameservers: [192.168.2.1]", "nameservers: {a: 192.168.2.1}")]),
            (
                "list-for-mapping",
                &[("  patroni: [node_exporter, etcd]\n  observer:", "  - patroni\n  - observer:")],
            ),
            ("text-for-truth", &[("upgrade: false", "upgrade: no")]),
            ("text-for-number", &[("uid: 1000", "uid: thousand")]),
            ("negative-number", &[("uid: 1000", "uid: -1")]),
            ("huge-number", &[("uid: 1000", "uid: 99999999999999999999")]),
            ("nothing-for-text", &[("cluster: patroni", "cluster:")]),
            ("not-an-address", &[("192.168.2.91", "192.168.2.910")]),
            ("not-a-subnet", &[("192.168.2.0/24", "192.168.2.0")]),
            (
                "not-a-mac",
                &[(NODE_1, "{name: ptrn-1, address: 192.168.2.96, roles: [patroni], mac: 525400123456}")],
            ),
            (
                "mac-of-group",
                &[(
                    NODE_1,
                    "{name: ptrn-1, address: 192.168.2.96, roles: [patroni], mac: 01:00:5e:00:00:01}",
                )],
            ),
            ("not-an-arch", &[("cluster: patroni\n", "cluster: patroni\narch: x86_64\n")]),
            ("setting-is-text", &[("election_timeout: 10000", "election_timeout: 10s")]),
            ("setting-is-octal", &[("election_timeout: 10000", "election_timeout: 0o10000")]),
            ("setting-form", &[("settings:\n", "settings:\n  prometheus: {scrape_interval: \"{\"}\n")]),
            ("setting-is-list", &[("cluster_token: etcd-postgres-cluster", "cluster_token: [a]")]),
        ]),
    );
}

#[test]
fn the_system_and_its_administrator() {
    assert_messages(
        "system",
        profiles(&[
            ("time-zone", &[("Europe/Moscow", "Moscow Time")]),
            ("time-zone-misspelt", &[("Europe/Moscow", "Europe/Moskow")]),
            ("login-name", &[("name: vasya", "name: Vasya.Pupkin")]),
            ("login-root", &[("name: vasya", "name: root")]),
            ("login-of-group", &[("name: vasya", "name: sudo")]),
            ("login-of-component", &[("name: vasya", "name: etcd")]),
            ("uid-of-system", &[("uid: 1000", "uid: 0")]),
            ("key-is-word", &[("ssh_authorized_keys: []", "ssh_authorized_keys: [vasya]")]),
            (
                "key-is-private",
                &[(
                    "ssh_authorized_keys: []",
                    "ssh_authorized_keys: [\"-----BEGIN OPENSSH PRIVATE KEY-----\"]",
                )],
            ),
            ("interface", &[("subnet:", "interface: \"ens 18\"\n  subnet:")]),
            ("search-domain", &[("subnet:", "search: [\"lan local\"]\n  subnet:")]),
            ("cluster-name", &[("cluster: patroni", "cluster: \"a\\nb\"")]),
            (
                "overlay-url-scheme",
                &[("cluster: patroni", "cluster: patroni\noverlay_urls: [\"ftp://depot/x\"]")],
            ),
            (
                "overlay-url-quote",
                &[(
                    "cluster: patroni",
                    "cluster: \"pat'roni\"\noverlay_urls: [\"http://depot/{{ cluster.name }}\"]",
                )],
            ),
            (
                "overlay-url-template",
                &[("cluster: patroni", "cluster: patroni\noverlay_urls: [\"http://depot/{{ node.nam }}\"]")],
            ),
            (
                "user-data-too-long",
                &[("cluster: patroni", "cluster: patroni\noverlay_urls: [\"http://LONG/\"]")],
            ),
        ])
        .map(|(name, workspace)| match name {
            "user-data-too-long" => {
                let long = workspace.text("profile.yaml").replace("LONG", &"long".repeat(4000));
                (name, workspace.profile(long))
            }
            _ => (name, workspace),
        }),
    );
}

#[test]
fn all_that_is_wrong_is_said_in_one_run() {
    assert_messages(
        "together",
        profiles(&[(
            "profile",
            &[
                ("subnet: 192.168.2.0/24", "subnet: 192.168.2.0/24\n  gatewey: 192.168.2.1"),
                ("Europe/Moscow", "Europa, Moskau"),
                ("name: vasya", "name: Vasya"),
                ("name: ptrn-2", "name: ptrn-1"),
                ("192.168.2.98", "10.0.0.98"),
                ("192.168.2.99, roles: [observer]", "192.168.2.99, roles: [observers]"),
                ("observer: [node_exporter,", "observer: [node_exporte,"),
                ("cluster_token:", "token:"),
                ("heartbeat_interval: 2000", "heartbeat_interval: 5000"),
            ],
        )])
        .chain([(
            "all-files",
            Workspace::new()
                .profile(changed(PROFILE, &[("gateway:", "gatway:"), ("192.168.2.98", "10.0.0.98")]))
                .releases(changed(
                    super::RELEASES,
                    &[("version: 1.9.1", "versoin: 1.9.1"), ("becb950e", "becb950")],
                ))
                .component("extra/component.yaml", "description: a\nrelase: b\n")
                .component("odd/files/etc/odd.conf.j2", "{{ settings.odd }}\n")
                .component("broken/component.yaml", "description: a\n")
                .component("broken/files/etc/broken.conf.j2", "{% if %}\n")
                .secrets("grafana_password: hunter2\n"),
        )]),
    );
}
