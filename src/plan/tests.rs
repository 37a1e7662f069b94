//! The rules by which a plan follows from what people wrote and what is asked for, on clusters of a few lines.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::*;
use crate::cluster::Peer;
use crate::component::{Component, Components, FolderFile};
use crate::diagnostic::{Decoded, Document, Report, Source, decode};
use crate::release::Arch;

const PROFILE: &str = "\
cluster: small
network: {subnet: 10.0.0.0/24}
roles: {store: [db], watch: [db, scraper]}
nodes:
  - {name: a, address: 10.0.0.1, roles: [store]}
  - {name: b, address: 10.0.0.2, roles: [watch, store]}
  - {name: c, address: 10.0.0.3, roles: [watch], arch: arm64}
";

const RELEASES: &str = "\
releases:
  db:
    version: '1.2'
    url: https://h.invalid/db-{{ version }}-{{ arch }}.tar.gz
    folder: db-{{ version }}
    artifacts:
      amd64: {sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, source: the test}
      arm64: {sha256: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, source: the test}
";

const DB: &str = "\
description: a database
release: db
install: [{from: db, to: /usr/bin/db}]
ports: ['{{ settings.port }}']
settings: {port: {default: 5000, description: its port}}
";

/// What people wrote, a text each.
struct Written {
    profile: String,
    releases: String,
    components: BTreeMap<String, BTreeMap<String, String>>,
}

/// A cluster of a database on all nodes and a scraper on some.
fn small() -> Written {
    Written { profile: PROFILE.to_owned(), releases: RELEASES.to_owned(), components: BTreeMap::new() }
        .with("base", "component.yaml", "description: on all\neverywhere: true\n")
        .with("db", "component.yaml", DB)
        .with("db", "files/etc/db.conf.j2", "listen={{ node.address }}\n")
        .with("scraper", "component.yaml", "description: a scraper\n")
        .with("scraper", "files/etc/scraper.conf", "all\n")
}

impl Written {
    /// With this file of a component.
    fn with(mut self, component: &str, path: &str, text: &str) -> Self {
        self.components.entry(component.to_owned()).or_default().insert(path.to_owned(), text.to_owned());
        self
    }

    /// With this in place of that in the profile, which has it.
    fn profile(mut self, from: &str, to: &str) -> Self {
        assert!(self.profile.contains(from), "{from}");
        self.profile = self.profile.replace(from, to);
        self
    }

    /// The plan for a request, and the messages of the report.
    fn plan(&self, request: &Request) -> (Result<Plan, PlanError>, Vec<String>) {
        let mut report = Report::new();
        let profile = decoded("profile.yaml", &self.profile, &mut report);
        let releases = decoded("releases.yaml", &self.releases, &mut report);
        let mut components = Components::new();
        for (name, files) in &self.components {
            let file = |(path, text): (&String, &String)| {
                let name = format!("overlays/{name}/{path}");
                (path.clone(), FolderFile { name, bytes: text.as_bytes().into(), is_builtin: false })
            };
            let component = Component::read(name, files.iter().map(file).collect(), &mut report);
            components.insert(name.clone(), component.unwrap());
        }
        let inputs = Inputs {
            profile: &profile,
            releases: &releases,
            components: &components,
            partial: &Components::new(),
            unreadable: &BTreeSet::new(),
            request,
        };
        let plan = resolve(&inputs, &mut report);
        (plan, report.sorted().into_iter().map(|one| one.message().to_owned()).collect())
    }

    /// The plan for a request of which nothing is wrong.
    fn sound(&self, request: &Request) -> Plan {
        let (plan, messages) = self.plan(request);
        assert_eq!(messages, [""; 0]);
        plan.unwrap()
    }

    /// What is said of it.
    fn messages(&self) -> Vec<String> {
        self.plan(&Request::default()).1
    }
}

fn decoded<T>(name: &str, text: &str, report: &mut Report) -> Decoded<T>
where
    T: serde::de::DeserializeOwned + schemars::JsonSchema,
{
    decode(Document::parse(&Source::new(name, text), report).unwrap(), report)
}

fn named(names: &[&str]) -> Selection {
    Selection::Named(names.iter().map(|name| (*name).to_owned()).collect())
}

fn names(nodes: &[&NodePlan]) -> Vec<String> {
    nodes.iter().map(|node| node.name.clone()).collect()
}

#[test]
fn a_node_runs_what_all_nodes_run_and_what_its_roles_name_each_once() {
    let plan = small().sound(&Request::default());
    let components: Vec<_> = plan.nodes.iter().map(|node| node.member(&plan).components.join(" ")).collect();
    assert_eq!(components, ["base db", "base db scraper", "base db scraper"]);
    assert_eq!(plan.cluster.services["db"].ports, [5000]);
}

#[test]
fn the_nodes_that_are_meant_come_once_and_in_the_profiles_order() {
    for (selection, expected) in [
        (Selection::All, &["a", "b", "c"][..]),
        (Selection::named_or_all(Vec::new()), &["a", "b", "c"]),
        (named(&["c", "a", "c"]), &["a", "c"]),
    ] {
        let plan = small().sound(&Request { selection, ..Request::default() });
        assert_eq!(names(&plan.selected_nodes()), expected);
        assert_eq!(plan.nodes.len(), 3, "others are resolved too");
    }
}

#[test]
fn a_node_that_the_profile_does_not_have_is_unknown() {
    let (plan, _) = small().plan(&Request { selection: named(&["a", "d"]), ..Request::default() });
    let Err(PlanError::Request(RequestError::UnknownNode { name, cluster, known })) = plan else { panic!() };
    assert_eq!((name.as_str(), cluster.as_str(), known.join(" ").as_str()), ("d", "small", "a b c"));
}

#[test]
fn what_people_wrote_is_told_before_what_is_asked() {
    let request = Request { selection: named(&["d"]), ..Request::default() };
    let (plan, messages) = small().profile("roles: [store]", "roles: [stor]").plan(&request);
    assert!(matches!(plan, Err(PlanError::Invalid)));
    assert_eq!(messages, ["unknown role `stor`"]);
}

#[test]
fn one_image_for_all_concerns_all_nodes() {
    for (delivery, concerned) in [
        (Delivery::Image, &["b"][..]),
        (Delivery::Shared, &["a", "b", "c"]),
        (Delivery::Http { base: "http://h/layers".to_owned() }, &["b"]),
        (Delivery::Download { from: DownloadSource::Upstream }, &["b"]),
    ] {
        let plan = small().sound(&Request { selection: named(&["b"]), delivery, ..Request::default() });
        assert_eq!(names(&plan.concerned_nodes()), concerned, "{:?}", plan.delivery);
    }
}

#[test]
fn a_node_is_not_called_as_the_folder_that_the_nodes_fetch_from() {
    let small = small().profile("name: b,", "name: layers,");
    for (delivery, is_refused) in
        [(Delivery::Image, false), (Delivery::Http { base: "http://h/layers".to_owned() }, true)]
    {
        let (plan, _) = small.plan(&Request { delivery, ..Request::default() });
        let refused = matches!(plan, Err(PlanError::Request(RequestError::NamedAsLayers)));
        assert_eq!(refused, is_refused);
    }
}

#[test]
fn the_architecture_is_the_requests_or_the_nodes_or_the_profiles() {
    let arm = small().profile("cluster: small\n", "cluster: small\narch: arm64\n");
    for (written, arch, expected) in [
        (&small(), None, [Arch::Amd64, Arch::Amd64, Arch::Arm64]),
        (&arm, None, [Arch::Arm64; 3]),
        (&small(), Some(Arch::Arm64), [Arch::Arm64; 3]),
        (&arm, Some(Arch::Amd64), [Arch::Amd64; 3]),
    ] {
        let plan = written.sound(&Request { arch, ..Request::default() });
        let found: Vec<_> = plan.cluster.members.iter().map(|member| member.arch).collect();
        assert_eq!(found, expected);
        for node in &plan.nodes {
            let artifacts: Vec<_> = node.artifacts().map(|one| one.url.clone()).collect();
            assert_eq!(artifacts, [format!("https://h.invalid/db-1.2-{}.tar.gz", node.member(&plan).arch)]);
        }
    }
}

#[test]
fn nodes_that_install_the_same_share_a_layer() {
    let plan = small().sound(&Request::default());
    let layer = |node: usize| &plan.nodes[node].layers[0];
    assert!(Arc::ptr_eq(layer(0), layer(1)));
    assert_ne!(layer(0).key, layer(2).key, "another architecture has another artifact");
    let templates: Vec<_> = plan.nodes[0].files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(templates, ["/etc/db.conf"], "what is rendered is each node's own");
}

#[test]
fn the_key_of_a_layer_follows_from_all_that_its_bytes_do() {
    let key = |written: &Written, layers: LayerSpec| {
        written.sound(&Request { layers, ..Request::default() }).nodes[0].layers[0].key
    };
    let spec = LayerSpec::default();
    let plain = key(&small(), spec);
    assert_eq!(plain, key(&small().profile("cluster: small", "cluster: other"), spec));
    let mut digest = small();
    digest.releases = digest.releases.replace("aaaaaaaa", "cccccccc");
    for (what, other) in [
        ("the time", key(&small(), LayerSpec { epoch: 1, ..spec })),
        ("the format", key(&small(), LayerSpec { format: Format::Sysext, ..spec })),
        ("the artifact", key(&digest, spec)),
        ("a file", key(&small().with("db", "files/etc/more", "x"), spec)),
        ("a path", key(&small().with("db", "component.yaml", &DB.replace("bin/db", "bin/dbd")), spec)),
    ] {
        assert_ne!(plain, other, "{what}");
    }
}

#[test]
fn what_a_node_fetches_itself_is_not_in_its_layer() {
    let mirror = "http://m/copies".parse().unwrap();
    for (delivery, url) in [
        (Delivery::Image, None),
        (
            Delivery::Download { from: DownloadSource::Upstream },
            Some("https://h.invalid/db-1.2-amd64.tar.gz"),
        ),
        (
            Delivery::Download { from: DownloadSource::Mirror(mirror) },
            Some("http://m/copies/h.invalid/db-1.2-amd64.tar.gz"),
        ),
    ] {
        let plan = small().sound(&Request { delivery, ..Request::default() });
        let layer = &plan.nodes[0].layers[0];
        assert_eq!(layer.fetched_from.as_deref(), url);
        assert_eq!(layer.held_artifact().is_some(), url.is_none());
        assert_eq!(plan.nodes[0].artifacts().count(), 1, "it gets it either way");
    }
}

#[test]
fn a_node_unpacks_no_other_archives_than_gzipped_ones() {
    let mut small = small();
    small.releases = small.releases.replace("tar.gz", "zip");
    let download = Delivery::Download { from: DownloadSource::Upstream };
    let (_, messages) = small.plan(&Request { delivery: download, ..Request::default() });
    assert!(!messages.is_empty() && messages.iter().all(|one| one.contains("--delivery download")));
    assert_eq!(small.messages(), [""; 0], "a build reads them");
}

#[test]
fn below_usr_all_nodes_have_the_same_where_it_is_in_extensions() {
    let small = small().with("db", "files/usr/share/db/own.j2", "{{ node.name }}");
    assert_eq!(small.messages(), [""; 0]);
    let layers = LayerSpec { format: Format::Sysext, epoch: 0 };
    let (plan, messages) = small.plan(&Request { layers, ..Request::default() });
    assert!(plan.is_ok(), "it can be rendered, so that more errors are found");
    assert!(messages[0].starts_with("/usr/share/db/own of `db`"), "{messages:?}");
}

#[test]
fn a_guest_path_belongs_to_one_component_and_so_does_a_port() {
    for (path, text, expected) in [
        ("files/etc/db.conf", "", "the guest path /etc/db.conf is claimed by `scraper` and `db`, on `b`"),
        ("files/usr/bin/db/x", "", "the guest path /usr/bin/db/x is claimed by `db` and `scraper`, on `b`"),
        (
            "component.yaml",
            "description: a\nports: ['5000']\n",
            "the TCP port 5000 is claimed by `db` and `scraper`, on `b`",
        ),
    ] {
        let messages = small().with("scraper", path, text).messages();
        assert_eq!(messages.first().map(String::as_str), Some(expected));
    }
    // They may be on different nodes.
    let apart = small().profile("watch: [db, scraper]", "watch: [scraper]");
    let apart = apart.profile("[watch, store]", "[watch]").with("scraper", "files/etc/db.conf", "");
    assert_eq!(apart.messages(), [""; 0]);
}

#[test]
fn a_setting_of_the_profile_goes_before_the_default() {
    let small = small().profile("roles: {store", "settings: {db: {port: 5001}}\nroles: {store");
    assert_eq!(small.sound(&Request::default()).cluster.services["db"].ports, [5001]);
    let unknown = small.profile("port: 5001", "prot: 5001").messages();
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    assert!(unknown[0].contains("`prot`"), "{unknown:?}");
}

#[test]
fn a_check_that_does_not_hold_names_its_component_and_leaves_a_plan_to_render() {
    let check = "checks: [{that: 'nodes | length > 3', otherwise: 'only {{ nodes | length }} nodes'}]\n";
    let (plan, messages) =
        small().with("db", "component.yaml", &format!("{DB}{check}")).plan(&Request::default());
    assert_eq!(messages, ["only 3 nodes"]);
    assert_eq!(plan.unwrap().unsound, BTreeSet::from(["db".to_owned()]));
}

#[test]
fn only_those_that_are_meant_become_new_instances() {
    let last = |id: &str| LastInstance::Known(id.to_owned());
    let request = Request {
        selection: named(&["a"]),
        last_instances: LastInstances::from([("a".into(), last("a-2")), ("b".into(), last("b-5"))]),
        ..Request::default()
    };
    let ids = |request: &Request| {
        let nodes = small().sound(request).nodes.into_iter();
        nodes.map(|node| node.instance.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&request), ["a-2", "b-5", "c"]);
    assert_eq!(ids(&Request { reprovision: true, ..request.clone() }), ["a-3", "b-5", "c"]);
    let never = Request { reprovision: true, selection: Selection::All, ..request };
    let (plan, _) = small().plan(&never);
    let Err(PlanError::Request(RequestError::NeverBuilt { node, .. })) = plan else { panic!() };
    assert_eq!(node, "c");
}

#[test]
fn a_node_that_joins_others_sees_them_and_nobody_else_does() {
    let peer = Peer { name: "b".to_owned(), address: "10.0.0.9".parse().unwrap() };
    let joins = Joins::from([("db".to_owned(), vec![peer.clone()])]);
    let request = Request { joins: BTreeMap::from([("a".to_owned(), joins.clone())]), ..Request::default() };
    let plan = small().sound(&request);
    assert_eq!(plan.cluster.members[0].joins, joins);
    assert!(plan.cluster.members[1].joins.is_empty());
    let joined = |node: usize| {
        let seen = plan.context.of_node("db", plan.nodes[node].index);
        plan.templates.expand("{{ node.joins | length }}", &seen).unwrap()
    };
    assert_eq!((joined(0), joined(1)), ("1".to_owned(), "0".to_owned()));
}
