//! What the command line offers and how it answers: help, completions, schemas, `show`, misspelt words.
#![expect(clippy::disallowed_methods, reason = "edge: runs shells and Python on what was printed")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use clap::CommandFactory as _;
use imgbuild::cli::Cli;
use imgbuild::release::Releases;
use serde_json::Value;

use super::support::golden::assert_folder;
use super::support::oracle::{oracle, skip};
use super::support::workspace::{Run, Workspace};

const PROFILE: &str = include_str!("../profiles/patroni.yaml");
const RELEASES: &str = include_str!("../profiles/releases.yaml");

/// What stands before nodes: `build`, `check` and so on.
fn verbs() -> Vec<String> {
    Cli::command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect()
}

#[test]
fn every_help_fits_a_terminal_and_says_what_it_said() {
    let workspace = Workspace::new();
    let mut texts = BTreeMap::new();
    let mut help = |name: &str, arguments: &[&str]| {
        let run = workspace.run(arguments).exit(0).stderr("");
        let text = run.data();
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{name}: {line}");
        }
        // clap indents empty lines too.
        let lines = text.lines().map(|line| format!("{}\n", line.trim_end()));
        texts.insert(format!("{name}.txt"), lines.collect());
    };
    help("imgbuild", &["--help"]);
    help("imgbuild-short", &["-h"]);
    for verb in verbs() {
        help(&verb, &[&verb, "--help"]);
    }
    assert_folder("help", &texts);
}

#[test]
fn the_version_is_the_packages() {
    let expected = format!("imgbuild {}\n", env!("CARGO_PKG_VERSION"));
    Workspace::new().run(&["--version"]).exit(0).stdout(&expected).stderr("");
}

#[test]
fn words_of_other_programs_mean_the_same_here() {
    let workspace = Workspace::new();
    let help = workspace.run(&["pin", "--help"]).exit(0).data();
    workspace.run(&["help", "pin"]).exit(0).stdout(&help);
    let plan = workspace.run(&["plan"]).exit(0).data();
    workspace.run(&["plan", "--all"]).exit(0).stdout(&plan);
    let diff = workspace.run(&["diff"]).exit(5).errors();
    workspace.run(&["diff", "--all"]).exit(5).stderr(&diff);
}

#[test]
fn words_that_mean_nothing_are_answered() {
    let workspace = Workspace::new();
    let nodes = "the nodes of the cluster `patroni` are `ptrn-1`, `ptrn-2`, `ptrn-3`, `prmt-1`\n";
    let usage = "help: `imgbuild NODE...` builds nodes, `imgbuild --all` every one; see `imgbuild --help`\n";
    for (arguments, stderr) in [
        (&[][..], format!("error: which node?\n{usage}")),
        (&["--quiet"], format!("error: which node?\n{usage}")),
        (&["ptrn1"], format!("error: unknown node `ptrn1`\nhelp: did you mean `ptrn-1`? {nodes}")),
        (&["chek"], format!("error: unknown node `chek`\nhelp: did you mean `check`? {nodes}")),
        (&["web"], format!("error: unknown node `web`\nhelp: {nodes}")),
        (&["plan", "ptrn-4"], format!("error: unknown node `ptrn-4`\nhelp: did you mean `ptrn-1`? {nodes}")),
        (&["show", "prmt1", "user-data"], format!("error: unknown node `prmt1`\nhelp: did you mean `prmt-1`? {nodes}")),
        (
            &["check", "cluster.yaml"],
            "error: unexpected `cluster.yaml`: `check` looks at the whole cluster\n\
             help: did you mean `imgbuild check --profile cluster.yaml`?\n".to_owned(),
        ),
        (
            &["plan", "cluster.yaml"],
            "error: expected a node, got `cluster.yaml`\n\
             help: did you mean `--profile cluster.yaml`?\n".to_owned(),
        ),
        (
            &["show", "user-data", "ptrn-1"],
            "error: expected a node, got `user-data`\n\
             help: did you mean `imgbuild show ptrn-1 user-data`?\n".to_owned(),
        ),
        (
            &["ptrn-1", "check"],
            "error: expected a node, got `check`\n\
             help: write a command before its nodes: `imgbuild check ...`\n".to_owned(),
        ),
        (
            &["--all", "check"],
            "error: expected nodes or a command, got both\n\
             help: `imgbuild build NODE...` builds nodes\n".to_owned(),
        ),
        (
            &["--all", "ptrn-1"],
            "error: expected nodes or `--all`, got both\n\
             help: `imgbuild NODE...` builds nodes, `imgbuild --all` every one\n".to_owned(),
        ),
        (
            &["show", "ptrn-1", "etc/hosts"],
            "error: `etc/hosts` is neither a document nor a path in the guest\n\
             help: a document is one of `user-data`, `meta-data`, `network-config`; expected an absolute path, which begins with `/`\n".to_owned(),
        ),
        (
            &["show", "ptrn-1", "/etc/host"],
            "error: the overlay of `ptrn-1` does not contain /etc/host\n\
             help: did you mean /etc/hosts? `imgbuild plan ptrn-1` lists its files\n".to_owned(),
        ),
        (
            &["show", "ptrn-1", "/usr/local/bin/etcd"],
            "error: /usr/local/bin/etcd is a file of a release, which `show` does not fetch\n\
             help: build the node and take it out of its overlay: `tar -xOzf out/ptrn-1/overlay.tar.gz usr/local/bin/etcd`\n".to_owned(),
        ),
        (
            &["show", "prmt-1", "/etc/grafana/secrets/admin_password"],
            "error: /etc/grafana/secrets/admin_password holds a secret\n\
             help: it goes into user-data alone: `imgbuild show prmt-1 user-data` shows where\n".to_owned(),
        ),
    ] {
        workspace.run(arguments).exit(2).stdout("").stderr(&stderr);
        workspace.wrote_nothing();
    }
    for arguments in [
        &["--bogus"][..],
        &["check", "ptrn-1"],
        &["--arch", "mips", "check"],
        &["build"],
        &["completions", "tcsh"],
    ] {
        workspace.run(arguments).exit(2).stdout("").says(&["error: ", "--help"]);
    }
}

#[test]
fn show_prints_documents_and_files_and_fetches_nothing() {
    let workspace = Workspace::new();
    let masked = "the overlay's digest and size are shown as zeros, they are known after a build; secrets are masked\n";
    for (file, part, stderr) in [
        ("user-data", "#cloud-config\n", masked),
        ("meta-data", "instance-id: ptrn-1\n", ""),
        ("network-config", "192.168.2.96/24", ""),
        ("/etc/hosts", "192.168.2.99  prmt-1\n", ""),
        ("/etc/systemd/system/etcd.service", "[Service]\n", ""),
        ("/usr/lib/sysusers.d/imgbuild-etcd.conf", "u etcd - ", ""),
    ] {
        let run = workspace.run(&["show", "ptrn-1", file]).exit(0).stderr(stderr);
        assert!(run.data().contains(part), "{file}: {}", run.data());
    }
    workspace.run(&["show", "ptrn-1", "user-data", "--quiet"]).exit(0).stderr("");
    workspace.wrote_nothing();
}

#[test]
fn plan_tells_people_and_programs_the_same() {
    let workspace = Workspace::new();
    let locked = "nobody can log in: `vasya` has neither an SSH key nor a password";
    let help = "add a key to `ssh_authorized_keys` of the profile, or the secret `admin_password`";
    let silent = "prmt-1: alerts are not sent to Telegram";
    let missing = "no secret `telegram_bot_token`, `telegram_chat_id`";
    let known = known_problems();
    let known = format!("warning: {locked}\nhelp: {help}\n{known}warning: {silent}: {missing}\n");
    let all = workspace.run(&["plan", "--json"]).exit(0).stderr(&known).json();
    let names: Vec<_> = all["nodes"].as_array().unwrap().iter().map(|node| node["name"].clone()).collect();
    assert_eq!(names, ["ptrn-1", "ptrn-2", "ptrn-3", "prmt-1"]);
    let one = workspace.run(&["plan", "--json", "ptrn-2"]).exit(0).json();
    assert_eq!(one["nodes"].as_array().unwrap(), &[all["nodes"][1].clone()]);
    let text = workspace.run(&["plan", "ptrn-2", "--quiet"]).exit(0).data();
    assert!(text.starts_with("ptrn-2 (192.168.2.91, amd64): patroni, instance-id ptrn-2\n"), "{text}");
    assert!(text.contains("  listens   etcd: TCP 2379, 2380; no firewall is set up\n"), "{text}");
    for layer in one["nodes"][0]["layers"].as_array().unwrap() {
        let sha256 = layer["artifact"]["sha256"].as_str().unwrap();
        assert!(text.contains(sha256), "{sha256} in {text}");
    }
    let check = workspace.run(&["check", "--json"]).exit(0).stderr(&known).json();
    let warning = |line: &str| serde_json::json!({"severity": "warning", "message": line});
    let lines = known.lines().filter_map(|line| line.strip_prefix("warning: "));
    let mut warnings: Vec<_> = lines.map(warning).collect();
    warnings[0]["help"] = help.into();
    warnings.sort_by_key(|warning| warning["message"].to_string());
    let counts = serde_json::json!({
        "cluster": "patroni", "nodes": 4, "components": 5, "artifacts": 4, "warnings": warnings,
    });
    assert_eq!((&check, &all["warnings"]), (&counts, &counts["warnings"]));
    let count = warnings.len();
    workspace.run(&["check"]).stderr(&format!(
        "{known}patroni: 4 nodes, 5 components, 4 artifacts: no errors, {count} warnings\n"
    ));
    workspace.wrote_nothing();
}

/// What is said of the built-in pins, a line for each problem that they have.
fn known_problems() -> String {
    let pins: Releases = serde_yaml::from_str(RELEASES).unwrap();
    let lines = pins.releases.iter().flat_map(|(name, release)| {
        let known = release.problems.iter().filter_map(|problem| problem.in_version(&release.version));
        known.map(move |known| format!("warning: {name} {}: {}\n", release.version, known.line()))
    });
    lines.collect()
}

#[test]
fn completions_are_scripts_of_their_shells() {
    let workspace = Workspace::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = workspace.run(&["completions", shell]).exit(0).stderr("").data();
        for verb in verbs() {
            assert!(script.contains(&verb), "{shell}: {verb}");
        }
        let parsed = if ["bash", "fish", "zsh"].contains(&shell) { oracle(shell) } else { None };
        if let Some(mut parser) = parsed {
            let file = workspace.path(shell);
            std::fs::write(&file, script).unwrap();
            let output = parser.arg("-n").arg(file).output().unwrap();
            assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// Validates JSON documents against a schema: the schema, then the documents, one a line.
const VALIDATE: &str = "
import json, sys, jsonschema
schema, *documents = [json.loads(line) for line in sys.stdin]
jsonschema.Draft202012Validator.check_schema(schema)
for document in documents:
    jsonschema.Draft202012Validator(schema).validate(document)
";

#[test]
fn schemas_accept_the_files_that_are_built_in() {
    let specs = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/overlays")).unwrap();
    let specs: Vec<_> = specs
        .map(|folder| std::fs::read_to_string(folder.unwrap().path().join("component.yaml")).unwrap())
        .collect();
    let files = [
        ("profile", vec![PROFILE.to_owned()]),
        ("releases", vec![RELEASES.to_owned()]),
        ("component", specs),
    ];
    for (kind, documents) in files {
        let schema = Workspace::new().run(&["schema", kind]).exit(0).stderr("").json();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["additionalProperties"], false, "{kind}");
        let known = schema["properties"].as_object().unwrap();
        let documents: Vec<Value> =
            documents.iter().map(|text| serde_yaml::from_str(text).unwrap()).collect();
        for (document, key) in
            documents.iter().flat_map(|one| one.as_object().unwrap().keys().map(move |key| (one, key)))
        {
            assert!(known.contains_key(key), "{kind}: {key} of {document}");
        }
        for required in schema["required"].as_array().unwrap() {
            assert!(
                documents.iter().all(|one| one.get(required.as_str().unwrap()).is_some()),
                "{kind}: {required}"
            );
        }
        validate(&schema, &documents);
    }
}

fn validate(schema: &Value, documents: &[Value]) {
    let has_library = |python: &&str| {
        let tried = Command::new(python).args(["-c", "import jsonschema"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let Some(python) = ["python3", "/usr/bin/python3"].into_iter().find(has_library) else {
        return skip("a python3 with jsonschema");
    };
    let mut python = Command::new(python);
    let mut python =
        python.args(["-c", VALIDATE]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines: Vec<_> = std::iter::once(schema).chain(documents).map(ToString::to_string).collect();
    python.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn whoever_reads_may_stop() {
    let workspace = Workspace::new();
    for arguments in [
        &["plan", "--json"][..],
        &["schema", "component"],
        &["completions", "bash"],
        &["show", "ptrn-1", "user-data"],
    ] {
        let mut command = workspace.command(arguments);
        let mut run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(run.stdout.take());
        let mut errors = String::new();
        run.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!(run.wait().unwrap().code(), Some(0), "{arguments:?}: {errors}");
        assert!(!errors.contains("error"), "{errors}");
    }
}

#[test]
fn colours_are_for_those_who_want_them() {
    let workspace = Workspace::new().option("--profile", "nowhere");
    for (arguments, variables, coloured) in [
        (&["check"][..], &[][..], false),
        (&["check", "--color", "always"], &[], true),
        (&["check", "--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&["check"], &[("NO_COLOR", "1"), ("TERM", "xterm-256color")], false),
    ] {
        let mut command = workspace.command(arguments);
        for (name, value) in variables {
            command.env(name, value);
        }
        let run = Run::of(&mut command).exit(3);
        assert_eq!(run.errors().contains('\u{1b}'), coloured, "{arguments:?} {variables:?}");
    }
}
