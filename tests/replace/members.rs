//! `imgbuild member`: what it asks of the members that live, when it refuses, what it prints and builds; and what builds say
//! of members that changed.

use serde_json::{Value, json};

use super::{ILL, Lan, OK};
use crate::own_network;
use crate::support::server::{Answer, Server};

/// Members as the gateway lists them, by number.
fn listed(lan: &Lan, nodes: &[usize]) -> Value {
    nodes.iter().map(|node| lan.listed(*node, &format!("ptrn-{node}"))).collect()
}

fn alive(lan: &Lan, nodes: &[usize], members: &Value) -> Vec<Server> {
    nodes.iter().map(|node| lan.member(*node, OK, members)).collect()
}

/// `NAME=URL,...` as etcd's configuration has the cluster.
fn initial_cluster(lan: &Lan, nodes: &[usize]) -> String {
    let members = nodes.iter().map(|node| format!("ptrn-{node}=http://{}:2380", lan.address(*node)));
    format!("\nETCD_INITIAL_CLUSTER=\"{}\"\n", members.collect::<Vec<_>>().join(","))
}

#[test]
fn a_new_member_gets_the_list_as_it_is_at_that_step() {
    if !own_network!() {
        return;
    }
    let lan = Lan::of_five();
    let members = alive(&lan, &[1, 2, 3], &lan.all());
    let peer = format!("http://{}:2380", lan.address(4));
    let run = lan.workspace.run(&["member", "add", "ptrn-4"]).exit(0);
    let run =
        run.says(&["ptrn-4: boot an empty machine from out/ptrn-4/seed.iso once these commands are run\n"]);
    assert_eq!(run.data(), format!("{} member add ptrn-4 --peer-urls={peer}\n", lan.etcdctl(&[1, 2, 3])));
    let configuration = lan.configuration(4);
    assert!(configuration.contains(&initial_cluster(&lan, &[1, 2, 3, 4])), "{configuration}");
    assert!(configuration.contains("STATE=\"existing\""), "{configuration}");
    drop(members);
    let four = listed(&lan, &[1, 2, 3, 4]);
    let _members = alive(&lan, &[1, 2, 3, 4], &four);
    lan.workspace.run(&["member", "add", "ptrn-5", "--quiet"]).exit(0);
    assert!(lan.configuration(5).contains(&initial_cluster(&lan, &[1, 2, 3, 4, 5])));
}

#[test]
fn a_member_that_was_announced_is_not_announced_again() {
    if !own_network!() {
        return;
    }
    let lan = Lan::of_five();
    let mut members = lan.all();
    members.as_array_mut().unwrap().push(lan.listed(4, ""));
    let _members = alive(&lan, &[1, 2, 3], &members);
    let run = lan.workspace.run(&["member", "add", "ptrn-4"]).exit(0).stdout("");
    run.says(&["ptrn-4: boot an empty machine from out/ptrn-4/seed.iso now: the others know of it\n"]);
    assert!(lan.configuration(4).contains(&initial_cluster(&lan, &[1, 2, 3, 4])));
    // The next one must wait: with one down, etcd adds none.
    let run = lan.workspace.run(&["member", "add", "ptrn-5"]).exit(1).stdout("");
    run.says(&["error: the cluster has 4 voting members, and only 3 of them are healthy\nhelp: a member is added while"]);
}

#[test]
fn what_is_a_member_or_runs_already_is_not_added() {
    if !own_network!() {
        return;
    }
    let lan = Lan::of_five();
    let members = alive(&lan, &[1, 2, 3, 5], &listed(&lan, &[1, 2, 3, 4, 5]));
    let run = lan.workspace.run(&["member", "add", "ptrn-4"]).exit(1).stdout("");
    run.says(&[
        "error: `ptrn-4` is a member already\nhelp: if its machine is gone: `imgbuild replace ptrn-4`\n",
    ]);
    let _runs = lan.member(4, ILL, &listed(&lan, &[4]));
    let run = lan.workspace.run(&["member", "add", "ptrn-4"]).exit(1).stdout("");
    run.says(&[
        "error: `etcd` on `ptrn-4` is running already\nhelp: one that has joined",
        "boot an empty one\n",
    ]);
    drop(members);
}

#[test]
fn a_member_is_added_while_all_others_are_healthy() {
    if !own_network!() {
        return;
    }
    let lan = Lan::of_five();
    let members =
        [lan.member(1, OK, &lan.all()), lan.member(2, OK, &lan.all()), lan.member(3, ILL, &lan.all())];
    let run = lan.workspace.run(&["member", "add", "ptrn-4"]).exit(1).stdout("");
    run.says(&["error: the cluster has 3 voting members, and only 2 of them are healthy\n"]);
    lan.workspace.wrote_nothing();
    drop(members);
    let lan = Lan::of_five();
    let run = lan.workspace.run(&["member", "add", "ptrn-4"]).exit(5).stdout("");
    run.says(&["no other member of `etcd` responded", "help: run this where the nodes can be reached\n"]);
}

#[test]
fn members_go_one_after_the_other_and_nothing_is_built() {
    if !own_network!() {
        return;
    }
    let lan = Lan::of_five();
    let members = alive(&lan, &[1, 2, 3, 4, 5], &listed(&lan, &[1, 2, 3, 4, 5]));
    let run = lan.workspace.run(&["member", "remove", "ptrn-5"]).exit(0);
    assert_eq!(run.data(), format!("{} member remove 4b\n", lan.etcdctl(&[1, 2, 3, 4])));
    run.says(&["ptrn-5: shut it down once these commands are run, and take it out of the profile\n"]);
    lan.workspace.wrote_nothing();
    drop(members);
    let members = alive(&lan, &[1, 2, 3, 4], &listed(&lan, &[1, 2, 3, 4]));
    let run = lan.workspace.run(&["member", "remove", "ptrn-5"]).exit(0).stdout("");
    run.says(&["ptrn-5: shut it down now: the others do not know it, and take it out of the profile\n"]);
    drop(members);
}

#[test]
fn a_member_that_the_profile_has_no_more_goes_by_its_name() {
    if !own_network!() {
        return;
    }
    let lan = Lan::new();
    let five = listed(&lan, &[1, 2, 3, 4, 5]);
    let _members = alive(&lan, &[1, 2, 3], &five);
    let run = lan.workspace.run(&["member", "remove", "ptrn-4"]).exit(0);
    assert_eq!(run.data(), format!("{} member remove 4a\n", lan.etcdctl(&[1, 2, 3])));
    run.says(&["ptrn-4: shut it down once these commands are run\n"]);
    let json = lan.workspace.run(&["member", "remove", "ptrn-5", "--json", "--quiet"]).exit(0).json();
    assert_eq!(
        json,
        json!({"commands": [format!("{} member remove 4b", lan.etcdctl(&[1, 2, 3]))], "manifest": null})
    );
    let run = lan.workspace.run(&["member", "remove", "ptrn-6"]).exit(1).stdout("");
    run.says(&[
        "error: the cluster has no member `ptrn-6`: its members are ptrn-1, ptrn-2, ptrn-3, ptrn-4, ptrn-5\n",
    ]);
    // Whoever is left behind must be told of before others come and go.
    let run = lan.workspace.run(&["replace", "ptrn-3"]).exit(1).stdout("");
    run.says(&["`etcd` on `ptrn-3` responds"]);
}

#[test]
fn a_member_does_not_go_where_those_that_stay_are_no_majority() {
    if !own_network!() {
        return;
    }
    let lan = Lan::new();
    let _members =
        [lan.member(1, OK, &lan.all()), lan.member(2, ILL, &lan.all()), lan.member(3, OK, &lan.all())];
    let run = lan.workspace.run(&["member", "remove", "ptrn-3"]).exit(1).stdout("");
    run.says(&["error: without `ptrn-3` the cluster has 2 voting members, and only 1 of them is healthy\n"]);
    // The sick one may go.
    let run = lan.workspace.run(&["member", "remove", "ptrn-2", "--quiet"]).exit(0);
    assert_eq!(run.data(), format!("{} member remove 838593bbd604e129\n", lan.etcdctl(&[1, 3])));
}

/// The cluster after a build, and a profile that has ptrn-2 elsewhere.
fn moved() -> Lan {
    let lan = Lan::new();
    lan.workspace.run(&["--all", "--quiet"]).exit(0);
    let profile = lan.workspace.text("profile.yaml").replace(&lan.address(2), "192.168.2.92");
    lan.workspace.write("profile.yaml", profile);
    lan
}

#[test]
fn a_member_that_moves_is_told_of_and_built_as_the_next_instance() {
    if !own_network!() {
        return;
    }
    let lan = moved();
    let members = alive(&lan, &[1, 3], &lan.all());
    let run = lan.workspace.run(&["member", "move", "ptrn-2"]).exit(0);
    let update = format!(
        "{} member update 838593bbd604e129 --peer-urls=http://192.168.2.92:2380\n",
        lan.etcdctl(&[1, 3])
    );
    assert_eq!(run.data(), update);
    run.says(&["ptrn-2: attach out/ptrn-2/seed.iso and reboot once these commands are run\n"]);
    assert!(lan.workspace.text("out/ptrn-2/meta-data").contains("ptrn-2-2"));
    assert!(lan.configuration(2).contains("STATE=\"new\""), "it has its data, and joins nobody");
    drop(members);
    let mut done = lan.all();
    done[1]["peerURLs"] = json!(["http://192.168.2.92:2380"]);
    let _members = alive(&lan, &[1, 3], &done);
    let run = lan.workspace.run(&["member", "move", "ptrn-2"]).exit(0).stdout("");
    run.says(&["ptrn-2: attach out/ptrn-2/seed.iso and reboot now: the others know of it\n"]);
    assert!(lan.workspace.text("out/ptrn-2/meta-data").contains("ptrn-2-2"), "one move, one instance");
}

#[test]
fn while_a_member_moves_the_others_must_be_a_majority() {
    if !own_network!() {
        return;
    }
    let lan = moved();
    let _members = [lan.member(1, OK, &lan.all()), lan.member(3, ILL, &lan.all())];
    let run = lan.workspace.run(&["member", "move", "ptrn-2"]).exit(1).stdout("");
    run.says(&["error: the cluster has 3 voting members, and only 1 of them is healthy beside `ptrn-2`\n"]);
}

#[test]
fn where_all_members_move_those_that_have_not_yet_are_asked_where_they_are() {
    if !own_network!() {
        return;
    }
    let lan = Lan::new();
    lan.workspace.run(&["--all", "--quiet"]).exit(0);
    // All addresses in another network, as when a subnet is given up.
    let profile = lan.workspace.text("profile.yaml").replace("192.168.2.", "10.20.30.");
    lan.workspace.write("profile.yaml", profile);
    let _members = alive(&lan, &[1, 2, 3], &lan.all());
    let run = lan.workspace.run(&["member", "move", "ptrn-1", "--quiet"]).exit(0);
    let update = format!(
        "{} member update f542ed19afc6118b --peer-urls=http://10.20.30.96:2380\n",
        lan.etcdctl(&[2, 3])
    );
    assert_eq!(run.data(), update);
}

#[test]
fn builds_and_differences_say_which_members_come_go_and_move() {
    if !own_network!() {
        return;
    }
    let lan = Lan::of_five();
    lan.workspace.run(&["--all", "--quiet"]).exit(0);
    let five = lan.workspace.text("profile.yaml");
    let stays = |line: &&str| !line.contains("ptrn-4") && !line.contains("ptrn-5");
    let three: String = five.split_inclusive('\n').filter(stays).collect();
    lan.workspace.write("profile.yaml", &three);
    let gone = |node: usize| {
        format!(
            "warning: `ptrn-{node}` no longer runs `etcd`, whose other members still count it as a member\n\
             help: run `imgbuild member remove ptrn-{node}`\n"
        )
    };
    for arguments in [&["diff", "ptrn-1", "--quiet"][..], &["--all", "--quiet"]] {
        lan.workspace.run(arguments).says(&[&gone(4), &gone(5)]);
    }
    let quiet = lan.workspace.run(&["--all", "--quiet"]).exit(0);
    assert!(!quiet.errors().contains("etcd"), "{}", quiet.errors());
    lan.workspace.write("profile.yaml", &five);
    std::fs::remove_dir_all(lan.workspace.path("out/ptrn-4")).unwrap();
    std::fs::remove_dir_all(lan.workspace.path("out/ptrn-5")).unwrap();
    let run = lan.workspace.run(&["ptrn-4", "--quiet"]).exit(0);
    let run = run.says(&[
        "warning: `ptrn-4` is new to `etcd`, whose other members were built without it",
        "`imgbuild member add ptrn-4`",
    ]);
    assert!(!run.errors().contains("ptrn-5"), "{}", run.errors());
}

#[test]
fn what_answers_as_no_member_does_is_none() {
    if !own_network!() {
        return;
    }
    let lan = Lan::new();
    let gateway = |_: &_, _| Answer::ok(b"<html>not found</html>").status("404 Not Found");
    let members = [lan.member(1, OK, &lan.all()), lan.member(3, OK, &lan.all())];
    let _gateway = Server::start_at(&format!("{}:2379", lan.address(2)), gateway);
    lan.workspace.run(&["replace", "ptrn-2", "--quiet"]).exit(0);
    drop(members);
    let lan = Lan::new();
    let _gateways = [1, 3].map(|node| Server::start_at(&format!("{}:2379", lan.address(node)), gateway));
    let run = lan.workspace.run(&["replace", "ptrn-2"]).exit(5).stdout("");
    run.says(&[&format!(
        "\n  ptrn-1: the service at http://{}:2379/health is not `etcd`: status 404\n",
        lan.address(1)
    )]);
}

#[test]
fn a_slow_member_is_waited_for_and_a_slow_machine_is_not_dead() {
    if !own_network!() {
        return;
    }
    let lan = Lan::new();
    let slow = |node: usize, seconds: u64| {
        let listing = json!({"members": lan.all()}).to_string();
        Server::start_at(&format!("{}:2379", lan.address(node)), move |request, _| {
            std::thread::sleep(std::time::Duration::from_secs(seconds));
            if request.target() == "/health" { super::health(OK) } else { Answer::ok(listing.as_bytes()) }
        })
    };
    let _members = [slow(1, 11), lan.member(3, OK, &lan.all())];
    let run = lan.workspace.run(&["replace", "ptrn-2"]).exit(0);
    let run =
        run.says(&["ptrn-1: timeout: connected, but no response within 5 s; retrying for up to 15 s\n"]);
    assert!(run.data().starts_with(&lan.etcdctl(&[1, 3])), "{}", run.data());
}
