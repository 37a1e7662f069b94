//! What was typed: the command line and its environment equivalents, nothing resolved.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::machine::Accelerator;
use crate::output::Delivery;
use crate::release::Arch;

/// Builds everything that the VMs of a cluster need to configure themselves on first boot.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, disable_help_subcommand = true)]
#[command(
    override_usage = "imgbuild [OPTIONS] NODE...\n       imgbuild [OPTIONS] --all\n       imgbuild [OPTIONS] COMMAND"
)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 invalid input, 4 integrity, 5 network.")]
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
    /// Options that every command has.
    #[command(flatten)]
    pub options: Options,
}

/// A verb.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build nodes, also those whose names are verbs
    Build {
        /// The nodes to build.
        #[arg(value_name = "NODE", required_unless_present = "all")]
        nodes: Vec<String>,
        /// Build every node of the profile.
        #[arg(long, conflicts_with = "nodes")]
        all: bool,
    },
    /// Check profile, pins, components and templates; fetches and writes nothing
    Check,
    /// Say what a build would do
    Plan {
        /// The nodes to plan; all by default.
        #[arg(value_name = "NODE")]
        nodes: Vec<String>,
    },
    /// Fill the store with every artifact that the profile needs
    Fetch,
    /// Print a document of a node, or a file of its overlay, without fetching anything
    Show {
        /// The node.
        node: String,
        /// `user-data`, `meta-data`, `network-config`, or a path in the guest such as /etc/hosts.
        file: String,
    },
    /// Boot built nodes as virtual machines in QEMU, their network joined, and print each verdict as it comes
    Boot {
        /// The nodes to boot, built before.
        #[arg(value_name = "NODE", required = true)]
        nodes: Vec<String>,
        /// A cloud image of Ubuntu 24.04, or of another system with cloud-init; it is not written to.
        #[arg(long, value_name = "IMAGE")]
        base: PathBuf,
        /// How the machines run; KVM where it can be used, else in software.
        #[arg(long, value_name = "NAME")]
        accelerator: Option<Accelerator>,
    },
    /// Answer over HTTP for the outputs: what `--delivery http` needs, and what `overlay_urls` can name
    Serve {
        /// The address and port to listen on.
        #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:8080")]
        listen: SocketAddr,
        /// Serve documents that hold secrets too, unencrypted and to whoever asks.
        #[arg(long)]
        private: bool,
    },
    /// Print the JSON schema of a file that people write
    Schema {
        /// Which file.
        kind: SchemaKind,
    },
    /// Print a completion script
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// A file that people write.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SchemaKind {
    /// The profile.
    Profile,
    /// component.yaml.
    Component,
    /// The pins file.
    Releases,
}

/// Options that every command has.
#[derive(Args, Debug)]
pub struct Options {
    /// The profile; the built-in one by default.
    #[arg(long, value_name = "FILE", env = "IMGBUILD_PROFILE", global = true)]
    pub profile: Option<PathBuf>,
    /// A folder of components, which go before built-in ones of the same name.
    #[arg(long, value_name = "DIR", env = "IMGBUILD_OVERLAYS", global = true)]
    pub overlays: Option<PathBuf>,
    /// The pins; the built-in ones by default.
    #[arg(long, value_name = "FILE", env = "IMGBUILD_RELEASES", global = true)]
    pub releases: Option<PathBuf>,
    /// Where the nodes' folders are written.
    #[arg(long, value_name = "DIR", env = "IMGBUILD_OUT", default_value = "out", global = true)]
    pub out: PathBuf,
    /// Where verified artifacts and finished layers are kept; by default in the user's cache folder.
    #[arg(long, value_name = "DIR", env = "IMGBUILD_STORE", global = true)]
    pub store: Option<PathBuf>,
    /// Where secrets are read from, and kept when they are generated.
    #[arg(
        long,
        value_name = "FILE",
        env = "IMGBUILD_SECRETS",
        default_value = "secrets.yaml",
        global = true
    )]
    pub secrets: PathBuf,
    /// The architecture of all nodes, whatever the profile says.
    #[arg(long, env = "IMGBUILD_ARCH", global = true)]
    pub arch: Option<Arch>,
    /// Fetch `https://HOST/PATH` from `MIRROR/HOST/PATH`; a folder or a web address.
    #[arg(long, value_name = "DIR|URL", env = "IMGBUILD_MIRROR", hide_env_values = true, global = true)]
    pub mirror: Option<String>,
    /// Use what is in the store alone; never touch the network.
    #[arg(long, env = "IMGBUILD_OFFLINE", value_parser = clap::builder::BoolishValueParser::new(), global = true)]
    pub offline: bool,
    /// How the nodes get their layers.
    #[arg(long, value_name = "HOW", env = "IMGBUILD_DELIVERY", default_value = "image", global = true)]
    pub delivery: Delivery,
    /// Where the nodes fetch their layers with `--delivery http`: what answers for the folder of `--out`.
    #[arg(long, value_name = "URL", env = "IMGBUILD_URL", global = true)]
    pub url: Option<String>,
    /// Print results as JSON.
    #[arg(long, env = "IMGBUILD_JSON", value_parser = clap::builder::BoolishValueParser::new(), global = true)]
    pub json: bool,
    /// Print errors and results alone.
    #[arg(long, short, env = "IMGBUILD_QUIET", value_parser = clap::builder::BoolishValueParser::new(), global = true)]
    pub quiet: bool,
    /// When to use colours.
    #[arg(long, value_name = "WHEN", env = "IMGBUILD_COLOR", default_value = "auto", global = true)]
    pub color: Color,
    /// The modification time of every file in an overlay and an image, in seconds since 1970.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "SOURCE_DATE_EPOCH",
        default_value_t = 0,
        value_parser = epoch,
        global = true,
        hide = true
    )]
    pub source_date_epoch: u64,
}

fn epoch(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "SOURCE_DATE_EPOCH is a number of seconds since 1970")
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
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
