//! What the documents say: the README's examples are followed step by step, and every command, option, field, link and
//! exit code in a document exists.
#![expect(clippy::disallowed_methods, reason = "edge: follows the README in a folder of its own")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use clap::CommandFactory as _;
use imgbuild::cli::Cli;
use imgbuild::component::Spec;
use imgbuild::profile::Profile;
use imgbuild::release::{Arch, Releases};
use serde_json::Value;
use tempfile::TempDir;

use super::support::markdown::{Block, Document};
use super::support::oracle::{oracle, stdout};
use super::support::releases;

const PINS: &str = include_str!("../profiles/releases.yaml");

#[test]
fn the_readme_can_be_followed() {
    if oracle("bash").is_none() {
        return;
    }
    let readme = Document::read("README.md");
    let room = TempDir::new().unwrap();
    let mirror = room.path().join("mirror");
    releases::synthetic(&mirror, PINS, &components(&readme));
    let work = room.path().join("work");
    fs::create_dir(&work).unwrap();
    for block in readme.blocks() {
        if let Some(path) = block.value("file") {
            let path = work.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &block.text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        } else if block.has("run") {
            follow(&block, &work, &mirror);
        }
    }
    for (node, mode) in
        [("out/ptrn-1", 0o644), ("out/prmt-1", 0o600), ("out/store-1", 0o600), ("shop/watch-1", 0o600)]
    {
        for file in ["user-data", "seed.iso"] {
            let permissions = fs::metadata(work.join(node).join(file)).unwrap().permissions();
            assert_eq!(permissions.mode() & 0o777, mode, "{node}/{file}");
        }
    }
    the_component_is_there(&work);
}

/// Runs a block's commands as a reader would, with a mirror of tiny releases in place of the release hosts.
#[track_caller]
fn follow(block: &Block, work: &Path, mirror: &Path) {
    let binary = Path::new(env!("CARGO_BIN_EXE_imgbuild"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &block.text]).current_dir(work).env_clear();
    bash.env("PATH", path).env("HOME", work);
    // Where the block is of a machine without a network, it has no mirror either, nor a store that is filled.
    if block.has("offline") {
        bash.env("XDG_CACHE_HOME", work.join("empty")).env("IMGBUILD_OUT", "offline");
    } else {
        bash.env("IMGBUILD_MIRROR", mirror).env("IMGBUILD_RELEASES", mirror.join("releases.yaml"));
    }
    let output = bash.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "README.md:{}: {}\n{errors}", block.line, output.status);
}

/// The example's program, unit, scrape job and alert are where it says, and its secret in user-data alone.
fn the_component_is_there(work: &Path) {
    let (store, watch) = (overlay(work, "store-1"), overlay(work, "watch-1"));
    for path in ["usr/local/bin/postgres_exporter", "etc/systemd/system/postgres_exporter.service"] {
        assert!(store.contains_key(path) && !watch.contains_key(path), "{path}");
    }
    assert!(store["etc/systemd/system/postgres_exporter.service"].contains("DATA_SOURCE_USER=metrics\n"));
    let scraped = &watch["opt/prometheus/prometheus.yml"];
    assert!(scraped.contains("\"postgres_exporter\"") && scraped.contains("store-3:9187"), "{scraped}");
    assert!(watch["opt/prometheus/rules/postgres_exporter.yml"].contains("PostgresDown"));
    let secrets = fs::read_to_string(work.join("secrets.yaml")).unwrap();
    let line = secrets.lines().find(|line| line.starts_with("postgres_exporter_password")).unwrap();
    let secret = line.split('"').nth(1).unwrap();
    let documents = fs::read_to_string(work.join("shop/store-1/user-data")).unwrap();
    assert!(documents.contains(secret) && store.values().all(|file| !file.contains(secret)));
}

/// The files of a built node's overlay.
fn overlay(work: &Path, node: &str) -> BTreeMap<String, String> {
    let file = fs::File::open(work.join(format!("shop/{node}/overlay.tar.gz"))).unwrap();
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(file));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        files.insert(name, String::from_utf8_lossy(&bytes).into_owned());
    }
    files
}

/// The component.yaml files of the project and of the README.
fn components(readme: &Document) -> Vec<String> {
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("overlays")).unwrap();
    let built_in =
        folders.map(|entry| fs::read_to_string(entry.unwrap().path().join("component.yaml")).unwrap());
    let is_component =
        |block: &Block| block.value("file").is_some_and(|file| file.ends_with("/component.yaml"));
    built_in.chain(readme.blocks().into_iter().filter(is_component).map(|block| block.text)).collect()
}

#[test]
fn promtool_accepts_the_readmes_alert() {
    let Some(mut promtool) = oracle("promtool") else { return };
    let room = TempDir::new().unwrap();
    let file = room.path().join("rules.yml");
    let readme = Document::read("README.md");
    let blocks = readme.blocks();
    let is_rules = |block: &&Block| block.value("file").is_some_and(|file| file.contains("/rules/"));
    fs::write(&file, &blocks.iter().find(is_rules).unwrap().text).unwrap();
    stdout(promtool.args(["check", "rules", "--lint=all", "--lint-fatal"]).arg(&file));
}

#[test]
fn the_readmes_pin_is_the_one_of_the_pins_file() {
    let pins: Releases = serde_yaml::from_str(PINS).unwrap();
    let readme = Document::read("README.md");
    let blocks = readme.blocks();
    let block = blocks.iter().find(|block| block.value("pin").is_some()).unwrap();
    let shown: Releases = serde_yaml::from_str(&format!("releases:\n{}", block.text)).unwrap();
    let name = block.value("pin").unwrap();
    let (shown, pinned) = (&shown.releases[name], &pins.releases[name]);
    assert_eq!((&shown.version, &shown.url, &shown.folder), (&pinned.version, &pinned.url, &pinned.folder));
    assert_eq!(shown.artifacts[&Arch::Amd64].sha256, pinned.artifacts[&Arch::Amd64].sha256);
}

#[test]
fn shell_in_the_documents_parses_and_its_scripts_exist() {
    for document in Document::all() {
        for block in document.blocks().iter().filter(|block| block.language() == "sh") {
            let place = format!("{}:{}", document.path.display(), block.line);
            for script in block.text.split_whitespace().filter(|word| word.starts_with("scripts/")) {
                assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(script).is_file(), "{place}: {script}");
            }
            if let Some(mut bash) = oracle("bash") {
                stdout(bash.args(["-n", "-c", &block.text]));
            }
        }
    }
}

#[test]
fn links_lead_to_files() {
    for document in Document::all() {
        for link in document.links().iter().filter(|link| !link.starts_with("http")) {
            let target = document.path.parent().unwrap().join(link.split('#').next().unwrap());
            assert!(target.exists(), "{}: {link}", document.path.display());
        }
    }
}

#[test]
fn commands_and_options_in_the_documents_exist() {
    let pins = include_str!("../profiles/patroni.yaml");
    for document in Document::all() {
        let blocks = document.blocks();
        let commands = blocks.iter().filter(|block| block.language() == "sh").flat_map(Block::commands);
        for code in document.code().into_iter().chain(commands) {
            let code = code.trim_start_matches("scripts/");
            let words: Vec<_> = code.split_whitespace().collect();
            if words.first() != Some(&"imgbuild") && !code.starts_with("--") {
                continue;
            }
            let mut clap = Cli::command();
            clap.build();
            let verb = words.get(1).and_then(|word| clap.find_subcommand(word)).unwrap_or(&clap);
            // Without its verb, an option may be any one's.
            let verbs = clap.get_subcommands().filter(|_| words[0] != "imgbuild");
            let arguments: Vec<_> =
                verbs.chain([verb, &clap]).flat_map(clap::Command::get_arguments).collect();
            for option in words.iter().filter(|word| word.starts_with("--")) {
                let known = arguments.iter();
                let known = known.filter_map(|argument| argument.get_long()).any(|long| option[2..] == *long);
                assert!(known, "{}: `{code}`", document.path.display());
            }
            if words.first() == Some(&"imgbuild") && words.len() > 1 && verb.get_name() == clap.get_name() {
                let is_node = pins.contains(&format!("name: {},", words[1]));
                let known = is_node || words[1].starts_with('-') || words[1] == "NODE...";
                assert!(known, "{}: `{code}`", document.path.display());
            }
        }
    }
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let source = include_str!("../src/failure.rs");
    let variants: Vec<_> = source
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "))
        .map(|(name, code)| (code.to_owned(), name.to_lowercase()))
        .collect();
    let rows: Vec<_> = Document::read("README.md")
        .table("## Exit codes")
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
