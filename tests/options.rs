//! Which options a command takes, which of them agree, and what the environment adds: the same for all verbs.

use clap::CommandFactory as _;
use imgbuild::cli::Cli;
use serde_json::{Value, json};

use super::support::workspace::{Run, Workspace};

const PROFILE: &str = include_str!("../profiles/patroni.yaml");

/// The verbs that say beforehand what a build does, and the build.
const ALIKE: [&[&str]; 4] = [&["check"], &["plan"], &["diff"], &["build", "--all"]];

#[test]
fn option_sets_that_a_build_refuses_are_refused_by_check_and_plan() {
    let workspace = Workspace::new().file("cluster.bundle", "");
    for (options, message) in [
        (&["--delivery", "http"][..], "`--delivery http` is missing `--url`"),
        (&["--url", "http://h:1"], "unexpected `--url` without `--delivery http`"),
        (&["--url", "nonsense"], "unexpected `--url` without `--delivery http`"),
        (&["--delivery", "http", "--url", "nonsense"], "not a valid http or https URL"),
        (&["--delivery", "http", "--url", "ftp://h"], "not a valid http or https URL"),
        (&["--delivery", "http", "--url", "http://ann:s3cret@h"], "not a valid http or https URL"),
        (&["--delivery", "http", "--url", "http://h/?a"], "not a valid http or https URL"),
        (&["--delivery", "shared", "--url", "http://h"], "unexpected `--url` without `--delivery http`"),
        (&["--mirror", "ftp://x"], "--mirror: "),
        (&["--mirror", "http://"], "--mirror: "),
        (&["--delivery", "download", "--format", "sysext"], "cannot be combined with `--delivery download`"),
        (&["--delivery", "download", "--mirror", "/srv/mirror"], "which is not possible with this one"),
        (&["--delivery", "download", "--mirror", "http://a:b@h"], "which is not possible with this one"),
        (&["--bundle", "cluster.bundle", "--profile", "p"], "--bundle cannot be combined with --profile"),
        (&["--bundle", "cluster.bundle", "--releases", "p"], "--bundle cannot be combined with --releases"),
        (&["--bundle", "cluster.bundle", "--overlays", "p"], "--bundle cannot be combined with --overlays"),
        (
            &["--bundle", "cluster.bundle", "--mirror", "http://h"],
            "--bundle cannot be combined with --mirror",
        ),
        (&["--arch", "mips"], "invalid value 'mips'"),
        (&["--source-date-epoch", "yesterday"], "SOURCE_DATE_EPOCH is a number"),
    ] {
        for verb in ALIKE {
            let run = workspace.run(&[verb, options].concat()).exit(2).stdout("").hides("s3cret");
            run.says(&["error: ", message]);
            let json = workspace.run(&[options, verb, &["--json"]].concat()).exit(2).json();
            assert_eq!((&json["exit"], &json["errors"][0]["severity"]), (&json!(2), &json!("error")));
            let told = json["errors"][0]["message"].as_str().unwrap();
            assert!(told.contains(message), "{verb:?} {options:?}: {told}");
        }
    }
    workspace.wrote_nothing();
}

#[test]
fn an_environment_that_a_build_refuses_is_refused_by_check_and_plan() {
    let workspace = Workspace::new();
    for (name, value, message) in [
        (
            "HTTPS_PROXY",
            Some("socks5://h:1"),
            "the environment variable `HTTPS_PROXY` is not a valid proxy address",
        ),
        (
            "XDG_CACHE_HOME",
            None,
            "failed to find a folder for the store: neither XDG_CACHE_HOME nor HOME is set",
        ),
        ("IMGBUILD_DELIVERY", Some("http"), "`--delivery http` is missing `--url`"),
        ("IMGBUILD_MIRROR", Some("ftp://x"), "--mirror: "),
    ] {
        for verb in ALIKE {
            let mut command = workspace.command(verb);
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name).env_remove("HOME"),
            };
            Run::of(&mut command).exit(2).stdout("").says(&["error: ", message]);
        }
    }
    let mut command = workspace.command(&["show", "ptrn-1", "meta-data"]);
    Run::of(command.env_remove("XDG_CACHE_HOME").env_remove("HOME")).exit(0);
    workspace.wrote_nothing();
}

#[test]
fn a_node_called_as_the_folder_of_layers_is_refused_by_all() {
    let workspace = Workspace::new().profile(PROFILE.replace("ptrn-2", "layers"));
    for verb in ALIKE {
        let http = ["--delivery", "http", "--url", "http://h"];
        workspace.run(&[verb, &http].concat()).exit(2).stdout("").says(&["invalid node name `layers`"]);
    }
}

#[test]
fn what_a_build_warns_of_is_said_beforehand() {
    let workspace = Workspace::with_releases();
    let warnings = ["nobody can log in: `vasya`", "prmt-1: alerts are not sent to Telegram"];
    for verb in [&["check"][..], &["plan"], &["prmt-1"]] {
        workspace.run(verb).exit(0).says(&warnings);
    }
    for verb in ["check", "plan"] {
        let json = workspace.run(&[verb, "--json"]).exit(0).json();
        let messages: Vec<_> =
            json["warnings"].as_array().unwrap().iter().map(|one| &one["message"]).collect();
        for warning in warnings {
            assert!(
                messages.iter().any(|message| message.as_str().unwrap().contains(warning)),
                "{messages:?}"
            );
        }
    }
}

#[test]
fn verbs_take_the_options_that_mean_something_to_them() {
    let inputs = ["profile", "overlays", "releases", "arch", "bundle"];
    let fetching = ["store", "mirror", "offline"];
    let delivering = ["delivery", "format", "url", "source-date-epoch"];
    let built = [&inputs[..], &fetching, &delivering, &["out", "secrets"]].concat();
    for verb in Cli::command().get_subcommands() {
        let expected = match verb.get_name() {
            "build" | "check" | "plan" | "diff" | "replace" | "show" => built.clone(),
            "sbom" => [&inputs[..], &fetching, &delivering].concat(),
            "fetch" | "pin" | "lock" => [&inputs[..], &fetching].concat(),
            "bundle" => [&inputs[..], &fetching, &["secrets"]].concat(),
            "boot" => [&inputs[..], &["out"]].concat(),
            "serve" => vec!["out", "url"],
            _ => vec![],
        };
        for option in &built {
            let takes = verb.get_arguments().any(|one| one.get_long() == Some(option));
            assert_eq!(takes, expected.contains(option), "{} --{option}", verb.get_name());
        }
    }
    let workspace = Workspace::new();
    for arguments in [
        &["schema", "profile", "--offline"][..],
        &["--mirror", "m", "schema", "profile"],
        &["verify", "out", "--store", "s"],
        &["--profile", "p", "inspect", "out"],
        &["completions", "bash", "--out", "o"],
        &["serve", "--secrets", "s"],
    ] {
        workspace.run(arguments).exit(2).stdout("").says(&["unexpected argument"]);
    }
}

#[test]
fn options_stand_before_a_verb_and_after_it() {
    let workspace = Workspace::new().file("mine.yaml", PROFILE.replace("cluster: patroni", "cluster: mine"));
    for arguments in [
        &["check", "--json", "--quiet", "--profile", "mine.yaml"][..],
        &["--json", "--quiet", "--profile", "mine.yaml", "check"],
        &["--profile=mine.yaml", "-q", "check", "--json"],
        &["--profile", "mine.yaml", "--json", "check", "-q"],
    ] {
        let json = workspace.run(arguments).exit(0).json();
        assert_eq!(json["cluster"], "mine", "{arguments:?}");
    }
}

#[test]
fn variables_that_are_empty_are_as_if_unset() {
    let workspace = Workspace::new();
    let variables = variables(&Cli::command());
    assert!(variables.len() > 15 && variables.contains(&"SOURCE_DATE_EPOCH".to_owned()), "{variables:?}");
    let with = |arguments: &[&str], names: &[String]| {
        let mut command = workspace.command(arguments);
        command.envs(names.iter().map(|name| (name, "")));
        Run::of(&mut command)
    };
    let expected = workspace.run(&["plan", "--json"]).exit(0).data();
    for name in &variables {
        with(&["plan", "--json"], std::slice::from_ref(name)).exit(0).stdout(&expected);
    }
    with(&["plan", "--json"], &variables).exit(0).stdout(&expected);
    with(&["pin", "--check"], &variables).exit(0);
    with(&["build"], &variables).exit(2).says(&["<NODE>"]);
}

/// The variables that stand for options, of a command and all below it.
fn variables(command: &clap::Command) -> Vec<String> {
    let own =
        command.get_arguments().filter_map(clap::Arg::get_env).map(|name| name.to_str().unwrap().to_owned());
    let mut all: Vec<_> = own.chain(command.get_subcommands().flat_map(variables)).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn errors_are_json_for_those_who_ask_for_json() {
    let workspace = Workspace::new().profile(PROFILE.replace("roles: [patroni]", "roles: [patron]"));
    for verb in [&["check"][..], &["plan"], &["diff"], &["ptrn-1"], &["show", "ptrn-1", "meta-data"]] {
        let run =
            workspace.run(&[verb, &["--json"]].concat()).exit(3).says(&["error: unknown role `patron`"]);
        let json = run.json();
        let errors = json["errors"].as_array().unwrap();
        assert_eq!((&json["exit"], errors.len()), (&json!(3), 3), "{verb:?}");
        let place = &errors[0]["places"][0];
        assert_eq!(
            (&place["file"], &place["label"]),
            (&json!("profile.yaml"), &json!("did you mean `patroni`?"))
        );
        assert!(
            place["line"].is_u64() && place["column"].is_u64() && errors[0]["help"].is_string(),
            "{place}"
        );
    }
    let json: Value = workspace.run(&["verify", "nowhere", "--json"]).exit(1).json();
    assert!(json["errors"][0]["message"].as_str().unwrap().contains("nowhere"), "{json}");
}
