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
            ("gateway-of-loopback", &[("gateway: 192.168.2.1", "gateway: 127.0.0.1")]),
            ("gateway-of-other-family", &[("gateway: 192.168.2.1", "gateway: fd00::1")]),
            ("subnet-of-other-family", &[("192.168.2.0/24", "fd00:20::/64")]),
            ("subnet-of-all", &[("192.168.2.0/24", "0.0.0.0/0")]),
            ("subnet-of-link", &[("192.168.2.0/24", "fe80::/64")]),
            ("name-server-of-stub", &[("nameservers: [192.168.2.1]", "nameservers: [127.0.0.53]")]),
            (
                "name-server-of-none",
                &[("nameservers: [192.168.2.1]", "nameservers: [0.0.0.0, 224.0.0.1, 192.168.2.255]")],
            ),
            ("mac-of-zeros", &[("96, roles: [patroni]", "96, roles: [patroni], mac: \"00:00:00:00:00:00\"")]),
            ("host-name-number", &[("name: ptrn-1", "name: 02")]),
            ("host-name-hexadecimal", &[("name: ptrn-1", "name: 0x1f")]),
            ("host-name-of-hosts", &[("name: ptrn-1", "name: ip6-localhost")]),
            ("role-twice", &[("96, roles: [patroni]", "96, roles: [patroni, patroni]")]),
            ("component-unknown-unused", &[("roles:\n", "roles:\n  spare: [postgres]\n")]),
            ("port-taken-by-setting", &[("settings:\n", "settings:\n  prometheus: {port: 9100}\n")]),
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
            ("keys-missing", &[("cluster: patroni\n", ""), ("roles:\n", "rolls:\n")]),
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
            ("address-with-prefix", &[("192.168.2.91", "192.168.2.91/24")]),
            ("address-with-zeros", &[("192.168.2.91", "192.168.002.091")]),
            ("not-a-subnet", &[("192.168.2.0/24", "192.168.2.0")]),
            ("subnet-with-netmask", &[("192.168.2.0/24", "192.168.2.0/255.255.255.0")]),
            ("subnet-with-long-prefix", &[("192.168.2.0/24", "192.168.2.0/33")]),
            (
                "keys-of-cloud-init",
                &[("  timezone:", "  packages: [postgresql]\n  ntp: [192.168.2.1]\n  timezone:")],
            ),
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
            ("setting-form", &[("cluster_token: etcd-postgres-cluster", "cluster_token: \"a b\"")]),
            ("setting-of-another", &[("settings:\n", "settings:\n  grafana: {retention: 90d}\n")]),
            (
                "setting-with-unit",
                &[("settings:\n", "settings:\n  node_exporter: {alert_down_minutes: 5min}\n")],
            ),
            ("setting-quoted", &[("settings:\n", "settings:\n  prometheus: {port: \"9090\"}\n")]),
            ("setting-too-small", &[("settings:\n", "settings:\n  grafana: {alert_down_minutes: 0}\n")]),
            (
                "setting-too-large",
                &[("settings:\n", "settings:\n  grafana: {alert_down_minutes: 99999999999}\n")],
            ),
            ("duration-without-unit", &[("settings:\n", "settings:\n  prometheus: {retention: 90}\n")]),
            ("duration-of-months", &[("settings:\n", "settings:\n  prometheus: {retention: 3mo}\n")]),
            (
                "duration-too-long",
                &[("settings:\n", "settings:\n  prometheus: {retention: 999999999999y}\n")],
            ),
            ("duration-blind", &[("settings:\n", "settings:\n  prometheus: {scrape_interval: 10m}\n")]),
            (
                "flag-twice",
                &[(
                    "settings:\n",
                    "settings:\n  node_exporter: {options: --runtime.gomaxprocs=1 --runtime.gomaxprocs=2}\n",
                )],
            ),
            (
                "flag-of-a-setting",
                &[("settings:\n", "settings:\n  node_exporter: {options: --web.listen-address=:1}\n")],
            ),
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
            ("login-of-systemd", &[("name: vasya", "name: systemd-oom")]),
            ("uid-of-nobody", &[("uid: 1000", "uid: 65534")]),
            ("uid-of-none", &[("uid: 1000", "uid: 4294967295")]),
            ("uid-of-services", &[("uid: 1000", "uid: 61184")]),
            ("time-zone-city", &[("Europe/Moscow", "moscow")]),
            ("time-zone-case", &[("Europe/Moscow", "utc")]),
            ("uid-of-system", &[("uid: 1000", "uid: 0")]),
            ("key-is-word", &[("ssh_authorized_keys: []", "ssh_authorized_keys: [vasya]")]),
            ("key-is-path", &[("ssh_authorized_keys: []", "ssh_authorized_keys: [/home/me/.ssh/id_ed25519.pub]")]),
            ("key-is-cut", &[("ssh_authorized_keys: []", "ssh_authorized_keys: [ssh-ed25519 AAAA]")]),
            (
                "key-of-another-type",
                &[(
                    "ssh_authorized_keys: []",
                    "ssh_authorized_keys: [ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleA]",
                )],
            ),
            (
                "key-option",
                &[(
                    "ssh_authorized_keys: []",
                    "ssh_authorized_keys: ['comand=\"a b\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleA']",
                )],
            ),
            (
                "key-is-private",
                &[(
                    "ssh_authorized_keys: []",
                    "ssh_authorized_keys: [\"-----BEGIN OPENSSH PRIVATE KEY-----\"]",
                )],
            ),
            ("interface", &[("subnet:", "interface: \"ens 18\"\n  subnet:")]),
            ("search-domain", &[("subnet:", "search: [\"lan local\"]\n  subnet:")]),
            ("search-domain-unicode", &[("subnet:", "search: [пример.рф]\n  subnet:")]),
            ("cluster-name", &[("cluster: patroni", "cluster: \"a\\nb\"")]),
            ("cluster-name-template", &[("cluster: patroni", "cluster: \"{{ 7*7 }}\"")]),
            (
                "overlay-url-scheme",
                &[("cluster: patroni", "cluster: patroni\noverlay_urls: [\"ftp://depot/x\"]")],
            ),
            (
                "overlay-url-quote",
                &[("cluster: patroni", "cluster: patroni\noverlay_urls: [\"http://depot/it's\"]")],
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
fn what_may_be_a_mistake_is_warned_of() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleA";
    for (change, says) in [
        (("Europe/Moscow", "US/Eastern"), &["tzdata-legacy", "did you mean `America/New_York`?"][..]),
        (("name: vasya", "name: ubuntu"), &["`ubuntu` is the user that Ubuntu's image has"]),
        (("roles:\n", "roles:\n  spare: [etcd]\n"), &["no node has the role `spare`", "profile.yaml:"]),
        (("gateway: 192.168.2.1", "gateway: 192.168.3.1"), &["192.168.3.1 is outside of the subnet"]),
        (("nameservers: [192.168.2.1]", "nameservers: [127.0.0.1]"), &["127.0.0.1 is the node itself"]),
    ] {
        Workspace::new().profile(changed(PROFILE, &[change])).run(&["check"]).exit(0).says(says);
    }
    let quiet = [
        ("Europe/Moscow", "UTC"),
        ("ssh_authorized_keys: []", &format!("ssh_authorized_keys: ['from=\"10.0.0.0/8\",no-pty {key}']")),
        ("nameservers:", "search: [CORP.local, corp.example.com., _msdcs.corp.local]\n  nameservers:"),
        ("settings:\n", "settings:\n  prometheus: {retention: 15d12h}\n"),
    ];
    Workspace::new().profile(changed(PROFILE, &quiet)).run(&["check", "--quiet"]).exit(0).stderr("");
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
