//! Commands, options and scripts in the documents exist.
#![expect(clippy::disallowed_methods, reason = "edge: reads scripts of the checkout")]

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use imgbuild::cli::Cli;

use crate::support::markdown::{Block, Document};
use crate::support::oracle::{oracle, stdout};

#[test]
fn shell_in_the_documents_parses() {
    for document in Document::all() {
        for block in document.blocks().iter().filter(|block| block.language() == "sh") {
            if let Some(mut bash) = oracle("bash") {
                stdout(bash.args(["-n", "-c", &block.text]));
            }
        }
    }
}

#[test]
fn scripts_in_the_documents_exist_and_know_their_options() {
    for document in Document::all() {
        for command in commands(&document) {
            let words: Vec<_> = command.split_whitespace().collect();
            let Some(at) = words.iter().position(|word| word.starts_with("scripts/")) else { continue };
            let script = words[at];
            assert!(root().join(script).exists(), "{}: `{command}`", document.name());
            if script == "scripts/imgbuild" || !root().join(script).is_file() {
                continue;
            }
            let text = script_text(script);
            for option in words[at..].iter().filter_map(|word| word.strip_prefix("--")) {
                assert!(knows(&text, option), "{}: `{command}`: unknown option --{option}", document.name());
            }
        }
    }
}

#[test]
fn commands_and_options_in_the_documents_exist() {
    for document in Document::all() {
        let commands = commands(&document);
        let words = commands.iter().flat_map(|command| command.split_whitespace());
        let scripts: String = words.filter(|word| word.starts_with("scripts/")).map(script_text).collect();
        for command in &commands {
            let command = command.trim_start_matches("scripts/");
            let words: Vec<_> = command.split_whitespace().skip_while(|word| is_assignment(word)).collect();
            let of_script = command.strip_prefix("--").is_some_and(|_| {
                words.iter().filter_map(|word| word.strip_prefix("--")).all(|option| knows(&scripts, option))
            });
            if !of_script && (words.first() == Some(&"imgbuild") || command.starts_with("--")) {
                check(&words, &format!("{}: `{command}`", document.name()));
            }
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A script, with what it reads of scripts/lib; nothing where it is a folder.
fn script_text(script: &str) -> String {
    let text = fs::read_to_string(root().join(script)).unwrap_or_default();
    let parts = text.split("$here/").skip(1).map(|rest| rest.split(['"', ' ', '\n']).next().unwrap());
    let parts = parts.map(|part| fs::read_to_string(root().join("scripts").join(part)).unwrap_or_default());
    let parts: String = parts.collect();
    text + &parts
}

/// Whether a script has the option, by its name or as a default.
fn knows(script: &str, option: &str) -> bool {
    let name = option.trim_end_matches(|c: char| !c.is_ascii_lowercase());
    script.contains(&format!("--{name}")) || script.contains(&format!("[{name}]="))
}

/// Paths of the project, such as `src/cli/{options,verb}.rs`; a capital stands for what the reader has.
#[test]
fn paths_in_the_documents_exist() {
    let roots = ["src/", "tests/", "overlays/", "profiles/", "fuzz/", "benches/", "docs/"];
    for document in Document::all() {
        // A changelog tells of what was, too.
        if document.name() == "CHANGELOG.md" {
            continue;
        }
        for code in document.code() {
            let is_path = roots.iter().any(|root| code.starts_with(root));
            let written = document
                .blocks()
                .iter()
                .any(|block| block.value("file").is_some_and(|file| file.starts_with(&code)));
            if !is_path
                || written
                || code.contains(|c: char| c.is_whitespace() || c.is_ascii_uppercase() || c == '*')
            {
                continue;
            }
            for path in without_braces(&code) {
                assert!(root().join(&path).exists(), "{}: `{code}`: no {path}", document.name());
            }
        }
    }
}

/// Every path that `a/{b,c}.rs` means.
fn without_braces(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let (choices, after) = rest.split_once('}').unwrap();
    choices.split(',').flat_map(|choice| without_braces(&format!("{before}{choice}{after}"))).collect()
}

/// The variables that a command begins with.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

/// What stands between backquotes and in blocks of commands.
fn commands(document: &Document) -> Vec<String> {
    let blocks = document.blocks();
    let typed = blocks.iter().filter(|block| block.language() == "sh").flat_map(Block::commands);
    let shown = blocks.iter().filter(|block| block.language() == "console").flat_map(Block::commands);
    let shown = shown.filter_map(|line| line.strip_prefix("$ ").map(str::to_owned));
    document.code().into_iter().chain(typed).chain(shown).collect()
}

#[track_caller]
fn check(words: &[&str], place: &str) {
    let mut clap = Cli::command();
    clap.build();
    let verb = words.get(1).and_then(|word| clap.find_subcommand(word)).unwrap_or(&clap);
    let change = words.get(2).and_then(|word| verb.find_subcommand(word)).unwrap_or(verb);
    // Without its verb, an option may be any one's.
    let verbs = clap.get_subcommands().filter(|_| words[0] != "imgbuild");
    let arguments: Vec<_> =
        verbs.chain([verb, change, &clap]).flat_map(clap::Command::get_arguments).collect();
    for option in words.iter().filter_map(|word| word.strip_prefix("--")) {
        let name = option.split(['=', '"', ')']).next().unwrap();
        let known = arguments.iter().filter_map(|argument| argument.get_long()).any(|long| name == long);
        assert!(known, "{place}: unknown option --{name}");
    }
    if words[0] == "imgbuild" && words.len() > 1 && verb.get_name() == clap.get_name() {
        let nodes = include_str!("../../profiles/patroni.yaml");
        let is_node = nodes.contains(&format!("name: {},", words[1]));
        let known = is_node || words[1].starts_with('-') || ["NODE", "NODE..."].contains(&words[1]);
        assert!(known, "{place}: neither a command nor a node");
    }
}
