//! Resolves profile, pins and components into a plan: every name resolved, every conflict found (pure).

mod checks;
mod claims;
mod delivery;
mod error;
mod format;
mod inputs;
mod installs;
mod instance;
mod layer;
mod members;
mod node;
mod packages;
mod resolve;
mod services;
mod shape;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::cluster::{Cluster, NodeIndex};
use crate::template::{Context, Templates};

pub use delivery::{Delivery, DownloadSource, LAYERS, OVERLAY};
pub use error::{PlanError, RequestError};
pub use format::Format;
pub use inputs::{Inputs, Joins, LayerSpec, Request, Selection};
pub use instance::{Instance, LastInstance, LastInstances};
pub use layer::LayerPlan;
pub use node::{FileOrigin, NodePlan, Origin, PlannedFile, PlannedPackage, PlannedSecret, PlannedService};
pub use resolve::resolve;

/// All that a build will do, decided.
pub struct Plan {
    /// The cluster.
    pub cluster: Cluster,
    /// All nodes, in the profile's order.
    pub nodes: Vec<NodePlan>,
    /// The nodes that are meant, in the profile's order.
    pub selected: Vec<NodeIndex>,
    /// How they get their layers.
    pub delivery: Delivery,
    /// The modification time of every file in an overlay, in seconds since 1970.
    pub epoch: u64,
    /// The templates of all components.
    pub templates: Templates,
    /// What the templates see.
    pub context: Context,
    /// Components whose `checks` do not hold, so that their files are not worth rendering.
    pub unsound: BTreeSet<String>,
}

impl Plan {
    /// The node of this name.
    pub fn node(&self, name: &str) -> Option<&NodePlan> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// That no node has this name.
    pub fn unknown(&self, name: &str) -> RequestError {
        RequestError::unknown_node(name, &self.cluster)
    }

    /// The nodes that are meant.
    pub fn selected_nodes(&self) -> Vec<&NodePlan> {
        self.selected.iter().map(|index| index.of(&self.nodes)).collect()
    }

    /// The nodes on which depends what is written for those that are meant.
    pub fn concerned_nodes(&self) -> Vec<&NodePlan> {
        if self.delivery.is_of_all() { self.nodes.iter().collect() } else { self.selected_nodes() }
    }
}
