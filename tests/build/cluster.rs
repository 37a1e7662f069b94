//! What follows from the profile's nodes and network in the files of all nodes.

use super::{Value, Workspace, text, unpack};

const PROFILE: &str = include_str!("../../profiles/patroni.yaml");

/// A file of a node's overlay, rendered from a changed default profile.
fn shown(profile: &str, node: &str, file: &str) -> String {
    let workspace = Workspace::new().profile(profile);
    workspace.run(&["show", node, file]).exit(0).stderr("").data()
}

fn with_node(line: &str) -> String {
    PROFILE.replace("\nsettings:", &format!("  - {line}\n\nsettings:"))
}

#[test]
fn new_nodes_are_in_the_hosts_the_etcd_cluster_and_the_targets_of_all() {
    let profile = with_node("{name: ptrn-4, address: 192.168.2.104, roles: [patroni]}");
    let profile = profile
        .replace("\nsettings:", "  - {name: ptrn-5, address: 192.168.2.105, roles: [patroni]}\n\nsettings:");
    for node in ["ptrn-1", "ptrn-5", "prmt-1"] {
        let hosts = shown(&profile, node, "/etc/hosts");
        assert!(hosts.contains("192.168.2.104  ptrn-4\n192.168.2.105  ptrn-5\n"), "{node}: {hosts}");
    }
    for node in ["ptrn-2", "ptrn-4"] {
        let etcd = shown(&profile, node, "/etc/etcd/etcd.conf");
        let members = "ptrn-1=http://192.168.2.96:2380,ptrn-2=http://192.168.2.91:2380,ptrn-3=http://192.168.2.98:2380,\
                       ptrn-4=http://192.168.2.104:2380,ptrn-5=http://192.168.2.105:2380";
        assert!(etcd.contains(&format!("ETCD_INITIAL_CLUSTER=\"{members}\"\n")), "{node}: {etcd}");
    }
    let targets = shown(&profile, "prmt-1", "/opt/prometheus/prometheus.yml");
    for target in ["ptrn-4:9100", "ptrn-5:9100", "ptrn-4:2379", "ptrn-5:2379", "prmt-1:9100"] {
        assert!(targets.contains(&format!("- \"{target}\"\n")), "{target}: {targets}");
    }
}

#[test]
fn a_second_observer_watches_all_and_itself() {
    let profile = with_node("{name: prmt-2, address: 192.168.2.100, roles: [observer]}");
    for (node, own, other) in [("prmt-1", "prmt-1", "prmt-2"), ("prmt-2", "prmt-2", "prmt-1")] {
        let targets = shown(&profile, node, "/opt/prometheus/prometheus.yml");
        for target in [
            "localhost:9090".to_owned(),
            format!("{other}:9090"),
            format!("{own}:9100"),
            "ptrn-1:2379".into(),
        ] {
            assert!(targets.contains(&format!("- \"{target}\"\n")), "{node}: {target}: {targets}");
        }
        assert!(!targets.contains(&format!("\"{own}:9090\"")), "{node} sees itself once: {targets}");
        assert!(targets.contains(&format!("replacement: \"{node}\"")), "{targets}");
    }
    let workspace = Workspace::with_releases().profile(&profile);
    workspace.run(&["prmt-2", "--quiet"]).exit(0);
    let files = unpack(&workspace.read("out/prmt-2/overlay.tar.gz"));
    for path in
        ["/opt/prometheus/rules/etcd.yml", "/etc/grafana/dashboards/etcd.json", "/usr/local/bin/promtool"]
    {
        assert!(files.contains_key(path), "{path}");
    }
}

#[test]
fn ipv6_addresses_are_written_as_each_place_wants_them() {
    let mut profile = PROFILE.replace("192.168.2.0/24", "fd00:1::/64").replace("192.168.2.", "fd00:1::");
    profile += "overlay_urls: [\"http://[fd00:1::1]/{{ node.name }}/overlay.tar.gz\"]\n";
    assert!(shown(&profile, "ptrn-1", "/etc/hosts").contains("\nfd00:1::96  ptrn-1\n"));
    let etcd = shown(&profile, "ptrn-1", "/etc/etcd/etcd.conf");
    assert!(etcd.contains("ETCD_LISTEN_PEER_URLS=\"http://[fd00:1::96]:2380\"\n"), "{etcd}");
    assert!(etcd.contains("ptrn-2=http://[fd00:1::91]:2380,"), "{etcd}");
    let network = shown(&profile, "ptrn-1", "network-config");
    for part in ["- \"fd00:1::96/64\"\n", "via: \"fd00:1::1\"\n", "dhcp6: false\n"] {
        assert!(network.contains(part), "{part}: {network}");
    }
    let workspace = Workspace::new().profile(&profile);
    let user_data = workspace.run(&["show", "ptrn-1", "user-data", "--quiet"]).exit(0).stderr("").data();
    assert!(
        user_data.contains("\toverlay.tar.gz\thttp://[fd00:1::1]/ptrn-1/overlay.tar.gz\n"),
        "{user_data}"
    );
}

#[test]
fn an_interface_is_found_by_its_mac_address_where_that_is_known() {
    let with = |mac: &str| PROFILE.replace("{name: ptrn-1,", &format!("{{name: ptrn-1, mac: {mac},"));
    for (mac, written) in
        [("52:54:00:12:34:56", "52:54:00:12:34:56"), ("\"52-54-00-AB-CD-EF\"", "52:54:00:ab:cd:ef")]
    {
        let network = shown(&with(mac), "ptrn-1", "network-config");
        assert!(network.contains(&format!("match:\n        macaddress: \"{written}\"\n")), "{network}");
        assert!(!network.contains("set-name"), "an interface keeps its name: {network}");
    }
    assert!(shown(&with("52:54:00:12:34:56"), "ptrn-2", "network-config").contains("name: \"e*\"\n"));
}

#[test]
fn switches_and_lists_of_the_profile_reach_the_documents() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleA vasya@laptop";
    let profile = PROFILE
        .replace("upgrade: false", "upgrade: true")
        .replace("ssh_authorized_keys: []", &format!("ssh_authorized_keys: [\"{key}\"]"))
        .replace(
            "nameservers: [192.168.2.1]",
            "nameservers: [192.168.2.1, 9.9.9.9]\n  search: [lan.example]\n  interface: ens18",
        )
        + "overlay_urls: [\"https://depot/{{ cluster.name }}/{{ node.name }}.tar.gz\", \"http://{{ node.address }}/o\"]\n";
    let user_data = Workspace::new().profile(&profile);
    let user_data = user_data.run(&["show", "ptrn-2", "user-data", "--quiet"]).exit(0).data();
    for part in [
        "package_update: true\npackage_upgrade: true\npackage_reboot_if_required: true\n",
        &format!("- {key}\n"),
        "\toverlay.tar.gz\thttps://depot/patroni/ptrn-2.tar.gz http://192.168.2.91/o\n",
        "place 0600 \"$seed/fetch.py\" <<",
        "timezone: Europe/Moscow\n",
        "uid: 1000\n",
    ] {
        assert!(user_data.contains(part), "{part}: {user_data}");
    }
    let network = shown(&profile, "ptrn-2", "network-config");
    for part in ["    ens18:\n      dhcp4: false\n", "search:\n        - lan.example\n", "- \"9.9.9.9\"\n"] {
        assert!(network.contains(part), "{part}: {network}");
    }
    let plain = Workspace::new().run(&["show", "ptrn-2", "user-data", "--quiet"]).exit(0).data();
    assert!(!plain.contains("package_") && plain.contains("\toverlay.tar.gz\t\n"), "{plain}");
    assert!(!plain.contains("import"), "without a URL there is nothing to fetch with: {plain}");
}

#[test]
fn nodes_may_differ_in_architecture() {
    let profile = PROFILE.replace("{name: ptrn-2,", "{name: ptrn-2, arch: arm64,");
    let workspace = Workspace::with_releases().profile(profile);
    workspace.run(&["ptrn-1", "ptrn-2", "--quiet"]).exit(0);
    for (node, arch) in [("ptrn-1", "amd64"), ("ptrn-2", "arm64")] {
        let files = unpack(&workspace.read(&format!("out/{node}/overlay.tar.gz")));
        assert!(text(&files, "/usr/local/bin/etcd").contains(arch), "{node}");
        let manifest: Value =
            serde_json::from_str(&workspace.text(&format!("out/{node}/manifest.json"))).unwrap();
        assert_eq!(manifest["arch"], arch);
    }
}

/// A key as large as people have them: RSA of 4096 bits.
const LARGE_KEY: &str = "ssh-rsa \
    AAAAB3NzaC1yc2EAAAADAQABAAACAQDguJ1qR9hXJdzptmsKPTUEUJ1EulFkX3HTWX0myH07rlnvJkQT/8swsS8CYM\
    gC149g4h1mG6okrHana0Tnpw2CaJOsi/ZYCGAdwXuj4g1YDN20VXZthZXdvSuZv8QPtC5p9WjWoBhzdCdcvzVpXa3Y\
    /G8yQmcmv6F6fTYJr/VV2WKA1G7G/5BxcygDvd/BekkDb1RPdzbykj8h2qRovyv8Xu9iSQLCaY6auqclmKoR05EJRF\
    f0+mj9wi9FRZV+gzvlP0p85fyJi3w9v7axRwaUOduJWDwlrD46UkMNWXe+RFDOhn8Xsxw/bqgfbpgH+vEVa3XuOLva\
    7/9YV0A2pbmjJraaOVl2hCZiFd0XhDHn+ZLx2+KEFNP4O9Xh03tUJzW1G3d+b4aPM4XViqtDpiESBQjoJeH0zRWOaV\
    MC/HMp04txdnEJm2OH32f6Iyy6bPJN2owQ18b+cEM87clVI3yVMjrY5uxd7al957U6Dk4UTTdCXTVhhsvy1yUmzAI4\
    nzj46MiwaqJh6MGhJy67bdE/3s9ARDjF0FV9q24pgExIhnDVPzmjByrdVNbJg7suPuv/EFqorAf1NFP+wvdE2ktpwg\
    xFnGwO+usH8+oLMsffKgltdLKdvVBhtSNUo1mvRTAR6hdVXCVZZ6jxABGyyMbmDi16JH35A12GP8/JIeiBMQ==";

#[test]
fn user_data_has_room_for_three_large_keys() {
    let keys: Vec<_> =
        ["ada", "grace", "barbara"].map(|name| format!("\"{LARGE_KEY} {name}@laptop\"")).into();
    let keys = format!("ssh_authorized_keys: [{}]", keys.join(", "));
    let profile = PROFILE.replace("ssh_authorized_keys: []", &keys);
    let workspace = Workspace::with_releases().profile(&profile);
    workspace.run(&["--all", "--quiet", "--delivery", "shared"]).exit(0);
    for node in ["ptrn-1", "ptrn-2", "ptrn-3", "prmt-1"] {
        let user_data = workspace.read(&format!("out/{node}/user-data"));
        assert!(user_data.len() < 16 * 1024, "{node}: {} bytes", user_data.len());
    }
}
