//! The command line and the environment as clap is to see them.
#![expect(clippy::disallowed_methods, reason = "edge: an empty variable of the environment is as if unset")]

use std::env;
use std::ffi::OsString;

use clap::builder::Resettable;
use clap::error::Result;
use clap::{Arg, ArgAction, Command, CommandFactory as _, FromArgMatches as _};

use super::Cli;

/// Reads what was typed, and what the environment says where nothing was.
pub fn parse(typed: impl IntoIterator<Item = OsString>) -> Result<Cli> {
    let command = without_empty_variables(Cli::command());
    let typed = verb_first(typed.into_iter().collect(), &command);
    Cli::from_arg_matches(&command.try_get_matches_from(typed)?)
}

/// A variable that is set to nothing is as if it were not set: that is how pipelines leave out an option.
fn without_empty_variables(command: Command) -> Command {
    let is_empty = |arg: &Arg| arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    let command = command.mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg });
    command.mut_subcommands(without_empty_variables)
}

/// The verb before the options that were typed before it. Each verb has its own options, so that clap knows which of
/// them mean nothing to it, and people write them on both sides.
fn verb_first(mut typed: Vec<OsString>, command: &Command) -> Vec<OsString> {
    let mut at = 1;
    while let Some(word) = typed.get(at).and_then(|word| word.to_str()) {
        if command.find_subcommand(word).is_some() {
            typed[1..=at].rotate_right(1);
            return typed;
        }
        let Some(option) = option(word, command) else { return typed };
        let takes_next = matches!(option.get_action(), ArgAction::Set | ArgAction::Append);
        at += if takes_next && !word.contains('=') { 2 } else { 1 };
    }
    typed
}

/// The option that a word is, if it is accepted on either side of a verb.
fn option<'a>(word: &str, command: &'a Command) -> Option<&'a Arg> {
    let name = word.strip_prefix('-')?;
    let is_it = |arg: &&Arg| match name.strip_prefix('-') {
        Some(long) => arg.get_long() == Some(long.split('=').next().unwrap_or(long)),
        None => arg.get_short().is_some_and(|short| name == short.to_string()),
    };
    let of_nodes = |arg: &&Arg| ["all", "reprovision"].contains(&arg.get_id().as_str());
    command.get_arguments().filter(|arg| !of_nodes(arg)).find(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_on_either_side_of_a_verb() {
        for (typed, expected) in [
            ("--out a check --json", "check --out a --json"),
            ("--out=a -q --offline plan n", "plan --out=a -q --offline n"),
            ("--out check --json", "--out check --json"),
            ("--out check diff", "diff --out check"),
            ("check --out a", "check --out a"),
            ("n --out a check", "n --out a check"),
            ("--all check", "--all check"),
            ("--help check", "--help check"),
            ("--bogus check", "--bogus check"),
            ("-- check", "-- check"),
            ("--out", "--out"),
            ("", ""),
        ] {
            let words = |text: &str| -> Vec<OsString> {
                std::iter::once("imgbuild").chain(text.split_whitespace()).map(Into::into).collect()
            };
            assert_eq!(verb_first(words(typed), &Cli::command()), words(expected), "{typed}");
        }
    }
}
