//! What people write: profile, pins and components, as `imgbuild check` reads them, with no file touched.

use std::collections::{BTreeMap, BTreeSet};

use imgbuild::component::{Component, Components, FolderFile};
use imgbuild::diagnostic::{Document, Report, Source, decode};
use imgbuild::plan::{Inputs, Request, resolve};
use imgbuild::render::{NodeFiles, NodeSecrets, OverlayFacts, meta_data, network_config, user_data};

/// The example's profile.
pub const PROFILE: &str = include_str!("../../profiles/patroni.yaml");
/// Its pins.
pub const RELEASES: &str = include_str!("../../profiles/releases.yaml");
/// The component.yaml of etcd.
pub const SPEC: &str = include_str!("../../overlays/etcd/component.yaml");
/// The template of its configuration.
pub const CONFIGURATION: &str = include_str!("../../overlays/etcd/files/etc/etcd/etcd.conf.j2");

/// Reads and renders everything. Whether there is a plan whose files all render.
pub fn check(profile: &str, releases: &str, spec: &str, template: &str) -> (bool, Report) {
    let mut report = Report::new();
    let mut read = |name: &str, text: &str| Document::parse(&Source::new(name, text), &mut report);
    let (profile, releases) = (read("profile.yaml", profile), read("releases.yaml", releases));
    let components = components(spec, template, &mut report);
    let (Some(profile), Some(releases)) = (profile, releases) else { return (false, report) };
    let (profile, releases) = (decode(profile, &mut report), decode(releases, &mut report));
    let unreadable = BTreeSet::new();
    let inputs = Inputs {
        partial: &Components::new(),
        profile: &profile,
        releases: &releases,
        components: &components,
        unreadable: &unreadable,
        request: &Request::default(),
    };
    let Ok(plan) = resolve(&inputs, &mut report) else { return (false, report) };
    let mut files = NodeFiles::new(&plan);
    let mut is_whole = true;
    for node in &plan.nodes {
        is_whole &= files.of(node, &mut report).len() == node.files.len();
        let secrets = NodeSecrets { files: Vec::new(), password: None };
        // What is wrong with a document is not the reports' business.
        let _ = user_data(&plan, node, &OverlayFacts::UNKNOWN, &secrets);
        meta_data(node);
        network_config(&plan.cluster, node.member(&plan));
    }
    (is_whole, report)
}

/// etcd with these texts, and the example's other components by their names alone.
fn components(spec: &str, template: &str, report: &mut Report) -> Components {
    let etcd = component(
        "etcd",
        &[
            ("component.yaml", spec),
            ("files/etc/systemd/system/etcd.service", ""),
            ("files/etc/systemd/system/etcd-snapshot.timer", ""),
            ("files/etc/systemd/system/etcd-defragment.timer", ""),
            ("files/usr/local/libexec/etcd-join", ""),
            ("files/usr/local/libexec/etcd-snapshot", ""),
            ("files/usr/local/libexec/etcd-defragment", ""),
            ("files/etc/etcd/etcd.conf.j2", template),
            ("membership/commands.sh.j2", ""),
        ],
        report,
    );
    let others = ["base", "node_exporter", "prometheus", "grafana"];
    let others = others.map(|name| component(name, &[("component.yaml", "description: a\n")], report));
    others.into_iter().chain([etcd]).flatten().map(|one| (one.name.clone(), one)).collect()
}

fn component(name: &str, files: &[(&str, &str)], report: &mut Report) -> Option<Component> {
    let file = |(path, text): &(&str, &str)| {
        let file = FolderFile {
            name: format!("overlays/{name}/{path}"),
            bytes: text.as_bytes().into(),
            is_builtin: false,
        };
        ((*path).to_owned(), file)
    };
    Component::read(name, files.iter().map(file).collect::<BTreeMap<_, _>>(), report)
}
