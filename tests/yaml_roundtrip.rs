//! Every document comes back from the readers that matter as it went in, whatever the text in it looks like.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use imgbuild::render::yaml::{Yaml, YamlDocument, YamlMap};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::hostile::HOSTILE;
use crate::support::oracle::skip;

/// What scripts are made of, and what has a meaning in YAML.
const COMMON: &[&str] = &["\n", " ", "  ", "\t", "#", ":", "-", "'", "\"", "\\", "a", "0"];

/// A document and what it means.
struct Case {
    document: YamlDocument,
    means: Value,
}

impl Case {
    fn new(root: YamlMap) -> Self {
        let means = meaning(&root.clone().into());
        Self { document: YamlDocument::cloud_config(root), means }
    }
}

/// A value as JSON, which has no forms of text to choose from.
fn meaning(value: &Yaml) -> Value {
    match value {
        Yaml::Bool(value) => json!(value),
        Yaml::Integer(number) => json!(number),
        Yaml::Text(text) => json!(text),
        Yaml::List(items) => items.iter().map(meaning).collect(),
        Yaml::Map(map) => map.iter().map(|(key, value)| (key.to_owned(), meaning(value))).collect(),
    }
}

/// `text` in every place where a document can have text.
fn everywhere(text: &str) -> [YamlMap; 6] {
    let one = |value: Yaml| YamlMap::new().with("first", 1).with("a", value).with("last", "z");
    let key = YamlMap::new().with("first", 1).with_comment(text, text, text).with("last", true);
    [
        one(text.into()),
        key.clone(),
        one(vec![text, "between", text].into()),
        one(vec![key.clone(), key.clone()].into()),
        one(vec![vec![text, text], vec![text]].into()),
        YamlMap::new().with(
            "a",
            YamlMap::new().with("b", vec![YamlMap::new().with("c", YamlMap::new().with("d", key))]),
        ),
    ]
}

/// Text made of hostile pieces, of what scripts are made of, and of any characters.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => select(HOSTILE).prop_map(str::to_owned),
        4 => select(COMMON).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn tree() -> impl Strategy<Value = YamlMap> {
    let leaf = prop_oneof![
        5 => text().prop_map(Yaml::from),
        1 => any::<bool>().prop_map(Yaml::from),
        1 => any::<i64>().prop_map(Yaml::from),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Yaml::from), map(inner).prop_map(Yaml::from)]
    });
    map(value)
}

fn map(value: impl Strategy<Value = Yaml>) -> impl Strategy<Value = YamlMap> {
    let comment = prop_oneof![3 => Just(String::new()), 1 => text()];
    vec((comment, text(), value), 0..4).prop_map(|entries| {
        entries
            .into_iter()
            .fold(YamlMap::new(), |map, (comment, key, value)| map.with_comment(comment, key, value))
    })
}

/// A Python that has `PyYAML` with libyaml: the first in `PATH`, or the system's.
fn python() -> Option<Command> {
    let has_both = |program: &&str| {
        let probe = Command::new(program).args(["-c", "import yaml; yaml.CSafeLoader"]).output();
        probe.is_ok_and(|output| output.status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has_both);
    if found.is_none() {
        skip("a python3 whose yaml has CSafeLoader");
    }
    found.map(Command::new)
}

/// Has all cases read by both of `PyYAML`'s loaders, in one process.
fn assert_pyyaml_agrees(cases: &[Case]) {
    let Some(mut python) = python() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml/read_back.py");
    let pipes = python.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    let mut lines = child.stdin.take().unwrap();
    for case in cases {
        writeln!(lines, "{}", json!({ "yaml": case.document.to_string(), "means": case.means })).unwrap();
    }
    drop(lines);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary = String::from_utf8(output.stdout).unwrap();
    assert_eq!(summary.trim(), format!("{} documents, 0 complaints", cases.len()));
}

fn assert_serde_yaml_agrees(case: &Case) {
    let text = case.document.to_string();
    match serde_yaml::from_str::<Value>(&text) {
        Ok(value) => assert_eq!(value, case.means, "{text}"),
        Err(error) => panic!("{error}\n{text}"),
    }
}

fn hostile_cases() -> Vec<Case> {
    let long =
        ["long ".repeat(300), "\"".repeat(600), format!("{}\n", "x y\n".repeat(500)), "k".repeat(1000)];
    let texts = HOSTILE.iter().copied().chain(long.iter().map(String::as_str));
    texts.flat_map(everywhere).map(Case::new).collect()
}

#[test]
fn hostile_text_comes_back_from_pyyaml_in_every_place() {
    assert_pyyaml_agrees(&hostile_cases());
}

#[test]
fn hostile_text_comes_back_from_serde_yaml_in_every_place() {
    hostile_cases().iter().for_each(assert_serde_yaml_agrees);
}

#[test]
fn generated_trees_come_back_from_pyyaml() {
    let mut runner = TestRunner::deterministic();
    let cases: Vec<_> =
        (0..3000).map(|_| Case::new(tree().new_tree(&mut runner).unwrap().current())).collect();
    assert_pyyaml_agrees(&cases);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn generated_trees_come_back_from_serde_yaml(root in tree()) {
        assert_serde_yaml_agrees(&Case::new(root));
    }
}
