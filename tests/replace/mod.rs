//! `imgbuild replace`: what it asks of the members that live, when it refuses, what it says and builds.
#![expect(clippy::disallowed_methods, reason = "edge: runs etcd, and looks at what the program wrote")]

mod etcd;
mod growing;
mod maintenance;
mod members;

use serde_json::{Value, json};

use super::support::overlay::{text, unpack};
use super::support::server::{Answer, Request, Server};
use super::support::workspace::Workspace;
use crate::own_network;

const PROFILE: &str = include_str!("../../profiles/patroni.yaml");

/// The default cluster, each of whose addresses is this machine's: for tests in a network of their own.
struct Lan {
    workspace: Workspace,
}

impl Lan {
    fn new() -> Self {
        Self::with(|profile| profile)
    }

    /// The same with a changed profile.
    fn with(change: impl Fn(String) -> String) -> Self {
        let profile = change(PROFILE.to_owned())
            .replace("election_timeout: 10000", "election_timeout: 2000")
            .replace("heartbeat_interval: 2000", "heartbeat_interval: 200");
        assert!(profile.contains("timeout: 2000\n") && profile.contains("interval: 200\n"), "{profile}");
        Self { workspace: Workspace::with_releases().profile(profile) }
    }

    /// The address of ptrn-1, ptrn-2, ...
    #[expect(clippy::unused_self, reason = "an address is one of a network")]
    fn address(&self, node: usize) -> String {
        format!("192.168.2.{}", [96, 91, 98, 94, 95][node - 1])
    }

    /// The same with two members more.
    fn of_five() -> Self {
        Self::with(|profile| {
            let more = "  - {name: ptrn-4, address: 192.168.2.94, roles: [patroni]}\n  - {name: ptrn-5, address: 192.168.2.95, roles: [patroni]}\n";
            profile.replace("  - {name: prmt-1", &format!("{more}  - {{name: prmt-1"))
        })
    }

    /// What stands for a member that is well or not, and knows these members.
    fn member(&self, node: usize, status: &'static str, members: &Value) -> Server {
        let listing =
            json!({"header": {"cluster_id": "12101053776118486841"}, "members": members}).to_string();
        Server::start_at(&format!("{}:2379", self.address(node)), move |request: &Request, _| {
            match request.target() {
                "/health" => health(status),
                "/v3/cluster/member/list" => Answer::ok(listing.as_bytes()),
                other => panic!("{other} was asked"),
            }
        })
    }

    /// A member as etcd's gateway lists it; those that have not started have no name.
    fn listed(&self, node: usize, name: &str) -> Value {
        let ids = ["17672948582334206347", "9477143425829888297", "4996594912331236837", "74", "75"];
        let mut member =
            json!({"ID": ids[node - 1], "peerURLs": [format!("http://{}:2380", self.address(node))]});
        if !name.is_empty() {
            member["name"] = name.into();
            member["clientURLs"] = json!([format!("http://{}:2379", self.address(node))]);
        }
        member
    }

    /// The three members.
    fn all(&self) -> Value {
        json!([self.listed(1, "ptrn-1"), self.listed(2, "ptrn-2"), self.listed(3, "ptrn-3")])
    }

    fn etcdctl(&self, nodes: &[usize]) -> String {
        let urls: Vec<_> = nodes.iter().map(|node| format!("http://{}:2379", self.address(*node))).collect();
        format!("etcdctl --endpoints={}", urls.join(","))
    }

    fn configuration(&self, node: usize) -> String {
        let files = unpack(&self.workspace.read(&format!("out/ptrn-{node}/overlay.tar.gz")));
        text(&files, "/etc/etcd/etcd.conf")
    }
}

/// As etcd answers, well or not.
fn health(status: &'static str) -> Answer {
    let body: &[u8] = if status == OK {
        br#"{"health":"true","reason":""}"#
    } else {
        br#"{"health":"false","reason":"RAFT NO LEADER"}"#
    };
    Answer::ok(body).status(status)
}

const OK: &str = "200 OK";
const ILL: &str = "503 Service Unavailable";

#[test]
fn a_dead_member_is_forgotten_and_announced_and_its_place_built() {
    if !own_network!() {
        return;
    }
    let lan = Lan::new();
    let _members = [lan.member(1, OK, &lan.all()), lan.member(3, OK, &lan.all())];
    let etcdctl = lan.etcdctl(&[1, 3]);
    let expected = format!(
        "{etcdctl} member remove 838593bbd604e129\n{etcdctl} member add ptrn-2 --peer-urls=http://{}:2380\n",
        lan.address(2)
    );
    let run = lan.workspace.run(&["replace", "ptrn-2"]).exit(0).stdout(&expected);
    run.says(&["ptrn-2: boot an empty machine from out/ptrn-2/seed.iso once these commands are run\n"]);
    let endpoints = etcdctl.split('=').nth(1).unwrap();
    let configuration = lan.configuration(2);
    let part = format!("ETCD_INITIAL_CLUSTER_STATE=\"existing\"\nETCDCTL_ENDPOINTS=\"{endpoints}\"\n");
    assert!(configuration.contains(&part), "{configuration}");
    lan.workspace.run(&["ptrn-1", "ptrn-2", "--quiet"]).exit(0);
    for node in [1, 2] {
        let configuration = lan.configuration(node);
        assert!(configuration.contains("STATE=\"new\"\nETCDCTL"), "{configuration}");
    }
    let json = lan.workspace.run(&["replace", "ptrn-2", "--json", "--quiet"]).exit(0).json();
    assert_eq!(json["commands"], json!(expected.lines().collect::<Vec<_>>()));
    assert_eq!(json["manifest"]["node"], "ptrn-2");
}

#[test]
fn what_was_done_already_is_not_asked_for_again() {
    if !own_network!() {
        return;
    }
    let lan = Lan::new();
    let removed = json!([lan.listed(2, "ptrn-2"), lan.listed(3, "ptrn-3")]);
    let members = [lan.member(2, OK, &removed), lan.member(3, OK, &removed)];
    let add =
        format!("{} member add ptrn-1 --peer-urls=http://{}:2380\n", lan.etcdctl(&[2, 3]), lan.address(1));
    lan.workspace.run(&["replace", "ptrn-1"]).exit(0).stdout(&add);
    drop(members);
    let lan = Lan::new();
    let added = json!([lan.listed(1, ""), lan.listed(2, "ptrn-2"), lan.listed(3, "ptrn-3")]);
    let _members = [lan.member(2, OK, &added), lan.member(3, OK, &added)];
    let run = lan.workspace.run(&["replace", "ptrn-1"]).exit(0).stdout("");
    run.says(&["ptrn-1: boot an empty machine from out/ptrn-1/seed.iso now: the others know of it\n"]);
}

#[test]
fn without_a_quorum_of_the_others_it_refuses() {
    if !own_network!() {
        return;
    }
    let lan = Lan::new();
    let _members = [lan.member(1, OK, &lan.all()), lan.member(3, ILL, &lan.all())];
    for arguments in [&["replace", "ptrn-2"][..], &["replace", "ptrn-2", "--confirmed"]] {
        lan.workspace.run(arguments).exit(1).stdout("").stderr(
            "error: the cluster has 3 voting members, and only 1 of them is healthy\n\
             help: a member is removed and added by the majority of all: start others that still have their data, or \
             restore the cluster from a snapshot\n",
        );
        lan.workspace.wrote_nothing();
    }
}

#[test]
fn a_member_that_does_not_vote_yet_counts_for_nothing() {
    if !own_network!() {
        return;
    }
    let lan = Lan::new();
    let mut members = lan.all();
    members[2]["isLearner"] = json!(true);
    let _members = [lan.member(1, OK, &members), lan.member(3, OK, &members)];
    lan.workspace.run(&["replace", "ptrn-2"]).exit(0);
}

#[test]
fn all_sick_members_are_a_cluster_without_a_quorum() {
    if !own_network!() {
        return;
    }
    let lan = Lan::new();
    let _members = [lan.member(1, ILL, &lan.all()), lan.member(3, ILL, &lan.all())];
    let run = lan.workspace.run(&["replace", "ptrn-2", "--confirmed"]).exit(1);
    run.says(&["error: the cluster has 3 voting members, and only 0 of them are healthy\n"]);
}

#[test]
fn a_machine_that_answers_is_not_dead() {
    if !own_network!() {
        return;
    }
    for status in [OK, ILL] {
        let lan = Lan::new();
        let _members = [1, 2, 3].map(|node| lan.member(node, status, &lan.all()));
        lan.workspace.run(&["replace", "ptrn-3", "--confirmed"]).exit(1).stdout("").stderr(
            "error: `etcd` on `ptrn-3` responds: that machine is not dead\n\
             help: shut it down for good first; two machines with one address harm the cluster\n",
        );
        lan.workspace.wrote_nothing();
    }
}

#[test]
fn a_cluster_that_is_not_the_profiles_is_left_alone() {
    if !own_network!() {
        return;
    }
    let lan = Lan::new();
    let mut members = lan.all();
    members
        .as_array_mut()
        .unwrap()
        .push(json!({"ID": "1", "name": "ptrn-9", "peerURLs": ["http://10.0.0.9:2380"]}));
    let members = [lan.member(1, OK, &members), lan.member(3, OK, &members)];
    // Whether it is well is not known, so that this is said before majorities.
    lan.workspace.run(&["replace", "ptrn-2"]).exit(1).says(&[
        "the cluster has members that the profile does not list at their address: `ptrn-9` at 10.0.0.9\n",
    ]);
    drop(members);
    let lan = Lan::new();
    let members = json!([lan.listed(2, "ptrn-2"), lan.listed(1, "ptrn-1"), {"ID": "1", "name": "ptrn-9", "peerURLs": ["http://10.0.0.9:2380"]}]);
    let _members = [lan.member(1, OK, &members), lan.member(3, OK, &members)];
    let run = lan.workspace.run(&["replace", "ptrn-2"]).exit(1).stdout("");
    run.says(&[
        "the cluster has members that the profile does not list at their address: `ptrn-9` at 10.0.0.9\n",
        "help: etcd starts only with the cluster's own list of members",
    ]);
}

#[test]
fn where_nobody_can_be_asked_somebody_must_say_so() {
    if !own_network!() {
        return;
    }
    let lan = Lan::new();
    let run = lan.workspace.run(&["replace", "ptrn-2"]).exit(5).stdout("");
    run.says(&[
        "error: no other member of `etcd` responded, so it is unknown whether `ptrn-2` can be replaced safely\n  ptrn-1: connection refused: the machine is up, and nothing listens there\n",
        "\n  ptrn-3: connection refused",
        "confirm it with `--confirmed`\n",
    ]);
    let run = lan.workspace.run(&["replace", "ptrn-2", "--offline"]).exit(5).stdout("");
    run.says(&["can be replaced safely: the network is off\n"]);
    lan.workspace.wrote_nothing();
    let (etcdctl, peer) = (lan.etcdctl(&[1, 3]), format!("http://{}:2380", lan.address(2)));
    let expected = format!(
        "{etcdctl} member remove \"$({etcdctl} member list | awk -F ', ' '$4 == \"{peer}\" {{ print $1 }}')\"\n\
         {etcdctl} member add ptrn-2 --peer-urls={peer}\n"
    );
    lan.workspace.run(&["replace", "ptrn-2", "--confirmed"]).exit(0).stdout(&expected);
    lan.workspace.run(&["replace", "ptrn-2", "--confirmed", "--offline"]).exit(0).stdout(&expected);
    assert!(lan.configuration(2).contains("STATE=\"existing\""));
}

#[test]
fn an_answer_that_makes_no_sense_is_none() {
    if !own_network!() {
        return;
    }
    for (last, code, message) in [
        (json!({"members": null}), 1, "the cluster has no other member than `ptrn-2`"),
        (json!({}), 3, "overlays/etcd/component.yaml:"),
        (json!("<html>"), 3, "error: failed to evaluate: "),
    ] {
        let lan = Lan::new();
        let odd = |node: usize, body: String| {
            Server::start_at(&format!("{}:2379", lan.address(node)), move |request, _| {
                if request.target() == "/health" { health(OK) } else { Answer::ok(body.as_bytes()) }
            })
        };
        let _members = [odd(1, "<html>".to_owned()), odd(3, last.to_string())];
        lan.workspace.run(&["replace", "ptrn-2"]).exit(code).stdout("").says(&[message]);
    }
    let lan = Lan::new();
    let html = |request: &Request, _| {
        if request.target() == "/health" { health(OK) } else { Answer::ok(b"<html>") }
    };
    let _members =
        [Server::start_at(&format!("{}:2379", lan.address(1)), html), lan.member(3, OK, &lan.all())];
    lan.workspace.run(&["replace", "ptrn-2"]).exit(0);
}

#[test]
fn nodes_that_nobody_misses_are_simply_built() {
    if !own_network!() {
        return;
    }
    let lan = Lan::new();
    lan.workspace.run(&["replace", "prmt-1"]).exit(2).stderr(
        "error: no component on `prmt-1` has a member list\n\
         help: `imgbuild prmt-1` builds it: boot an empty machine from its seed\n",
    );
    lan.workspace.run(&["replace", "ptrn-9"]).exit(2).says(&["unknown node `ptrn-9`"]);
    let others = |line: &&str| line.contains("name: ptrn-2") || line.contains("name: ptrn-3");
    let alone: String = PROFILE.split_inclusive('\n').filter(|line| !others(line)).collect();
    let workspace = Workspace::new().profile(alone);
    workspace.run(&["replace", "ptrn-1", "--confirmed"]).exit(2).stderr(
        "error: `ptrn-1` is the only member of `etcd`: no other member is left to join\n\
         help: `imgbuild ptrn-1` builds it anew, without its data\n",
    );
}
