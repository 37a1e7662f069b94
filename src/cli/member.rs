//! `imgbuild member`: what changes in a list of members.

use clap::Subcommand;

use super::options::Building;
use crate::component::Change;

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
    /// What changes, of which node, and what a build goes by.
    pub fn into_parts(self) -> (Change, String, Building) {
        match self {
            Self::Add { node, building } => (Change::Add, node, building),
            Self::Remove { node, building } => (Change::Remove, node, building),
            Self::Move { node, building } => (Change::Move, node, building),
        }
    }
}
