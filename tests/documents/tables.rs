//! Tables of the documents are those of the code: exit codes, variables of the environment, fields, reasons of a verdict.
#![expect(clippy::disallowed_methods, reason = "edge: reads the project's sources")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use imgbuild::cli::Cli;
use imgbuild::component::Spec;
use imgbuild::profile::Profile;
use imgbuild::release::Releases;
use serde_json::Value;

use crate::support::markdown::Document;

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let source = include_str!("../../src/failure.rs");
    let variants: Vec<_> = source
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "))
        .map(|(name, code)| (code.to_owned(), name.to_lowercase()))
        .collect();
    let rows: Vec<_> = Document::read("docs/reference/exit-codes.md")
        .table("# Exit codes")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let first_words =
        rows.iter().map(|(code, name)| (code.clone(), name.split(' ').next().unwrap().to_owned()));
    assert_eq!(first_words.collect::<Vec<_>>(), variants);
    let listed: Vec<_> = rows.iter().map(|(code, name)| format!("{code} {name}")).collect();
    let help = Cli::command().render_long_help().to_string();
    assert!(help.contains(&format!("Exit codes: {}.", listed.join(", "))), "{help}");
}

#[test]
fn every_variable_of_an_option_has_its_row() {
    let mut clap = Cli::command();
    clap.build();
    let mut known = BTreeMap::new();
    for command in clap.get_subcommands().chain([&clap]).flat_map(|verb| verb.get_subcommands().chain([verb]))
    {
        for argument in command.get_arguments() {
            if let (Some(variable), Some(long)) = (argument.get_env(), argument.get_long()) {
                known.insert(format!("`{}`", variable.to_str().unwrap()), format!("`--{long}`"));
            }
        }
    }
    let page = Document::read("docs/reference/environment.md");
    let rows = page.table("## Options of imgbuild").into_iter().map(|row| (row[0].clone(), row[1].clone()));
    assert_eq!(rows.collect::<BTreeMap<_, _>>(), known);
}

/// What a word of this project's own means in an environment: an option, or what only some programs read.
#[test]
fn every_variable_of_the_code_is_documented() {
    let mut documented = Document::read("docs/reference/environment.md").code();
    let contract = Document::read("src/render/first_boot/README.md").code();
    documented.extend(contract.into_iter().map(|name| format!("IMGBUILD_{name}")));
    // The end of a text in a shell's program, and how a script calls itself again.
    documented.extend(["IMGBUILD_END", "IMGBUILD_GUEST_TREE", "IMGBUILD_"].map(str::to_owned));
    let mut unknown = BTreeSet::new();
    for file in files(["src", "scripts", "benches", "tests/boot", "tests/first_boot"]) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for (at, _) in text.match_indices("IMGBUILD_") {
            let word = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            let name: String = text[at..].chars().take_while(|c| word(*c)).collect();
            if !documented.contains(&name) {
                unknown.insert(format!("{name} in {}", file.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "docs/reference/environment.md lacks {unknown:#?}");
}

/// All files below folders of the project.
fn files<const N: usize>(folders: [&str; N]) -> Vec<PathBuf> {
    let mut folders: Vec<_> = folders.map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).into();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let list = if path.is_dir() { &mut folders } else { &mut found };
            list.push(path);
        }
    }
    found
}

#[test]
fn the_version_of_rust_is_the_packages() {
    let needed = env!("CARGO_PKG_RUST_VERSION");
    let mut found = 0;
    for document in Document::all() {
        let prose = document.prose();
        let named =
            prose.split("Rust ").skip(1).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        for rest in named {
            assert!(rest.starts_with(needed), "{}: Rust {rest:.4}, expected {needed}", document.name());
            found += 1;
        }
    }
    assert!(found >= 2, "the README and CONTRIBUTING.md say which Rust is needed");
}

#[test]
fn the_manifests_keys_have_their_rows() {
    let source = include_str!("../../src/output/manifest.rs");
    let fields = source.split_once("pub struct Manifest {").unwrap().1.split_once("\n}").unwrap().0;
    let fields = fields.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'));
    let fields: BTreeSet<_> = fields.map(|(name, _)| name.to_owned()).collect();
    let rows = Document::read("docs/reference/outputs.md").table("## manifest.json");
    let rows: BTreeSet<_> = rows
        .iter()
        .flat_map(|row| row[0].split(", "))
        .map(|name| name.trim_matches('`').to_owned())
        .collect();
    assert_eq!(rows, fields);
}

#[test]
fn the_options_of_the_scripts_that_create_machines_have_their_rows() {
    for hypervisor in ["proxmox", "libvirt"] {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scripts/{hypervisor}-create"));
        let help = fs::read_to_string(script).unwrap();
        let options = help.lines().filter_map(|line| line.strip_prefix("#   --"));
        let options: BTreeSet<_> = options.map(|line| first_words(line, 2)).collect();
        let title =
            format!("# Create VMs on {}", if hypervisor == "proxmox" { "Proxmox" } else { "libvirt" });
        let rows = Document::read(&format!("docs/how-to/{hypervisor}.md")).table(&title);
        let rows = rows.iter().map(|row| row[0].trim_matches('`').trim_start_matches("--").to_owned());
        assert_eq!(rows.collect::<BTreeSet<_>>(), options, "{hypervisor}");
    }
}

fn first_words(line: &str, count: usize) -> String {
    line.split_whitespace().take(count).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_settings_of_etcd_have_the_defaults_of_their_rows() {
    let component: Value = serde_yaml::from_str(include_str!("../../overlays/etcd/component.yaml")).unwrap();
    let rows = Document::read("docs/how-to/back-up-etcd.md").table("## What keeps the database small");
    let pairs = rows.iter().flat_map(|row| row[0].split(", ").zip(row[1].split(", ")));
    for (name, default) in pairs.map(|(name, default)| (name.trim_matches('`'), default.trim_matches('`'))) {
        let known = &component["settings"][name]["default"];
        let known = known.as_str().map_or_else(|| known.to_string(), str::to_owned);
        assert_eq!(default.trim_matches('"'), known, "{name}");
    }
}

/// The fixed words of each documented reason are in the first-boot program, or in what its tests expect of it.
#[test]
fn the_reasons_of_a_verdict_are_those_of_the_first_boot() {
    let sources = files(["src/render/first_boot", "tests/first_boot", "tests/boot"]);
    let sources: String = sources.into_iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
    let rows = Document::read("docs/how-to/troubleshoot.md").table("# Find out why a node is not ready");
    assert!(!rows.is_empty());
    for reason in rows.iter().map(|row| &row[0]) {
        let is_placeholder = |word: &&str| !word.chars().any(|c| c.is_ascii_lowercase());
        for words in reason.split(' ').collect::<Vec<_>>().split(is_placeholder) {
            let words = words.join(" ");
            assert!(sources.contains(words.trim_end_matches([',', ':'])), "no `{words}`, of `{reason}`");
        }
    }
}

#[test]
fn every_field_has_its_row_and_every_row_its_field() {
    let component = serde_json::to_value(schemars::schema_for!(Spec)).unwrap();
    let profile = serde_json::to_value(schemars::schema_for!(Profile)).unwrap();
    let pins = serde_json::to_value(schemars::schema_for!(Releases)).unwrap();
    let components = [
        "install",
        "user",
        "directories",
        "settings",
        "metrics",
        "health",
        "secrets",
        "private",
        "collects",
        "checks",
        "membership",
    ];
    for (file, schema, root, heading, parts) in [
        ("docs/reference/component.md", &component, "## component.yaml", "###", &components[..]),
        (
            "docs/reference/component.md",
            &schema_of(&component, "membership"),
            "### `membership`",
            "####",
            &["checks"][..],
        ),
        ("docs/reference/profile.md", &profile, "# The profile", "##", &["network", "system", "nodes"][..]),
        (
            "docs/reference/pins.md",
            &schema_of(&pins, "releases"),
            "## A release",
            "###",
            &["artifacts", "problems"],
        ),
        ("docs/reference/profile.md", &schema_of(&profile, "system"), "## `system`", "###", &["admin"][..]),
    ] {
        let document = Document::read(file);
        assert_eq!(rows(&document, root), fields(schema), "{file}: {root}");
        for part in parts {
            let heading = format!("{heading} `{part}`");
            assert_eq!(rows(&document, &heading), fields(&schema_of(schema, part)), "{file}: {heading}");
        }
        let nested = fields(schema).into_iter().filter(|field| !schema_of(schema, field).is_null());
        let parts: BTreeSet<_> = parts.iter().map(|part| (*part).to_owned()).collect();
        assert_eq!(nested.collect::<BTreeSet<_>>(), parts, "{file}: fields with fields of their own");
    }
}

/// The names in the first column of a table.
fn rows(document: &Document, heading: &str) -> BTreeSet<String> {
    document.table(heading).into_iter().map(|row| row[0].trim_matches('`').to_owned()).collect()
}

fn fields(schema: &Value) -> BTreeSet<String> {
    schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// The schema of what a field holds, or of the items of its list or map; null where that has no fields.
fn schema_of(schema: &Value, field: &str) -> Value {
    let text = schema["properties"][field].to_string();
    let Some((_, rest)) = text.split_once("#/$defs/") else { return Value::Null };
    let mut found = schema["$defs"][rest.split('"').next().unwrap()].clone();
    if found["properties"].is_null() {
        return Value::Null;
    }
    found["$defs"] = schema["$defs"].clone();
    found
}
