//! `imgbuild member`: what changes in a list of members.

use clap::Subcommand;

use super::options::Building;
use crate::component::Change;

/// What changes in a list of members.
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Build a node that joins the running members, and print the commands to run on them
    Add {
        /// The new node.
        node: String,
        /// What a build goes by.
        #[command(flatten)]
        building: Building,
    },
    /// Print the commands to run on the other members before a node is removed for good; builds nothing
    Remove {
        /// The node; it need not be in the profile any more.
        node: String,
        /// What a build goes by.
        #[command(flatten)]
        building: Building,
    },
    /// Build a node for its new address, and print the commands to run on the other members
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
