//! Why there is no plan.

use crate::cluster::Cluster;

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// What people wrote is wrong; the report says how.
    Invalid,
    /// What is asked for cannot be.
    Request(RequestError),
}

/// Why there is no plan for what is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// A node is meant that the profile does not have.
    UnknownNode {
        /// The name.
        name: String,
        /// The cluster.
        cluster: String,
        /// The nodes that it has.
        known: Vec<String>,
    },
    /// A node is called as the folder of the layers, which the nodes fetch.
    NamedAsLayers,
    /// A node is to become a new instance, and none was built to count on from.
    NeverBuilt {
        /// The node.
        node: String,
        /// The instance-id that a build would give it.
        instance_id: String,
    },
    /// A node is to become a new instance, and its last build could not be read, for this reason.
    UnreadableBuild(String),
}

impl RequestError {
    /// That no node of a cluster has this name.
    pub(super) fn unknown_node(name: &str, cluster: &Cluster) -> Self {
        let known = cluster.members.iter().map(|member| member.name.clone()).collect();
        Self::UnknownNode { name: name.to_owned(), cluster: cluster.name.clone(), known }
    }
}

impl From<RequestError> for PlanError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}
