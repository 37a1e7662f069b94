//! The same among members that are real: etcd's own programs, with what the overlays have for them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Lan;
use crate::own_network;
use crate::support::oracle::{oracle, stdout};
use crate::support::overlay::{text, unpack};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_mins(5);

/// A member that runs as its unit runs it, with its data in the workspace; it ends with the test.
pub(super) struct Member {
    pub(super) process: Child,
    pub(super) data: PathBuf,
}

impl Member {
    pub(super) fn start(lan: &Lan, node: usize) -> Self {
        Self::start_at(lan, node, &lan.address(node))
    }

    /// The same for one that is not where the others' profile has it.
    pub(super) fn start_at(lan: &Lan, node: usize, address: &str) -> Self {
        let data = lan.workspace.path(&format!("data-{node}"));
        let files = unpack(&lan.workspace.read(&format!("out/ptrn-{node}/overlay.tar.gz")));
        let join = lan.workspace.path("etcd-join");
        fs::write(&join, text(&files, "/usr/local/libexec/etcd-join")).unwrap();
        let configuration = text(&files, "/etc/etcd/etcd.conf");
        let variables = configuration.lines().filter_map(|line| line.split_once('='));
        let process = Command::new("sh")
            .args(["-c", "sh \"$0\" && exec etcd"])
            .arg(join)
            .envs(variables.map(|(name, value)| (name, value.trim_matches('"'))))
            .env("ETCD_DATA_DIR", &data)
            // Not at 127.0.0.1 too, which all share here.
            .env("ETCD_LISTEN_CLIENT_URLS", format!("http://{address}:2379"))
            .env("ETCD_UNSAFE_NO_FSYNC", "true")
            .stdout(Stdio::piped())
            .stderr(fs::File::create(lan.workspace.path(&format!("log-{node}"))).unwrap())
            .spawn()
            .unwrap();
        Self { process, data }
    }

    /// What it says first.
    fn line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        line
    }

    /// Its machine dies, and its disk with it.
    pub(super) fn die(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        fs::remove_dir_all(&self.data).unwrap();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn etcdctl_at(address: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("etcdctl");
    command.args(["--command-timeout", "60s", "--dial-timeout", "60s"]);
    command.args(["--endpoints", &format!("http://{address}:2379")]).args(arguments);
    command
}

impl Lan {
    pub(super) fn etcdctl_at(&self, node: usize, arguments: &[&str]) -> Command {
        etcdctl_at(&self.address(node), arguments)
    }

    /// Waits until these members say that they are healthy.
    #[track_caller]
    pub(super) fn wait_for(&self, nodes: &[usize]) {
        for node in nodes {
            self.wait_at(&self.address(*node), *node);
        }
    }

    /// The same for one at another address.
    #[track_caller]
    pub(super) fn wait_at(&self, address: &str, node: usize) {
        let began = Instant::now();
        let healthy = || etcdctl_at(address, &["endpoint", "health"]).output().unwrap().status.success();
        while !healthy() {
            assert!(began.elapsed() < PATIENCE, "ptrn-{node} is not healthy\n{}", self.log(node));
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// What a member has said.
    pub(super) fn log(&self, node: usize) -> String {
        fs::read_to_string(self.workspace.path(&format!("log-{node}"))).unwrap_or_default()
    }

    /// Asks what the members must be told. While a cluster looks for another leader, none of its members is healthy.
    fn ask(&self, arguments: &[&str]) -> String {
        let began = Instant::now();
        loop {
            let run = self.workspace.run(&[arguments, &["--quiet"]].concat());
            if !run.errors().contains("of them are healthy") && !run.errors().contains("of them is healthy")
                || began.elapsed() > PATIENCE
            {
                return run.exit(0).data();
            }
            thread::sleep(Duration::from_millis(500));
        }
    }

    /// Runs the commands. A cluster that has just lost its leader takes no new member for some seconds; what is left to be
    /// done is asked for again then.
    pub(super) fn tell(&self, arguments: &[&str]) {
        let mut commands = self.ask(arguments);
        let began = Instant::now();
        loop {
            let output = Command::new("sh").args(["-ec", &commands]).output().unwrap();
            if output.status.success() {
                return;
            }
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(began.elapsed() < PATIENCE, "{commands}\n{errors}");
            thread::sleep(Duration::from_millis(500));
            commands = self.ask(arguments);
        }
    }

    /// The ids of the members, by their names.
    pub(super) fn ids(&self, node: usize) -> Vec<(String, String)> {
        let listing = stdout(&mut self.etcdctl_at(node, &["member", "list"]));
        let fields = listing.lines().map(|line| line.split(", ").collect::<Vec<_>>());
        let mut ids: Vec<_> = fields.map(|fields| (fields[2].to_owned(), fields[0].to_owned())).collect();
        ids.sort();
        ids
    }
}

#[test]
fn each_of_three_members_is_replaced_in_turn() {
    if !own_network!() {
        return;
    }
    let (Some(_), Some(_)) = (oracle("etcd"), oracle("etcdctl")) else { return };
    let lan = Lan::new();
    lan.workspace.run(&["ptrn-1", "ptrn-2", "ptrn-3", "--quiet"]).exit(0);
    let mut members = [1, 2, 3].map(|node| Some(Member::start(&lan, node)));
    lan.wait_for(&[1, 2, 3]);
    stdout(&mut lan.etcdctl_at(1, &["put", "kept", "since the beginning"]));
    for (node, other) in [(1, 2), (2, 3), (3, 1)] {
        let name = format!("ptrn-{node}");
        let before = lan.ids(node);
        members[node - 1].take().unwrap().die();
        let commands = lan.ask(&["replace", &name]);
        assert_eq!(commands.lines().count(), 2, "{commands}");
        // Booted too early, it waits; it does not come back under the identity of the dead member.
        let mut member = Member::start(&lan, node);
        assert_eq!(member.line(), format!("waiting until etcdctl member add has announced {name}\n"));
        assert_eq!(lan.ids(other), before);
        lan.tell(&["replace", &name]);
        lan.wait_for(&[1, 2, 3]);
        assert!(member.data.join("member").exists());
        members[node - 1] = Some(member);
        let after = lan.ids(node);
        let changed: Vec<_> = before.iter().zip(&after).filter(|(old, new)| old != new).collect();
        assert!(changed.len() == 1 && changed[0].1.0 == name, "{before:?} {after:?}");
        let kept = stdout(&mut lan.etcdctl_at(node, &["get", "kept", "--print-value-only"]));
        assert_eq!(kept, "since the beginning\n");
        lan.workspace.run(&["replace", &name]).exit(1).says(&["responds: that machine is not dead"]);
    }
    members[0].take().unwrap().die();
    members[1].take().unwrap().die();
    let run = lan.workspace.run(&["replace", "ptrn-1"]).exit(1).stdout("");
    run.says(&["error: the cluster has 3 voting members, and only "]);
}

#[test]
fn a_member_that_has_data_starts_whatever_its_seed_says() {
    if !own_network!() {
        return;
    }
    let (Some(_), Some(_)) = (oracle("etcd"), oracle("etcdctl")) else { return };
    let lan = Lan::new();
    lan.workspace.run(&["ptrn-1", "ptrn-2", "ptrn-3", "--quiet"]).exit(0);
    let members = [1, 2, 3].map(|node| Member::start(&lan, node));
    lan.wait_for(&[1, 2, 3]);
    let before = lan.ids(1);
    let [first, _second, _third] = members;
    drop(first);
    lan.workspace.run(&["replace", "ptrn-1", "--confirmed", "--offline", "--quiet"]).exit(0);
    let _again = Member::start(&lan, 1);
    lan.wait_for(&[1]);
    assert_eq!(lan.ids(1), before, "the dead is not dead: it has its data and its identity");
}
