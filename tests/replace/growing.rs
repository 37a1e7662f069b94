//! The list of real members changes by the steps of docs/how-to/grow-and-shrink-etcd.md: from three to five, to three again, and
//! to another address. The commands are run as they are printed.

use std::collections::BTreeMap;

use super::Lan;
use super::etcd::Member;
use crate::own_network;
use crate::support::oracle::{oracle, stdout};

/// The commands of a section of docs/how-to/grow-and-shrink-etcd.md that concern members, in order.
fn documented(title: &str) -> Vec<String> {
    let text = include_str!("../../docs/how-to/grow-and-shrink-etcd.md");
    let section = text.split("\n## ").find(|section| section.starts_with(title)).unwrap();
    let commands = section.lines().filter(|line| line.starts_with("imgbuild "));
    commands.map(|line| line.split(" #").next().unwrap().trim().to_owned()).collect()
}

/// Members that run, by their numbers.
struct Cluster<'a> {
    lan: &'a Lan,
    running: BTreeMap<usize, Member>,
}

impl<'a> Cluster<'a> {
    fn start(lan: &'a Lan, nodes: &[usize]) -> Self {
        let cluster =
            Self { lan, running: nodes.iter().map(|node| (*node, Member::start(lan, *node))).collect() };
        lan.wait_for(nodes);
        stdout(&mut lan.etcdctl_at(nodes[0], &["put", "kept", "since the beginning"]));
        cluster
    }

    /// Runs `imgbuild member CHANGE NODE`, and what it prints.
    fn tell(&self, command: &str) -> usize {
        let words: Vec<_> = command.split(' ').skip(1).collect();
        let ["member", _, node] = words[..] else { panic!("{command}") };
        self.lan.tell(&words);
        node.strip_prefix("ptrn-").unwrap().parse().unwrap()
    }

    /// All that run are healthy members, there are no others, and what was written is there.
    fn is_whole(&self) {
        let nodes: Vec<_> = self.running.keys().copied().collect();
        self.lan.wait_for(&nodes);
        let names: Vec<_> = self.lan.ids(nodes[0]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, nodes.iter().map(|node| format!("ptrn-{node}")).collect::<Vec<_>>());
        for node in nodes {
            let kept = stdout(&mut self.lan.etcdctl_at(node, &["get", "kept", "--print-value-only"]));
            assert_eq!(kept, "since the beginning\n", "ptrn-{node}");
        }
    }
}

#[test]
fn three_become_five_and_three_again_as_documented() {
    if !own_network!() {
        return;
    }
    let (Some(_), Some(_)) = (oracle("etcd"), oracle("etcdctl")) else { return };
    let lan = Lan::new();
    let three = lan.workspace.text("profile.yaml");
    lan.workspace.run(&["--all", "--quiet"]).exit(0);
    let mut cluster = Cluster::start(&lan, &[1, 2, 3]);

    lan.workspace.write("profile.yaml", Lan::of_five().workspace.text("profile.yaml"));
    // A machine that boots from an ordinary seed before it is announced founds no cluster of its own.
    lan.workspace.run(&["ptrn-4", "--quiet"]).exit(0).says(&["`imgbuild member add ptrn-4`"]);
    let mut early = Member::start(&lan, 4);
    assert!(!early.process.wait().unwrap().success());
    assert!(!early.data.join("member").exists());
    assert!(lan.log(4).contains("imgbuild member add ptrn-4"), "{}", lan.log(4));

    let steps = documented("Add etcd members");
    assert_eq!(steps, ["imgbuild member add ptrn-4", "imgbuild member add ptrn-5", "imgbuild --all"]);
    for step in &steps[..2] {
        let node = cluster.tell(step);
        cluster.running.insert(node, Member::start(&lan, node));
        cluster.is_whole();
    }
    // New seeds for all: those that have data ignore what theirs says of the cluster.
    lan.workspace.run(&["--all", "--quiet"]).exit(0);
    for node in 1..=5 {
        cluster.running.remove(&node);
        cluster.running.insert(node, Member::start(&lan, node));
        cluster.is_whole();
    }

    let steps = documented("Remove etcd members");
    assert_eq!(steps, ["imgbuild member remove ptrn-5", "imgbuild member remove ptrn-4", "imgbuild --all"]);
    // The last of them when the profile has it no more.
    for (step, profile) in steps.iter().zip([None, Some(&three)]) {
        if let Some(profile) = profile {
            lan.workspace.write("profile.yaml", profile);
        }
        let node = cluster.tell(step);
        cluster.running.remove(&node);
        cluster.is_whole();
    }
}

#[test]
fn a_member_moves_as_documented_and_keeps_its_data_and_its_identity() {
    if !own_network!() {
        return;
    }
    let (Some(_), Some(_)) = (oracle("etcd"), oracle("etcdctl")) else { return };
    let lan = Lan::new();
    lan.workspace.run(&["--all", "--quiet"]).exit(0);
    let mut cluster = Cluster::start(&lan, &[1, 2, 3]);
    let before = lan.ids(1);
    let profile = lan.workspace.text("profile.yaml").replace("192.168.2.91", "192.168.2.94");
    lan.workspace.write("profile.yaml", profile);
    let steps = documented("Move an etcd member to another address");
    assert_eq!(steps, ["imgbuild member move ptrn-2", "imgbuild --all"]);
    let node = cluster.tell(&steps[0]);
    assert_eq!(node, 2);
    cluster.running.remove(&2);
    // `address(4)` is where ptrn-2 is from now on.
    cluster.running.insert(2, Member::start_at(&lan, 2, &lan.address(4)));
    lan.wait_for(&[1, 3, 4]);
    assert_eq!(lan.ids(1), before);
    let listing = stdout(&mut lan.etcdctl_at(1, &["member", "list"]));
    assert!(listing.contains("http://192.168.2.94:2380, http://192.168.2.94:2379"), "{listing}");
    let kept = stdout(&mut lan.etcdctl_at(4, &["get", "kept", "--print-value-only"]));
    assert_eq!(kept, "since the beginning\n");
    // It votes: with another one gone the two that stay are a majority.
    cluster.running.remove(&3);
    lan.wait_for(&[1, 4]);
    stdout(&mut lan.etcdctl_at(4, &["put", "kept", "after the move"]));
}

#[test]
fn all_members_move_one_after_the_other() {
    if !own_network!() {
        return;
    }
    let (Some(_), Some(_)) = (oracle("etcd"), oracle("etcdctl")) else { return };
    let lan = Lan::new();
    lan.workspace.run(&["--all", "--quiet"]).exit(0);
    let mut cluster = Cluster::start(&lan, &[1, 2, 3]);
    let before = lan.ids(1);
    let profile = lan.workspace.text("profile.yaml").replace("192.168.2.", "10.20.30.");
    lan.workspace.write("profile.yaml", profile);
    for node in 1..=3 {
        let told = cluster.tell(&format!("imgbuild member move ptrn-{node}"));
        cluster.running.remove(&told);
        let address = lan.address(node).replace("192.168.2.", "10.20.30.");
        cluster.running.insert(told, Member::start_at(&lan, told, &address));
        lan.wait_at(&address, node);
    }
    let endpoint = "http://10.20.30.96:2379";
    let listing =
        stdout(std::process::Command::new("etcdctl").args(["--endpoints", endpoint, "member", "list"]));
    assert!(listing.matches("http://10.20.30.").count() == 6 && !listing.contains("192.168"), "{listing}");
    assert!(before.iter().all(|(_, id)| listing.contains(id)), "{listing}");
}
