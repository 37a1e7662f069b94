//! What was typed: the command line and its environment equivalents, nothing resolved.

mod arguments;
mod options;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use arguments::parse;
pub use options::{Building, Color, Delivering, Fetching, Inputs, Options, Out, SecretsFile, Speaking};

use crate::component::Change;
use crate::date::Moment;
use crate::digest::{Sha256, Sha256Error};
use crate::machine::Accelerator;
use crate::release::Arch;

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
    /// Give the nodes a new instance-id: cloud-init does again what it does once per instance.
    #[arg(long)]
    pub reprovision: bool,
    /// What a build goes by, where no command is named.
    #[command(flatten)]
    pub building: Building,
    /// How every command speaks.
    #[command(flatten)]
    pub speaking: Speaking,
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
        /// Give the nodes a new instance-id: cloud-init does again what it does once per instance.
        #[arg(long)]
        reprovision: bool,
        /// What a build goes by.
        #[command(flatten)]
        building: Building,
    },
    /// Check profile, pins, components and templates; fetches and writes nothing
    Check {
        /// Nothing: a file is named by an option.
        #[arg(value_name = "FILE", hide = true)]
        strangers: Vec<String>,
        /// What a build goes by.
        #[command(flatten)]
        building: Building,
    },
    /// Say what a build would do
    Plan {
        /// The nodes to plan; all by default.
        #[arg(value_name = "NODE")]
        nodes: Vec<String>,
        /// Plan every node of the profile.
        #[arg(long, conflicts_with = "nodes")]
        all: bool,
        /// What a build goes by.
        #[command(flatten)]
        building: Building,
    },
    /// Say what a build would change in the nodes' folders; fetches and writes nothing
    ///
    /// Exit code 0 if nothing, 6 if anything. Secrets are masked.
    Diff {
        /// The nodes to compare; all by default.
        #[arg(value_name = "NODE")]
        nodes: Vec<String>,
        /// Compare every node of the profile.
        #[arg(long, conflicts_with = "nodes")]
        all: bool,
        /// What a build goes by.
        #[command(flatten)]
        building: Building,
    },
    /// Fill the store with every artifact that the profile needs
    Fetch {
        /// Releases of the pins file to fetch instead, such as a base image; prints where in the store they are.
        #[arg(value_name = "RELEASE")]
        names: Vec<String>,
        /// What people wrote of a cluster.
        #[command(flatten)]
        inputs: Inputs,
        /// Where artifacts come from.
        #[command(flatten)]
        fetching: Fetching,
    },
    /// Build a node as an empty machine in the place of a dead one, and print what the others must be told
    ///
    /// Asks those that run whether they can spare it, and refuses if not.
    Replace {
        /// The dead node.
        node: String,
        /// You have seen that the others can spare it: needed where none of them can be asked.
        #[arg(long)]
        confirmed: bool,
        /// What a build goes by.
        #[command(flatten)]
        building: Building,
    },
    /// Change the list of members that a component such as etcd keeps of itself
    ///
    /// Asks the members that run whether they can bear it, refuses what would cost the majority, and prints the commands by
    /// which they are told.
    Member {
        /// What changes.
        #[command(subcommand)]
        change: MemberCommand,
    },
    /// Print a document of a node, or a file of its overlay, without fetching anything
    Show {
        /// The node.
        node: String,
        /// `user-data`, `meta-data`, `network-config`, or a path in the guest such as /etc/hosts.
        file: String,
        /// What a build goes by.
        #[command(flatten)]
        building: Building,
    },
    /// Move a release to another version, with digests from upstream's checksum file
    Pin(PinArgs),
    /// Print a node's software bill of materials (`CycloneDX` 1.5); fetches nothing
    Sbom {
        /// The node.
        node: String,
        /// What people wrote of a cluster.
        #[command(flatten)]
        inputs: Inputs,
        /// Where artifacts come from.
        #[command(flatten)]
        fetching: Fetching,
        /// How the nodes get what is built.
        #[command(flatten)]
        delivering: Delivering,
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
        /// What says which nodes there are.
        #[command(flatten)]
        inputs: Inputs,
        /// The folder of outputs.
        #[command(flatten)]
        out: Out,
    },
    /// Answer over HTTP for the outputs: what `--delivery http` needs, and what `overlay_urls` can name
    Serve {
        /// The address and port to listen on: by default those of `--url`, without it 127.0.0.1:8080, which no other machine
        /// reaches. `0.0.0.0:8080` is every address of this machine.
        #[arg(long, value_name = "ADDR:PORT")]
        listen: Option<SocketAddr>,
        /// Where the nodes fetch their layers, as the build was told.
        #[arg(long, value_name = "URL", env = "IMGBUILD_URL")]
        url: Option<String>,
        /// Serve documents that hold secrets too, unencrypted and to whoever asks.
        #[arg(long)]
        private: bool,
        /// The folder of outputs.
        #[command(flatten)]
        out: Out,
    },
    /// Write one file with all that an offline build needs
    Bundle(BundleArgs),
    /// Read every byte of a bundle, a node's folder, a seed image or a store, and name what is wrong
    Verify {
        /// A bundle (any file of a split one), a node's folder, a seed image, or a store.
        path: PathBuf,
        /// The minisign key, as text or file, with which the bundle must be signed.
        #[arg(long, value_name = "PUB")]
        key: Option<String>,
        /// Refuse a bundle that was signed before this day or moment, such as `2026-11-28` (UTC).
        #[arg(long, value_name = "TIME", requires = "key")]
        not_before: Option<Moment>,
    },
    /// List what is in a bundle, a node's folder, a seed image or a store, without reading it all
    Inspect {
        /// A bundle (any file of a split one), a node's folder, a seed image, or a store.
        path: PathBuf,
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

impl Command {
    /// The options of this command.
    pub fn options(&self) -> Options {
        match self {
            Self::Build { building, .. }
            | Self::Check { building, .. }
            | Self::Plan { building, .. }
            | Self::Diff { building, .. }
            | Self::Replace { building, .. }
            | Self::Show { building, .. } => building.clone().into(),
            Self::Fetch { inputs, fetching, .. } | Self::Pin(PinArgs { inputs, fetching, .. }) => {
                Options::from(inputs.clone()).fetching(fetching.clone())
            }
            Self::Sbom { inputs, fetching, delivering, .. } => {
                Options::from(inputs.clone()).fetching(fetching.clone()).delivering(delivering.clone())
            }
            Self::Bundle(BundleArgs { inputs, secrets, fetching, .. }) => Options {
                secrets: secrets.secrets.clone(),
                ..Options::from(inputs.clone()).fetching(fetching.clone())
            },
            Self::Boot { inputs, out: Out { out }, .. } => {
                Options { out: out.clone(), ..Options::from(inputs.clone()) }
            }
            Self::Serve { out, .. } => out.clone().into(),
            Self::Verify { .. } | Self::Inspect { .. } | Self::Schema { .. } | Self::Completions { .. } => {
                Options::default()
            }
            Self::Member { change } => change.building().clone().into(),
        }
    }
}

/// What changes in a list of members.
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Build a node so that it joins the members that run, and print what these must be told
    Add {
        /// The new node.
        node: String,
        /// What a build goes by.
        #[command(flatten)]
        building: Building,
    },
    /// Print what the other members must be told before a node is shut down for good; builds nothing
    Remove {
        /// The node, which the profile need not have any more.
        node: String,
        /// What a build goes by.
        #[command(flatten)]
        building: Building,
    },
    /// Build a node for its new address, and print what the other members must be told
    Move {
        /// The node, which keeps its data.
        node: String,
        /// What a build goes by.
        #[command(flatten)]
        building: Building,
    },
}

impl MemberCommand {
    fn building(&self) -> &Building {
        match self {
            Self::Add { building, .. } | Self::Remove { building, .. } | Self::Move { building, .. } => {
                building
            }
        }
    }

    /// What changes, and of which node.
    pub fn into_parts(self) -> (Change, String) {
        match self {
            Self::Add { node, .. } => (Change::Add, node),
            Self::Remove { node, .. } => (Change::Remove, node),
            Self::Move { node, .. } => (Change::Move, node),
        }
    }
}

/// What `pin` is asked for.
#[derive(Args, Debug)]
pub struct PinArgs {
    /// The release, by its name in the pins file.
    #[arg(required_unless_present = "check", conflicts_with = "check")]
    pub release: Option<String>,
    /// Its new version, without upstream's `v`.
    #[arg(required_unless_present = "check")]
    pub version: Option<String>,
    /// Upstream's build number of that version, for releases whose addresses have one.
    #[arg(long, value_name = "NUMBER", requires = "version")]
    pub build: Option<String>,
    /// A digest that you have confirmed yourself, instead of upstream's checksum file.
    #[arg(long, value_name = "ARCH=HEX", value_parser = by_hand, requires = "version")]
    pub sha256: Vec<(Arch, Sha256)>,
    /// Where upstream has no checksum file, download the artifact and trust what comes.
    #[arg(long, requires = "version")]
    pub trust_first_use: bool,
    /// Show what would change, and change nothing.
    #[arg(long, requires = "version")]
    pub dry_run: bool,
    /// Look for holes in the pins instead; no network.
    #[arg(long)]
    pub check: bool,
    /// What people wrote of a cluster.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Where checksum files and artifacts come from.
    #[command(flatten)]
    pub fetching: Fetching,
}

fn by_hand(text: &str) -> Result<(Arch, Sha256), String> {
    let (arch, hex) = text.split_once('=').ok_or("expected ARCH=HEX, such as `amd64=4d5f...`")?;
    let arch = Arch::from_str(arch, false)?;
    Ok((arch, hex.parse().map_err(|error: Sha256Error| error.to_string())?))
}

/// What goes into a bundle, and how it is written.
#[derive(Args, Debug)]
pub struct BundleArgs {
    /// The nodes that will be built from it; all by default.
    #[arg(value_name = "NODE")]
    pub nodes: Vec<String>,
    /// Put in what every node of the profile needs.
    #[arg(long, conflicts_with = "nodes")]
    pub all: bool,
    /// The bundle.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Cut it into FILE.001, FILE.002, ... of at most so many bytes: a number, or one with K, M or G.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub split: Option<u64>,
    /// Sign it with this minisign secret key; its password is taken from `IMGBUILD_SIGN_PASSWORD`.
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
    /// Put this program in too.
    #[arg(long)]
    pub with_program: bool,
    /// What people wrote of a cluster.
    #[command(flatten)]
    pub inputs: Inputs,
    /// The secrets, none of which goes into it.
    #[command(flatten)]
    pub secrets: SecretsFile,
    /// Where artifacts come from.
    #[command(flatten)]
    pub fetching: Fetching,
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

/// The smallest size that a file of a split bundle can have, in bytes.
const MIN_SPLIT: u64 = 1 << 10;

/// Reads a number of bytes such as `700M`, in powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K') => (&text[..text.len() - 1], 10),
        Some(b'M') => (&text[..text.len() - 1], 20),
        Some(b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: u64 =
        digits.parse().map_err(|_| "expected a number of bytes, or one with K, M or G".to_owned())?;
    let size = number.checked_mul(1 << shift).ok_or("that is more than can be counted")?;
    if size < MIN_SPLIT { Err(format!("at least {MIN_SPLIT} bytes")) } else { Ok(size) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{Cli, size};

    #[test]
    fn sizes_are_numbers_of_bytes() {
        for (text, expected) in [("1024", Some(1024)), ("700M", Some(700 << 20)), ("2G", Some(2 << 30))] {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
        for text in ["", "K", "1023", "-1K", "1k", "1.5G", "1 K", "99999999999G", "é"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
