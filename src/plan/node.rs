//! What one node gets.

use std::sync::Arc;

use serde::Serialize;

use super::Plan;
use super::format::Format;
use super::instance::Instance;
use super::layer::LayerPlan;
use crate::cluster::{Member, NodeIndex};
use crate::component::Syntax;
use crate::digest::Sha256;
use crate::guest::{GuestPath, Mode};
use crate::package::name::PackageName;
use crate::release::Artifact;

/// One node's share of the plan.
#[derive(Clone, Debug, Serialize)]
pub struct NodePlan {
    /// The host name.
    pub name: String,
    /// Its place among the cluster's members.
    #[serde(skip)]
    pub index: NodeIndex,
    /// What cloud-init knows it by.
    #[serde(flatten)]
    pub instance: Instance,
    /// Where it may fetch its overlay, if no attached volume has it.
    pub overlay_urls: Vec<String>,
    /// In which form it gets what is below /usr.
    pub format: Format,
    /// The layers that it shares with other nodes, in order.
    pub layers: Vec<Arc<LayerPlan>>,
    /// The files of its own layer, sorted by path.
    pub files: Vec<PlannedFile>,
    /// The Debian packages that its components need.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<PlannedPackage>,
    /// The files that hold secrets.
    pub private: Vec<PlannedSecret>,
    /// What is started, in order.
    pub services: Vec<PlannedService>,
    /// Folders whose files are of one kind.
    #[serde(skip)]
    pub folders: Vec<(GuestPath, Syntax)>,
}

impl NodePlan {
    /// The artifacts that it gets, whoever fetches them.
    pub fn artifacts(&self) -> impl Iterator<Item = &Artifact> {
        self.layers.iter().filter_map(|layer| layer.artifact.as_ref())
    }

    /// The node among the members of its cluster.
    pub fn member<'p>(&self, plan: &'p Plan) -> &'p Member {
        &plan.cluster[self.index]
    }
}

/// A Debian package that a component needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedPackage {
    /// The component.
    pub component: String,
    /// The package.
    pub name: PackageName,
    /// Its place in the component's list.
    #[serde(skip)]
    pub position: usize,
}

/// A file of a node's own layer.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedFile {
    /// Its path in the guest.
    pub path: GuestPath,
    /// Its permissions.
    pub mode: Mode,
    /// The component that it belongs to.
    pub component: String,
    /// Where its contents come from.
    pub origin: Origin,
}

/// Where a file's contents come from.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A template, by its key, rendered over the names that the given component's files see.
    Template {
        /// The template's key.
        template: String,
        /// The component whose names it sees.
        sees: String,
    },
    /// A file as it is.
    Copy {
        /// The digest of its contents.
        sha256: Sha256,
        /// Its contents.
        #[serde(skip)]
        bytes: Arc<[u8]>,
        /// Its name in the profile or component.
        #[serde(skip)]
        name: String,
    },
}

/// Who wrote a file of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileOrigin {
    /// Somebody, as it is, in a file of this name.
    File(String),
    /// Somebody, as the template of this key.
    Template(String),
    /// This program.
    Made,
}

/// A file that holds secrets.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedSecret {
    /// Its path in the guest.
    pub path: GuestPath,
    /// The user and group that own it.
    pub owner: String,
    /// The component that it belongs to.
    pub component: String,
    /// The template of its contents, by its key.
    pub template: String,
    /// The secrets without which it is left out.
    pub needs: Vec<String>,
    /// What a node that is built without it does not have.
    pub without: Option<String>,
}

/// A component's units and what tells that they are up.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedService {
    /// The component.
    pub component: String,
    /// Its systemd units.
    pub units: Vec<String>,
    /// The address that answers with a 2xx status when all is well.
    pub health: Option<String>,
    /// How long that may take, in seconds.
    pub timeout: u32,
}
