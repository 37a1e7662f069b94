//! One verb a file: what was typed becomes settings, the engine does the work, the console prints what came of it.

mod boot;
mod build;
mod bundle;
mod check;
mod diff;
mod fetch;
mod inspect;
mod lock;
mod member;
mod nodes;
mod pin;
mod plan;
mod sbom;
mod schema;
mod serve;
mod show;
mod verify;

use std::ffi::OsString;
use std::io;

use clap::CommandFactory as _;

use crate::cli::{self, Cli, Command};
use crate::component::Change;
use crate::escape::escaped;
pub use crate::failure::Exit;
use crate::failure::Failure;
pub use crate::machine::become_leashed;
use crate::settings::{Environment, Trust, listen_address};
use crate::terminal::Console;

/// Does what was typed, in this environment.
pub fn run(typed: impl IntoIterator<Item = OsString>, environment: Environment<'_>) -> Exit {
    let typed: Vec<_> = typed.into_iter().collect();
    let cli = match cli::parse(typed.iter().cloned()) {
        Ok(cli) => cli,
        Err(error) => return misread(&error, &typed),
    };
    let console = Console::new(&cli.speaking);
    match done(cli, environment, &console) {
        Ok(exit) => exit,
        Err(failure) if is_broken_pipe(&failure) => Exit::Done,
        Err(failure) => {
            console.failure(&failure);
            failure.exit()
        }
    }
}

fn done(cli: Cli, environment: Environment<'_>, console: &Console) -> Result<Exit, Failure> {
    let Cli { command, nodes, all, reprovision, building, speaking: _ } = cli;
    if command.is_some() && (all || reprovision || !nodes.is_empty()) {
        return Err(Failure::Usage {
            message: "expected nodes or a command, got both".to_owned(),
            help: "`imgbuild build NODE...` builds nodes".to_owned(),
        });
    }
    if all && !nodes.is_empty() {
        return Err(Failure::Usage {
            message: "expected nodes or `--all`, got both".to_owned(),
            help: "`imgbuild NODE...` builds nodes, `imgbuild --all` every one".to_owned(),
        });
    }
    match command.unwrap_or(Command::Build { nodes, all, reprovision, building }) {
        Command::Build { nodes, all, reprovision, building } => {
            let request = build::Request { nodes, all, reprovision, building };
            build::run(request, environment, console)
        }
        Command::Check { strangers, building } => check::run(&strangers, building, environment, console),
        Command::Plan { nodes, building, all: _ } => plan::run(nodes, building, environment, console),
        Command::Diff { nodes, building, all: _ } => return diff::run(nodes, building, environment, console),
        Command::Fetch { names, inputs, fetching } => {
            fetch::run(&names, inputs, fetching, environment, console)
        }
        Command::Replace { node, confirmed, building } => {
            let wanted = member::Wanted { change: Change::Replace, node, confirmed, building };
            member::run(wanted, environment, console)
        }
        Command::Member { change } => {
            let (change, node, building) = change.into_parts();
            let wanted = member::Wanted { change, node, confirmed: false, building };
            member::run(wanted, environment, console)
        }
        Command::Show { node, file, building } => show::run(&node, &file, building, environment, console),
        Command::Lock(args) => lock::run(args, environment, console),
        Command::Pin(args) => pin::run(args, environment, console),
        Command::Sbom(args) => sbom::run(args, environment, console),
        Command::Boot(args) => boot::run(args, environment, console),
        Command::Serve { listen, url, private, out } => {
            serve::run(listen_address(listen, url.as_deref())?, private, &out.out, console)
        }
        Command::Bundle(args) => bundle::run(args, environment, console),
        Command::Verify { path, key, not_before } => {
            verify::run(&path, key.map(|key| Trust { key, not_before }).as_ref(), console)
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
        let failure = Failure::Usage { message: message.to_owned(), help: "see `--help`".to_owned() };
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
