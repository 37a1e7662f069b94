//! What a plan is made of: what people wrote, and what is asked for.

use std::collections::{BTreeMap, BTreeSet};

use super::delivery::Delivery;
use super::format::Format;
use super::instance::LastInstances;
use crate::cluster::Peer;
use crate::component::Components;
use crate::diagnostic::Decoded;
use crate::profile::Profile;
use crate::release::{Arch, Releases};

/// Everything that a plan is made of.
pub struct Inputs<'a> {
    /// The profile.
    pub profile: &'a Decoded<Profile>,
    /// The pins.
    pub releases: &'a Decoded<Releases>,
    /// The components.
    pub components: &'a Components,
    /// Components of which parts could not be read, for reasons already reported: what is left of them is looked at,
    /// and they run nowhere.
    pub partial: &'a Components,
    /// The names of components that are there and could not be read, for reasons already reported.
    pub unreadable: &'a BTreeSet<String>,
    /// What is asked for.
    pub request: &'a Request,
}

/// What is asked of a plan. By default: all nodes, each as its last build has it, from images.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The nodes that are meant.
    pub selection: Selection,
    /// The architecture of all nodes, overriding the profile.
    pub arch: Option<Arch>,
    /// What layers are like.
    pub layers: LayerSpec,
    /// How the nodes get them.
    pub delivery: Delivery,
    /// The instance-ids of the last builds.
    pub last_instances: LastInstances,
    /// Whether the nodes that are meant become new instances.
    pub reprovision: bool,
    /// The members that nodes find when they join those that run, by node and component.
    pub joins: BTreeMap<String, Joins>,
}

/// The members of components that a node finds when it joins those that run, by component.
pub type Joins = BTreeMap<String, Vec<Peer>>;

/// The nodes that are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All nodes of the profile.
    #[default]
    All,
    /// Those of these names, in the profile's order.
    Named(Vec<String>),
}

impl Selection {
    /// The nodes of these names; all, if there are none.
    pub fn named_or_all(names: Vec<String>) -> Self {
        if names.is_empty() { Self::All } else { Self::Named(names) }
    }
}

/// What the layers of all nodes are like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerSpec {
    /// In which form what is below /usr is installed.
    pub format: Format,
    /// The modification time of every file, in seconds since 1970.
    pub epoch: u64,
}
