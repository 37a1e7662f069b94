//! What a lock is made for: the packages of each node, by system and architecture.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Sha256;
use crate::package::lock::{FORMAT, key};
use crate::package::name::PackageName;
use crate::package::refusal::Wanted;
use crate::plan::Plan;
use crate::release::{Arch, Releases};

/// The packages that are wanted of a system on an architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// The system, by its name in the pins file.
    pub system: String,
    /// The architecture.
    pub arch: Arch,
    /// What is wanted together on some node.
    pub combinations: BTreeSet<BTreeSet<Wanted>>,
}

impl Wish {
    /// How the lock calls it.
    pub(super) fn key(&self) -> String {
        key(&self.system, self.arch)
    }

    /// The packages by component.
    pub(super) fn wanted(&self) -> BTreeMap<String, BTreeSet<PackageName>> {
        let mut wanted: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for one in self.combinations.iter().flatten() {
            wanted.entry(one.component.clone()).or_default().insert(one.name.clone());
        }
        wanted
    }
}

/// What the nodes of a plan want; nothing if no component names packages.
pub(super) fn wishes(plan: &Plan) -> Vec<Wish> {
    let Some(system) = &plan.cluster.system.base else { return Vec::new() };
    let mut by_arch: BTreeMap<Arch, BTreeSet<BTreeSet<Wanted>>> = BTreeMap::new();
    for node in plan.nodes.iter().filter(|node| !node.packages.is_empty()) {
        let wanted = node.packages.iter();
        let wanted = wanted.map(|one| Wanted { name: one.name.clone(), component: one.component.clone() });
        by_arch.entry(plan.cluster[node.index].arch).or_default().insert(wanted.collect());
    }
    let wish = |(arch, combinations)| Wish { system: system.clone(), arch, combinations };
    by_arch.into_iter().map(wish).collect()
}

/// The digest of all that decides what is locked, but for the state of the archives.
pub(super) fn digest(wishes: &[Wish], releases: &Releases) -> Sha256 {
    let of = |wish: &Wish| {
        let system = releases.systems.get(&wish.system);
        let archives = system.iter().flat_map(|system| &system.archives);
        let archives: BTreeMap<_, _> = archives.map(|name| (name, releases.archives.get(name))).collect();
        let wanted: Vec<Vec<_>> = wish
            .combinations
            .iter()
            .map(|wanted| wanted.iter().map(|one| [one.component.as_str(), one.name.as_str()]).collect())
            .collect();
        (wish.key(), serde_json::json!({ "system": system, "archives": archives, "wanted": wanted }))
    };
    let systems: BTreeMap<_, _> = wishes.iter().map(of).collect();
    // serde_json's maps are sorted.
    Sha256::of(serde_json::json!({ "format": FORMAT, "systems": systems }).to_string())
}
