//! A lock of the real Debian archive, with its real keys, against what apt would install over the guest tree's packages.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use imgbuild::diagnostic::{Document, Report, Source, decode};
use imgbuild::package::lock::{Lock, LockedSystem};

use super::archive::cluster;
use crate::support::oracle::{oracle, skip};

/// What is installed together: Patroni's set, and packages of all kinds one by one.
const SETS: [&str; 24] = [
    "patroni python3-etcd postgresql-17 haproxy keepalived",
    "nginx",
    "redis-server",
    "etcd-server",
    "prometheus-node-exporter",
    "pgbouncer",
    "tcpdump",
    "rsyslog",
    "bind9",
    "dnsmasq",
    "tmux",
    "git",
    "wireguard-tools",
    "mariadb-server",
    "memcached",
    "unbound",
    "nfs-common",
    "lvm2",
    "fail2ban",
    "openjdk-21-jre-headless",
    "python3-psycopg2",
    "nftables",
    "iptables",
    "auditd",
];

/// Makes an apt of its own in a folder, over the guest tree, and says where the archive is.
const ROOM: &str = r#"
set -euo pipefail
. scripts/lib/common.sh
. scripts/lib/debian.sh
uri=$(debian_archive trixie)
tree=$(scripts/guest-tree)
debian_room "$1" "$uri" trixie
{
    printf 'deb [signed-by=%s] %s trixie-updates main\n' "$DEBIAN_KEYRING" "$uri"
    printf 'deb [signed-by=%s] %s-security trixie-security main\n' "$DEBIAN_KEYRING" "$uri"
} >>"$1/sources.list"
cp "$tree/var/lib/dpkg/status" "$1/status"
cp "$DEBIAN_KEYRING" "$1/debian.gpg"
dpkg-query --admindir="$tree/var/lib/dpkg" -W >"$1/trixie-amd64.list"
apt-get -qq -c "$1/apt.conf" update </dev/null
printf '%s\n' "$uri"
"#;

/// The pins of Debian's archive at this address.
fn pins(uri: &str) -> String {
    let archive = |name: &str, uri: &str, fingerprint: &str, suites: &str| {
        format!(
            "  {name}:\n    urls: ['{uri}']\n    keys: [{{fingerprint: {fingerprint}, file: debian.gpg, source: \
             debian-archive-keyring}}]\n    suites: [{suites}]\n    components: [main]\n"
        )
    };
    let main = archive("debian", uri, "B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8", "trixie, trixie-updates");
    let security = archive(
        "security",
        &format!("{uri}-security"),
        "05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0",
        "trixie-security",
    );
    format!(
        "releases: {{}}\narchives:\n{main}{security}systems:\n  trixie: {{packages: trixie-amd64.list, archives: [debian, security]}}\n"
    )
}

#[test]
fn a_lock_is_what_apt_would_install() {
    if oracle("apt-get").is_none() || oracle("dpkg-query").is_none() || oracle("mmdebstrap").is_none() {
        return;
    }
    let components: Vec<_> = (0..)
        .zip(SETS)
        .map(|(number, set)| (format!("c{number}"), format!("[{}]", set.replace(' ', ", "))))
        .collect();
    let components: Vec<_> = components.iter().map(|(name, set)| (name.as_str(), set.as_str())).collect();
    let node = |(number, (name, _)): (usize, &(&str, &str))| {
        format!("- {{name: {name}, address: 10.0.0.{}, roles: [{name}]}}\n", number + 1)
    };
    let nodes: String = components.iter().enumerate().map(node).collect();
    let desk = cluster(&components, &format!("nodes:\n{nodes}"));
    let room = desk.path("").display().to_string();
    let made = Command::new("bash")
        .args(["-c", ROOM, "room", &room])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    if !made.status.success() {
        return skip(&format!("a Debian archive: {}", String::from_utf8_lossy(&made.stderr)));
    }
    let uri = String::from_utf8(made.stdout).unwrap();
    let desk = desk.releases(pins(uri.trim()));
    desk.run(&["lock"]).exit(0);
    let lock = read(&desk.text("packages.lock"));
    for (set, (component, _)) in SETS.iter().zip(&components) {
        assert_eq!(closure(&lock, component), simulated(&desk.path("apt.conf"), set), "{set}");
    }
}

fn read(text: &str) -> LockedSystem {
    let mut report = Report::new();
    let document = Document::parse(&Source::new("packages.lock", text), &mut report).unwrap();
    let lock = decode::<Lock>(document, &mut report).value.unwrap();
    assert!(report.is_empty(), "{}", report.render(false));
    lock.systems.into_values().next().unwrap()
}

/// The packages and versions of a node with this component.
fn closure(lock: &LockedSystem, component: &str) -> BTreeMap<String, String> {
    let names = lock.closure(&lock.wanted[component]);
    names.into_iter().map(|name| (name.to_string(), lock.packages[name].version.to_string())).collect()
}

/// What apt would install.
fn simulated(conf: &Path, set: &str) -> BTreeMap<String, String> {
    let mut apt = Command::new("apt-get");
    apt.arg("-c")
        .arg(conf)
        .args(["-o", "APT::Install-Recommends=false", "-s", "install"])
        .args(set.split(' '));
    let output = apt.output().unwrap();
    assert!(output.status.success(), "{set}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
        let version = rest.split_once('(')?.1.split(' ').next()?;
        Some((name.to_owned(), version.to_owned()))
    };
    text.lines().filter_map(line).collect()
}
