//! What was typed: the command line and its environment equivalents, nothing resolved.

mod arguments;
mod bundle;
mod lock;
mod member;
mod options;
mod pin;
mod values;
mod verb;

use clap::Parser;

pub use arguments::parse;
pub use bundle::BundleArgs;
pub use lock::LockArgs;
pub use member::MemberCommand;
pub use options::{Building, Color, Delivering, Fetching, Inputs, Out, SecretsFile, Speaking};
pub use pin::PinArgs;
pub use verb::{BootArgs, Command, SbomArgs, SchemaKind};

/// Builds everything that the VMs of a cluster need to configure themselves on first boot.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
#[command(
    override_usage = "imgbuild [OPTIONS] NODE...\n       imgbuild [OPTIONS] --all\n       imgbuild [OPTIONS] COMMAND"
)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 invalid input, 4 integrity, 5 network, 6 differs."
)]
pub struct Cli {
    /// What to do; without it, the nodes that are named are built.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The nodes to build.
    #[arg(value_name = "NODE")]
    pub nodes: Vec<String>,
    /// Build every node of the profile.
    #[arg(long)]
    pub all: bool,
    /// Give the nodes a new instance-id: cloud-init repeats what it does once per instance.
    #[arg(long)]
    pub reprovision: bool,
    /// What a build goes by, where no command is named.
    #[command(flatten)]
    pub building: Building,
    /// How every command speaks.
    #[command(flatten)]
    pub speaking: Speaking,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
