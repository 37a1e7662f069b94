//! The verbs, and which groups of options each of them takes.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::options::{Building, Delivering, Fetching, Inputs, Out};
use super::{BundleArgs, LockArgs, MemberCommand, PinArgs};
use crate::date::Moment;
use crate::machine::Accelerator;

/// A verb.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build nodes (needed if a node's name is a verb)
    Build {
        /// The nodes to build.
        #[arg(value_name = "NODE", required_unless_present = "all")]
        nodes: Vec<String>,
        /// Build every node of the profile.
        #[arg(long, conflicts_with = "nodes")]
        all: bool,
        /// Give the nodes a new instance-id: cloud-init repeats what it does once per instance.
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
    /// Show what a build would do
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
    /// Show what a build would change in the nodes' folders; fetches and writes nothing
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
    /// Fetch every artifact that the profile needs into the store
    Fetch {
        /// Releases of the pins file to fetch instead, such as a base image; prints their paths in the store.
        #[arg(value_name = "RELEASE")]
        names: Vec<String>,
        /// What people wrote of a cluster.
        #[command(flatten)]
        inputs: Inputs,
        /// Where artifacts come from.
        #[command(flatten)]
        fetching: Fetching,
    },
    /// Build a replacement for a dead node, and print the commands to run on the other members
    ///
    /// Asks the running members whether the dead node can be removed safely, and refuses if not.
    Replace {
        /// The dead node.
        node: String,
        /// Confirm that the node can be removed safely: needed if no other member responds.
        #[arg(long)]
        confirmed: bool,
        /// What a build goes by.
        #[command(flatten)]
        building: Building,
    },
    /// Change the member list of a clustered component such as etcd
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
    /// Pin a release to another version, with digests from upstream's checksum file
    Pin(PinArgs),
    /// Record which bytes the Debian packages of the cluster are, from archives signed by pinned keys
    ///
    /// Does nothing where the lock is made of these inputs. After a change of them it is made anew for the same moment, so that no
    /// other package moves; `--upgrade` moves to now.
    Lock(LockArgs),
    /// Print a node's software bill of materials (`CycloneDX` 1.5); fetches nothing
    Sbom(SbomArgs),
    /// Boot built nodes as virtual machines in QEMU on a shared network, and print each verdict
    Boot(BootArgs),
    /// Serve built outputs over HTTP, for `--delivery http` and `overlay_urls`
    Serve {
        /// The address and port to listen on: by default those of `--url`, without it 127.0.0.1:8080, which no other machine
        /// reaches. `0.0.0.0:8080` is every address of this machine.
        #[arg(long, value_name = "ADDR:PORT")]
        listen: Option<SocketAddr>,
        /// The URL from which nodes fetch their layers, as given to the build.
        #[arg(long, value_name = "URL", env = "IMGBUILD_URL")]
        url: Option<String>,
        /// Also serve documents with secrets, unencrypted and to any client.
        #[arg(long)]
        private: bool,
        /// The folder of outputs.
        #[command(flatten)]
        out: Out,
    },
    /// Write one file with everything that an offline build needs
    Bundle(BundleArgs),
    /// Verify every byte of a bundle, a node's folder, a seed image or a store, and report what is wrong
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
    /// List the contents of a bundle, a node's folder, a seed image or a store, without reading it all
    Inspect {
        /// A bundle (any file of a split one), a node's folder, a seed image, or a store.
        path: PathBuf,
    },
    /// Print the JSON schema of an input file
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

/// Whose bill of materials is printed.
#[derive(Args, Debug)]
pub struct SbomArgs {
    /// The node.
    pub node: String,
    /// What people wrote of a cluster.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Where artifacts come from.
    #[command(flatten)]
    pub fetching: Fetching,
    /// How the nodes get what is built.
    #[command(flatten)]
    pub delivering: Delivering,
}

/// What is booted, and how.
#[derive(Args, Debug)]
pub struct BootArgs {
    /// The nodes to boot, built before.
    #[arg(value_name = "NODE", required = true)]
    pub nodes: Vec<String>,
    /// A cloud image of Ubuntu 24.04, or of another system with cloud-init; it is not written to.
    #[arg(long, value_name = "IMAGE")]
    pub base: PathBuf,
    /// How the machines run: with KVM if it is available, else emulated.
    #[arg(long, value_name = "NAME")]
    pub accelerator: Option<Accelerator>,
    /// What says which nodes there are.
    #[command(flatten)]
    pub inputs: Inputs,
    /// The folder of outputs.
    #[command(flatten)]
    pub out: Out,
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
