//! One verb per file: reads the inputs, calls the rooms in order, prints.

mod boot;
mod build;
mod builtin;
mod bundle;
mod bundled;
mod check;
mod console;
mod delivery;
mod diff;
mod documents;
mod failure;
mod fetch;
mod inputs;
mod inspect;
mod instances;
mod layers;
mod password;
mod pin;
mod plan;
mod problems;
mod publish;
mod rendered;
mod replace;
mod sbom;
mod schema;
mod secrets;
mod select;
mod serve;
mod show;
mod verify;

use std::io;

use clap::CommandFactory as _;

use crate::cli::{Cli, Command};
use console::Console;
pub use failure::Exit;
use failure::Failure;

/// Does what was typed.
pub fn run(cli: Cli) -> Exit {
    let console = Console::new(&cli.options);
    let Cli { command, nodes, all, reprovision, options } = cli;
    let done = match command {
        Some(_) if all || reprovision || !nodes.is_empty() => Err(Failure::Usage {
            message: "nodes and a command, where one of them is expected".to_owned(),
            help: "`imgbuild build NODE...` builds nodes".to_owned(),
        }),
        None if all && !nodes.is_empty() => Err(Failure::Usage {
            message: "nodes and `--all`, where one of them is expected".to_owned(),
            help: "`imgbuild NODE...` builds nodes, `imgbuild --all` every one".to_owned(),
        }),
        None => build::run(&nodes, all, reprovision, &options, &console),
        Some(Command::Build { nodes, all, reprovision }) => {
            build::run(&nodes, all, reprovision, &options, &console)
        }
        Some(Command::Check) => check::run(&options, &console),
        Some(Command::Plan { nodes }) => plan::run(&nodes, &options, &console),
        Some(Command::Diff { nodes }) => match diff::run(&nodes, &options, &console) {
            Ok(exit) => return exit,
            Err(failure) => Err(failure),
        },
        Some(Command::Fetch { names }) => fetch::run(&names, &options, &console),
        Some(Command::Replace { node, confirmed }) => replace::run(&node, confirmed, &options, &console),
        Some(Command::Show { node, file }) => show::run(&node, &file, &options, &console),
        Some(Command::Pin(args)) => pin::run(&args, &options, &console),
        Some(Command::Sbom { node }) => sbom::run(&node, &options, &console),
        Some(Command::Boot { nodes, base, accelerator }) => {
            boot::run(&nodes, &base, accelerator, &options, &console)
        }
        Some(Command::Serve { listen, private }) => serve::run(listen, private, &options, &console),
        Some(Command::Bundle(wanted)) => bundle::run(&wanted, &options, &console),
        Some(Command::Verify { path, key }) => verify::run(&path, key.as_deref(), &console),
        Some(Command::Inspect { path }) => inspect::run(&path, &console),
        Some(Command::Schema { kind }) => schema::run(kind),
        Some(Command::Completions { shell }) => completions(shell),
    };
    match done {
        Ok(()) => Exit::Done,
        Err(failure) if is_broken_pipe(&failure) => Exit::Done,
        Err(failure) => {
            console.failure(&failure);
            failure.exit()
        }
    }
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
