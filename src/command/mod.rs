//! One verb per file: reads the inputs, calls the rooms in order, prints.

mod boot;
pub(crate) mod build;
mod bundle;
mod check;
mod diff;
mod fetch;
mod inspect;
mod member;
mod options;
mod pin;
mod plan;
mod sbom;
mod schema;
pub(crate) mod select;
mod serve;
mod show;
pub(crate) mod verify;

use std::ffi::OsString;
use std::io;

use clap::CommandFactory as _;

use crate::cli::{self, Cli, Command};
use crate::component::Change;
use crate::escape::escaped;
pub use crate::failure::Exit;
use crate::failure::Failure;
use crate::terminal::Console;

/// Does what was typed.
pub fn run(typed: impl IntoIterator<Item = OsString>) -> Exit {
    let typed: Vec<_> = typed.into_iter().collect();
    let cli = match cli::parse(typed.iter().cloned()) {
        Ok(cli) => cli,
        Err(error) => return misread(&error, &typed),
    };
    let console = Console::new(&cli.speaking);
    match done(cli, &console) {
        Ok(exit) => exit,
        Err(failure) if is_broken_pipe(&failure) => Exit::Done,
        Err(failure) => {
            console.failure(&failure);
            failure.exit()
        }
    }
}

fn done(cli: Cli, console: &Console) -> Result<Exit, Failure> {
    let Cli { command, nodes, all, reprovision, building, speaking: _ } = cli;
    if command.is_some() && (all || reprovision || !nodes.is_empty()) {
        return Err(Failure::Usage {
            message: "nodes and a command, where one of them is expected".to_owned(),
            help: "`imgbuild build NODE...` builds nodes".to_owned(),
        });
    }
    if all && !nodes.is_empty() {
        return Err(Failure::Usage {
            message: "nodes and `--all`, where one of them is expected".to_owned(),
            help: "`imgbuild NODE...` builds nodes, `imgbuild --all` every one".to_owned(),
        });
    }
    let command = command.unwrap_or(Command::Build { nodes, all, reprovision, building });
    let options = command.options();
    options::check(&options)?;
    match command {
        Command::Build { nodes, all, reprovision, .. } => {
            build::run(&nodes, all, reprovision, &options, console)
        }
        Command::Check { strangers, .. } => check::run(&strangers, &options, console),
        Command::Plan { nodes, .. } => plan::run(&nodes, &options, console),
        Command::Diff { nodes, .. } => return diff::run(&nodes, &options, console),
        Command::Fetch { names, .. } => fetch::run(&names, &options, console),
        Command::Replace { node, confirmed, .. } => {
            member::run(Change::Replace, &node, confirmed, &options, console)
        }
        Command::Member { change } => {
            let (change, node) = change.into_parts();
            member::run(change, &node, false, &options, console)
        }
        Command::Show { node, file, .. } => show::run(&node, &file, &options, console),
        Command::Pin(args) => pin::run(&args, &options, console),
        Command::Sbom { node, .. } => sbom::run(&node, &options, console),
        Command::Boot { nodes, base, accelerator, .. } => {
            boot::run(&nodes, &base, accelerator, &options, console)
        }
        Command::Serve { listen, url, private, .. } => {
            serve::run(serve::address(listen, url.as_deref())?, private, &options, console)
        }
        Command::Bundle(wanted) => bundle::run(&wanted, &options, console),
        Command::Verify { path, key, not_before } => {
            verify::run(&path, (key.as_deref(), not_before), console)
        }
        Command::Inspect { path } => inspect::run(&path, console),
        Command::Schema { kind } => schema::run(kind),
        Command::Completions { shell } => completions(shell),
    }?;
    Ok(Exit::Done)
}

/// A command line that clap does not understand, or that asks for help.
fn misread(error: &clap::Error, typed: &[OsString]) -> Exit {
    let text = error.to_string();
    // Nobody is left to tell when the stream is gone. What was typed may be names of files, which others can choose.
    let is_plain = |text: &str| escaped(text) == text;
    if is_plain(&text) && typed.iter().all(|word| is_plain(&word.to_string_lossy())) {
        let _ = error.print();
    } else {
        Console::complain(&text);
    }
    if !error.use_stderr() {
        return Exit::Done;
    }
    if typed.iter().any(|word| word == "--json") {
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let failure = Failure::Usage { message: message.to_owned(), help: "`--help` says more".to_owned() };
        let _ = Console::line_json(&failure.json());
    }
    Exit::Usage
}

fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "imgbuild", &mut script);
    Ok(Console::data(script)?)
}

/// Whoever reads the data may stop when they have seen enough.
fn is_broken_pipe(failure: &Failure) -> bool {
    let Failure::Other(error) = failure else { return false };
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
