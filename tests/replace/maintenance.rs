//! What keeps the database of real members small, and their snapshots: by the programs and the configuration that the overlay
//! has, one member or three.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::Lan;
use super::etcd::Member;
use crate::own_network;
use crate::support::oracle::{oracle, stdout};
use crate::support::overlay::{text, unpack};

/// 16 MB, and settings by which the smallest gain counts.
const SMALL: &str = "quota_backend_bytes: 16777216\n    defragment_free_megabytes: 1\n    defragment_free_percent: 10\n    \
                     snapshots_kept: 2\n    auto_compaction_retention: ";

/// A cluster with a small quota, compacted after so long.
fn small(retention: &str, nodes: usize) -> Lan {
    let lan = Lan::with(|profile| {
        let others = |line: &&str| (nodes + 1..=3).any(|node| line.contains(&format!("name: ptrn-{node}")));
        let profile: String = profile.split_inclusive('\n').filter(|line| !others(line)).collect();
        profile.replace("  etcd:\n", &format!("  etcd:\n    {SMALL}{retention:?}\n"))
    });
    lan.workspace.run(&["--all", "--quiet"]).exit(0);
    lan
}

/// Writes one key again and again, 40 MB in all, slower than compaction takes the old values away. Says what etcd refused.
fn fill(lan: &Lan) -> Result<(), String> {
    for _ in 0..160 {
        let value = lan.workspace.path("value");
        fs::write(&value, "x".repeat(1 << 18)).unwrap();
        let mut put = lan.etcdctl_at(1, &["put", "one-key"]);
        let output = put.stdin(fs::File::open(&value).unwrap()).output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

impl Lan {
    /// Runs a program of a node's overlay as its unit does, with its folders in the workspace.
    fn maintain(&self, node: usize, program: &str) -> Output {
        let files = unpack(&self.workspace.read(&format!("out/ptrn-{node}/overlay.tar.gz")));
        let unit = text(&files, &format!("/etc/systemd/system/{program}.service"));
        assert!(unit.contains(&format!("ExecStart=/usr/local/libexec/{program}\n")), "{unit}");
        assert!(unit.contains("EnvironmentFile=/etc/etcd/maintenance.conf\n"), "{unit}");
        let script = self.workspace.path(program);
        fs::write(&script, text(&files, &format!("/usr/local/libexec/{program}"))).unwrap();
        fs::create_dir_all(self.snapshots()).unwrap();
        let configuration = text(&files, "/etc/etcd/maintenance.conf");
        let variables = configuration.lines().filter_map(|line| line.split_once('='));
        Command::new("sh")
            .arg(script)
            .envs(variables.map(|(name, value)| (name, value.trim_matches('"'))))
            .env("ENDPOINT", format!("http://{}:2379", self.address(node)))
            .env("DATABASE", self.workspace.path(&format!("data-{node}/member/snap/db")))
            .env("SNAPSHOT_FOLDER", self.snapshots())
            .output()
            .unwrap()
    }

    /// What a member says of itself.
    fn status(&self, node: usize) -> serde_json::Value {
        let status = stdout(&mut self.etcdctl_at(node, &["endpoint", "status", "--write-out=json"]));
        serde_json::from_str::<serde_json::Value>(&status).unwrap()[0]["Status"].clone()
    }

    fn snapshots(&self) -> PathBuf {
        self.workspace.path("snapshots")
    }

    /// The snapshots that are there, the oldest first.
    fn saved(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.snapshots())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The size of a member's database.
    fn size(&self, node: usize) -> u64 {
        fs::metadata(self.workspace.path(&format!("data-{node}/member/snap/db"))).unwrap().len()
    }
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{errors}");
    out.into_owned()
}

#[test]
fn without_compaction_the_quota_ends_all_writing_until_there_is_room() {
    if !own_network!() {
        return;
    }
    let (Some(_), Some(_)) = (oracle("etcd"), oracle("etcdctl")) else { return };
    let lan = small("0", 1);
    let _member = Member::start(&lan, 1);
    lan.wait_for(&[1]);
    let refused = fill(&lan).unwrap_err();
    assert!(refused.contains("mvcc: database space exceeded"), "{refused}");
    assert!(stdout(&mut lan.etcdctl_at(1, &["alarm", "list"])).contains("alarm:NOSPACE"));
    // As the documentation has it: room is made by hand.
    let revision = lan.status(1)["header"]["revision"].to_string();
    stdout(&mut lan.etcdctl_at(1, &["compact", &revision, "--physical"]));
    let before = lan.size(1);
    succeeded(&lan.maintain(1, "etcd-defragment"));
    assert!(lan.size(1) < before / 4, "{before} {}", lan.size(1));
    stdout(&mut lan.etcdctl_at(1, &["alarm", "disarm"]));
    stdout(&mut lan.etcdctl_at(1, &["put", "one-key", "again"]));
}

#[test]
fn with_compaction_the_same_writes_never_reach_the_quota() {
    if !own_network!() {
        return;
    }
    let (Some(_), Some(_)) = (oracle("etcd"), oracle("etcdctl")) else { return };
    let lan = small("1s", 1);
    let _member = Member::start(&lan, 1);
    lan.wait_for(&[1]);
    fill(&lan).unwrap();
    assert_eq!(stdout(&mut lan.etcdctl_at(1, &["alarm", "list"])), "");
}

#[test]
fn the_leader_defragments_one_member_after_the_other_and_itself_last() {
    if !own_network!() {
        return;
    }
    let (Some(_), Some(_)) = (oracle("etcd"), oracle("etcdctl")) else { return };
    let lan = small("0", 3);
    let mut members = [1, 2, 3].map(|node| Some(Member::start(&lan, node)));
    lan.wait_for(&[1, 2, 3]);
    let value = lan.workspace.path("value");
    fs::write(&value, "x".repeat(1 << 20)).unwrap();
    for _ in 0..6 {
        stdout(lan.etcdctl_at(1, &["put", "one-key"]).stdin(fs::File::open(&value).unwrap()));
    }
    stdout(&mut lan.etcdctl_at(1, &["compact", "7", "--physical"]));
    // Each member compacts when it comes to it.
    let began = Instant::now();
    while (1..=3).any(|node| lan.status(node)["dbSizeInUse"].as_u64().unwrap() > 3 << 20) {
        assert!(began.elapsed() < Duration::from_mins(2), "a member does not compact");
        // What was freed counts as free from the next write on.
        stdout(&mut lan.etcdctl_at(1, &["put", "another-key", ""]));
        std::thread::sleep(Duration::from_millis(200));
    }
    let sizes = || [1, 2, 3].map(|node| lan.size(node));
    let before = sizes();
    let leads = |node: usize| {
        let status = lan.status(node);
        status["leader"] == status["header"]["member_id"]
    };
    let leader = (1..=3).find(|node| leads(*node)).unwrap();
    let follower = leader % 3 + 1;
    assert_eq!(succeeded(&lan.maintain(follower, "etcd-defragment")), "another member leads\n");
    let said = succeeded(&lan.maintain(leader, "etcd-defragment"));
    let order: Vec<_> = said.lines().filter_map(|line| Some(line.split_once(": had ")?.0)).collect();
    let own = format!("http://{}:2379", lan.address(leader));
    assert!(order.len() == 3 && order[2] == own && order[0] != order[1], "{said}");
    assert!(sizes().iter().zip(before).all(|(after, before)| *after < before), "{before:?} {:?}", sizes());
    let again = succeeded(&lan.maintain(leader, "etcd-defragment"));
    assert_eq!(again.matches("left as it is").count(), 3, "{again}");
    // One that is away could not catch up meanwhile.
    members[follower - 1].take();
    let said = succeeded(&lan.maintain(leader, "etcd-defragment"));
    assert!(
        said.contains("does not answer: nothing is defragmented\n") && !said.contains(": had "),
        "{said}"
    );
}

#[test]
fn snapshots_are_kept_by_number_and_the_newest_can_be_restored_as_documented() {
    if !own_network!() {
        return;
    }
    let (Some(_), Some(_), Some(_)) = (oracle("etcd"), oracle("etcdctl"), oracle("etcdutl")) else { return };
    let lan = small("1h", 3);
    let mut members = [1, 2, 3].map(|node| Some(Member::start(&lan, node)));
    lan.wait_for(&[1, 2, 3]);
    for name in ["etcd-20200101T000000Z.db", "etcd-20200102T000000Z.db", "new.db.part"] {
        fs::create_dir_all(lan.snapshots()).unwrap();
        fs::write(lan.snapshots().join(name), "old").unwrap();
    }
    stdout(&mut lan.etcdctl_at(1, &["put", "kept", "in the snapshot"]));
    succeeded(&lan.maintain(1, "etcd-snapshot"));
    let saved = lan.saved();
    assert!(saved.len() == 2 && saved[0] == "etcd-20200102T000000Z.db", "{saved:?}");
    // A member that does not answer gives none, and takes none away.
    members[0].take().unwrap().die();
    assert!(!lan.maintain(1, "etcd-snapshot").status.success());
    assert_eq!(lan.saved(), saved);
    for member in members.iter_mut().filter_map(Option::take) {
        member.die();
    }
    for node in 1..=3 {
        restore(&lan, node, &saved[1]);
    }
    let _members = [1, 2, 3].map(|node| Member::start(&lan, node));
    lan.wait_for(&[1, 2, 3]);
    let kept = stdout(&mut lan.etcdctl_at(3, &["get", "kept", "--print-value-only"]));
    assert_eq!(kept, "in the snapshot\n");
}

/// Runs the documented commands of a restore, with the node's files in the workspace.
fn restore(lan: &Lan, node: usize, snapshot: &str) {
    let documentation =
        include_str!("../../docs/how-to/back-up-etcd.md").split("\n## Restore a snapshot\n").nth(1).unwrap();
    let commands = documentation.split("```sh\n").nth(2).unwrap().split("```").next().unwrap();
    let configuration = lan.workspace.path(&format!("conf-{node}"));
    let data = lan.workspace.path(&format!("data-{node}"));
    fs::create_dir_all(&data).unwrap();
    fs::write(&configuration, lan.configuration(node)).unwrap();
    let commands = commands
        .replace(
            ". /etc/etcd/etcd.conf",
            &format!(". {}; ETCD_DATA_DIR={}", configuration.display(), data.display()),
        )
        .replace("SNAPSHOT.db", &lan.snapshots().join(snapshot).display().to_string())
        .replace("chown -R etcd:etcd", "test -d");
    stdout(Command::new("sh").args(["-euc", &commands]));
}

#[test]
fn a_snapshot_never_takes_the_room_that_etcd_needs() {
    if !own_network!() {
        return;
    }
    let (Some(_), Some(_), Some(mut tools)) = (oracle("etcd"), oracle("etcdctl"), oracle("sh")) else {
        return;
    };
    let lan = small("1h", 1);
    let _member = Member::start(&lan, 1);
    lan.wait_for(&[1]);
    fs::create_dir_all(lan.snapshots()).unwrap();
    for day in 1..=3 {
        fs::write(lan.snapshots().join(format!("etcd-2020010{day}T000000Z.db")), "old").unwrap();
    }
    // A database that no file system here has room for beside itself.
    let database = lan.workspace.path("huge");
    fs::write(&database, "").unwrap();
    let began = Instant::now();
    let fake = lan.workspace.path("bin");
    fs::create_dir_all(&fake).unwrap();
    stdout(tools.arg("-c").arg(format!(
        "printf '#!/bin/sh\\necho 1099511627776\\n' >{0}/du && chmod +x {0}/du",
        fake.display()
    )));
    let path = std::env::var("PATH").unwrap();
    let files = unpack(&lan.workspace.read("out/ptrn-1/overlay.tar.gz"));
    let script = lan.workspace.path("etcd-snapshot");
    fs::write(&script, text(&files, "/usr/local/libexec/etcd-snapshot")).unwrap();
    let output = Command::new("sh")
        .arg(&script)
        .env("PATH", format!("{}:{path}", fake.display()))
        .env("ENDPOINT", format!("http://{}:2379", lan.address(1)))
        .env("DATABASE", database)
        .env("SNAPSHOT_FOLDER", lan.snapshots())
        .env("SNAPSHOTS_KEPT", "7")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && errors.contains("not saved: a snapshot needs"), "{errors}");
    assert_eq!(lan.saved(), ["etcd-20200103T000000Z.db"], "the newest is kept");
    assert!(began.elapsed() < Duration::from_mins(1));
}
