//! docs/reference/command-line.md is made of what clap knows of the command line; `UPDATE_GOLDEN=1` renews it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};
use imgbuild::cli::Cli;

use crate::support::golden::assert_page;

const HEAD: &str = "\
# Command line

Options may stand before or after the command. `imgbuild help COMMAND` prints the same for one command, and
`imgbuild completions SHELL` prints a completion script.

<!-- Generated: `UPDATE_GOLDEN=1 cargo test command_line` renews this page. -->

Variables of the environment: [environment.md](environment.md). Exit codes: [exit-codes.md](exit-codes.md).
";

const SHARED: &str = "Options of several commands";

#[test]
fn the_page_of_the_command_line_is_what_clap_knows() {
    let mut clap = Cli::command();
    clap.build();
    let verbs: Vec<_> = verbs(&clap).collect();
    let shared = shared(&verbs);
    let mut page = HEAD.to_owned();
    page += "\n## Commands\n\n| command | |\n|---|---|\n| [`imgbuild NODE...`](#imgbuild) | Build nodes |\n";
    for verb in &verbs {
        writeln!(page, "| [`{}`](#{}) | {} |", called(verb), anchor(verb), about(verb)).unwrap();
    }
    page += &section(&clap, "", &shared);
    for verb in &verbs {
        page += &section(verb, &called(verb), &shared);
    }
    write!(page, "\n## {SHARED}\n\n{}", table(shared.values().copied())).unwrap();
    assert_page("docs/reference/command-line.md", &page);
}

/// The commands, each of those that have commands of their own followed by them.
fn verbs(clap: &Command) -> impl Iterator<Item = &Command> {
    let own = |verb: &'_ Command| !verb.is_hide_set() && verb.get_name() != "help";
    let verbs = clap.get_subcommands().filter(move |verb| own(verb));
    verbs.flat_map(move |verb| [verb].into_iter().chain(verb.get_subcommands().filter(move |verb| own(verb))))
}

fn called(verb: &Command) -> String {
    verb.get_bin_name().unwrap_or_default().to_owned()
}

fn anchor(verb: &Command) -> String {
    called(verb).replace(' ', "-")
}

fn about(verb: &Command) -> String {
    verb.get_about().map(ToString::to_string).unwrap_or_default()
}

/// The options that mean the same in several commands, by name and meaning.
fn shared<'a>(verbs: &[&'a Command]) -> BTreeMap<String, &'a Arg> {
    let mut takers: BTreeMap<String, Vec<&Arg>> = BTreeMap::new();
    for argument in verbs.iter().flat_map(|verb| options(verb)) {
        takers.entry(meaning(argument)).or_default().push(argument);
    }
    takers.into_iter().filter(|(_, takers)| takers.len() > 2).map(|(key, takers)| (key, takers[0])).collect()
}

fn meaning(argument: &Arg) -> String {
    format!("{} {}", argument.get_long().unwrap_or_default(), text(argument))
}

fn options(verb: &Command) -> impl Iterator<Item = &Arg> {
    let known = ["help", "version"];
    let shown =
        move |argument: &&Arg| !argument.is_hide_set() && !known.contains(&argument.get_id().as_str());
    verb.get_arguments().filter(shown).filter(|argument| !argument.is_positional())
}

fn section(verb: &Command, name: &str, shared: &BTreeMap<String, &Arg>) -> String {
    let title = if name.is_empty() { "imgbuild" } else { name };
    let mut text = format!("\n## {title}\n\n");
    let long = verb.get_long_about().map_or_else(|| about(verb), ToString::to_string);
    for paragraph in long.split("\n\n") {
        writeln!(text, "{}\n", wrapped(&end(paragraph))).unwrap();
    }
    let usage = verb.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").lines().map(str::trim).collect::<Vec<_>>().join("\n");
    write!(text, "```text\n{usage}\n```\n").unwrap();
    let positional: Vec<_> = verb.get_positionals().filter(|argument| !argument.is_hide_set()).collect();
    let own = options(verb).filter(|argument| !shared.contains_key(&meaning(argument)));
    let listed: Vec<_> = positional.into_iter().chain(own).collect();
    if !listed.is_empty() {
        write!(text, "\n{}", table(listed)).unwrap();
    }
    let also: Vec<_> = options(verb).filter(|argument| shared.contains_key(&meaning(argument))).collect();
    if !also.is_empty() {
        let names: Vec<_> = also.iter().map(|argument| format!("`{}`", long_name(argument))).collect();
        let anchor = SHARED.to_lowercase().replace(' ', "-");
        let sentence = format!("Also takes {}: [{}](#{anchor}).", names.join(", "), SHARED.to_lowercase());
        writeln!(text, "\n{}", wrapped(&sentence)).unwrap();
    }
    text
}

fn long_name(argument: &Arg) -> String {
    argument.get_long().map_or_else(|| argument.get_id().to_string(), |long| format!("--{long}"))
}

fn table<'a>(arguments: impl IntoIterator<Item = &'a Arg>) -> String {
    let mut text = "| argument or option | | variable | default |\n|---|---|---|---|\n".to_owned();
    for argument in arguments {
        let mut cells = vec![format!("`{}`", name(argument)), explained(argument)];
        cells.push(
            argument.get_env().map_or_else(String::new, |name| format!("`{}`", name.to_string_lossy())),
        );
        let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned());
        let defaults: Vec<_> = defaults.filter(|value| value != "false").collect();
        cells.push(if defaults.is_empty() { String::new() } else { format!("`{}`", defaults.join(" ")) });
        let cell = |cell: &String| {
            if cell.is_empty() { " |".to_owned() } else { format!(" {} |", cell.replace('|', "\\|")) }
        };
        writeln!(text, "|{}", cells.iter().map(cell).collect::<String>()).unwrap();
    }
    text
}

/// As the usage has it: `-o, --output <FILE>`, `NODE...`.
fn name(argument: &Arg) -> String {
    let value = argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string);
    let value: Vec<_> = value.collect();
    let takes = argument.get_action().takes_values();
    if argument.is_positional() {
        let many = argument.get_num_args().is_some_and(|range| range.max_values() > 1);
        return format!("{}{}", value.join(" "), if many { "..." } else { "" });
    }
    let short = argument.get_short().map_or_else(String::new, |short| format!("-{short}, "));
    let value = if takes { format!(" <{}>", value.join(" ")) } else { String::new() };
    format!("{short}--{}{value}", argument.get_long().unwrap_or_default())
}

fn text(argument: &Arg) -> String {
    argument.get_long_help().or_else(|| argument.get_help()).map(ToString::to_string).unwrap_or_default()
}

/// What it means, and its values where they are few.
fn explained(argument: &Arg) -> String {
    let values = argument.get_possible_values();
    let values = values.iter().filter(|value| !value.is_hide_set() && argument.get_action().takes_values());
    let values: Vec<_> = values
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({})", value.get_name(), small(&help.to_string())),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    let text = text(argument).replace('\n', " ");
    if values.is_empty() { text } else { format!("{text}: {}", values.join(", ")) }
}

/// A text as it goes on within a sentence.
fn small(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// A sentence with its full stop.
fn end(text: &str) -> String {
    if text.ends_with(['.', ':']) { text.to_owned() } else { format!("{text}.") }
}

/// The text in lines that fit a screen.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= 118 {
            line.extend([" ", word]);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}
