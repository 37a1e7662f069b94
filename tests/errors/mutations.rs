//! Whatever a profile, a component or the pins are changed into: no panic, and a failure says why.

use std::collections::{BTreeMap, BTreeSet};

use imgbuild::component::{Component, Components, FolderFile};
use imgbuild::diagnostic::{Document, Report, Source, decode};
use imgbuild::plan::{Inputs, resolve};
use imgbuild::render::NodeFiles;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{PROFILE, RELEASES};

const SPEC: &str = include_str!("../../overlays/etcd/component.yaml");
const CONFIGURATION: &str = include_str!("../../overlays/etcd/files/etc/etcd/etcd.conf.j2");

/// What somebody at a keyboard can do to a text.
#[derive(Clone, Debug)]
enum Edit {
    Delete,
    Duplicate,
    Swap(usize),
    Replace(String),
    Insert(usize, String),
}

fn edit() -> impl Strategy<Value = (usize, Edit)> {
    let odd = prop_oneof![
        "\\PC{0,12}",
        "[a-z]{1,8}: [\\[{\"'&*!|>%@`-]?[a-z0-9]{0,5}",
        " {0,9}- [{\\[]?[a-z]{0,4}",
        Just("\u{feff}".to_owned()),
        Just("\t".to_owned()),
        Just("{{ settings }}{% for".to_owned()),
        Just("99999999999999999999999".to_owned()),
        Just("-0".to_owned()),
    ];
    let edit = prop_oneof![
        Just(Edit::Delete),
        Just(Edit::Duplicate),
        any::<usize>().prop_map(Edit::Swap),
        odd.clone().prop_map(Edit::Replace),
        (any::<usize>(), odd).prop_map(|(at, text)| Edit::Insert(at, text)),
    ];
    (any::<usize>(), edit)
}

fn apply(text: &str, edits: &[(usize, Edit)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (line, edit) in edits {
        if lines.is_empty() {
            break;
        }
        let line = line % lines.len();
        match edit {
            Edit::Delete => _ = lines.remove(line),
            Edit::Duplicate => lines.insert(line, lines[line].clone()),
            Edit::Swap(other) => {
                let other = other % lines.len();
                lines.swap(line, other);
            }
            Edit::Replace(text) => lines[line].clone_from(text),
            Edit::Insert(at, text) => {
                let mut characters: Vec<char> = lines[line].chars().collect();
                let at = at % (characters.len() + 1);
                characters.splice(at..at, text.chars());
                lines[line] = characters.into_iter().collect();
            }
        }
    }
    lines.join("\n") + "\n"
}

fn component(name: &str, files: &[(&str, &str)], report: &mut Report) -> Option<Component> {
    let file = |(path, text): &(&str, &str)| {
        let file = FolderFile { name: format!("overlays/{name}/{path}"), bytes: text.as_bytes().into() };
        ((*path).to_owned(), file)
    };
    Component::read(name, files.iter().map(file).collect::<BTreeMap<_, _>>(), report)
}

/// Does what `imgbuild check` does, with no file touched. Whether there is a plan whose files all render.
fn check(profile: &str, releases: &str, spec: &str, template: &str) -> (bool, Report) {
    let mut report = Report::new();
    let mut read = |name: &str, text: &str| Document::parse(&Source::new(name, text), &mut report);
    let (profile, releases) = (read("profile.yaml", profile), read("releases.yaml", releases));
    let etcd = component(
        "etcd",
        &[
            ("component.yaml", spec),
            ("files/etc/systemd/system/etcd.service", ""),
            ("files/etc/etcd/etcd.conf.j2", template),
            ("replace/commands.sh.j2", ""),
        ],
        &mut report,
    );
    let others = ["base", "node_exporter", "prometheus", "grafana"];
    let others = others.map(|name| component(name, &[("component.yaml", "description: a\n")], &mut report));
    let components: Components =
        others.into_iter().chain([etcd]).flatten().map(|one| (one.name.clone(), one)).collect();
    let (Some(profile), Some(releases)) = (profile, releases) else { return (false, report) };
    let (profile, releases) = (decode(profile, &mut report), decode(releases, &mut report));
    let unreadable = BTreeSet::new();
    let inputs = Inputs {
        profile: &profile,
        releases: &releases,
        components: &components,
        unreadable: &unreadable,
        arch: None,
        replacement: None,
        epoch: 0,
    };
    let Some(plan) = resolve(&inputs, &mut report) else { return (false, report) };
    let mut files = NodeFiles::new(&plan);
    let rendered: usize = plan.nodes.iter().map(|node| files.of(node, &mut report).len()).sum();
    (rendered == plan.nodes.iter().map(|node| node.files.len()).sum::<usize>(), report)
}

#[test]
fn what_is_mutated_is_right_to_begin_with() {
    let (is_whole, report) = check(PROFILE, RELEASES, SPEC, CONFIGURATION);
    assert!(is_whole, "{}", report.render(false));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic_or_fail_without_a_word(edits in vec(edit(), 1..6), which in 0..4_usize) {
        let mut texts = [PROFILE, RELEASES, SPEC, CONFIGURATION].map(str::to_owned);
        texts[which] = apply(&texts[which], &edits);
        let (is_whole, report) = check(&texts[0], &texts[1], &texts[2], &texts[3]);
        let shown = report.render(true) + &report.render(false);
        prop_assert!(is_whole || report.has_errors(), "{}", shown);
        prop_assert_eq!(report.is_empty(), shown.is_empty());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200), which in 0..4_usize) {
        let mut texts = [PROFILE, RELEASES, SPEC, CONFIGURATION].map(str::to_owned);
        texts[which] = String::from_utf8_lossy(&bytes).into_owned();
        let (is_whole, report) = check(&texts[0], &texts[1], &texts[2], &texts[3]);
        prop_assert!(is_whole || report.has_errors(), "{}", report.render(false));
    }
}
