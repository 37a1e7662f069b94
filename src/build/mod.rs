//! Makes what a plan says: finished layers, rendered files, documents, and the folder of every node.

mod assembly;
mod beside;
mod diff;
mod documents;
mod foreseen;
mod layers;
mod node_layer;
mod obstacles;
mod once;
mod packages;
mod password;
mod publish;
mod warnings;

use std::path::Path;

use crate::component::Components;
use crate::diagnostic::Report;
use crate::event::{Event, Tell};
use crate::failure::Failure;
use crate::fetch::FetchOptions;
use crate::input::{Sources, secrets};
use crate::output::Manifest;
use crate::plan::Plan;
use crate::profile::Secrets;
use crate::settings::{Folders, SecretsPlace, Settings};
use crate::store::{Store, StoreError};
use assembly::Assembly;
pub(crate) use beside::path as path_beside;
pub(crate) use diff::differences;
pub(crate) use documents::documents;
use documents::rendered;
pub(crate) use foreseen::Foreseen;
use layers::{Depot, Lookup};
pub(crate) use layers::{cache, request, requests_of};
pub(crate) use obstacles::check as check_obstacles;
pub(crate) use packages::check_installable;
use publish::{Publication, Published};
pub(crate) use warnings::known_problems;

/// What is built.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    /// All that is decided.
    pub plan: &'a Plan,
    /// The components, which declare secrets.
    pub components: &'a Components,
    /// Where secrets are, and where those are kept that are generated.
    pub secrets_place: &'a SecretsPlace,
    /// The folder of the nodes' folders.
    pub out: &'a Path,
    /// To whom it is reported.
    pub tell: Tell<'a>,
}

impl<'a> Job<'a> {
    /// What a plan says, made of these sources, as the settings have it.
    pub(crate) fn new(plan: &'a Plan, sources: &'a Sources, settings: &'a Settings, tell: Tell<'a>) -> Self {
        let Settings { secrets, out, .. } = settings;
        Self { plan, components: &sources.components, secrets_place: secrets, out, tell }
    }
}

/// Builds the nodes that are meant, with the secrets that were given. `report` has what is wrong so far.
pub(crate) fn build(
    job: &Job<'_>,
    mut secrets: Secrets,
    mut report: Report,
    folders: &Folders,
    fetch: &FetchOptions,
) -> Result<Vec<Manifest>, Failure> {
    let Job { plan, components, secrets_place, out, tell } = *job;
    let (nodes, concerned) = (plan.selected_nodes(), plan.concerned_nodes());
    check_installable(&nodes)?;
    for node in nodes.iter().filter(|node| node.instance.replaces.is_some()) {
        tell(&Event::Renewed { node: &node.name, instance: &node.instance });
    }
    let rendered = rendered(plan, &concerned, &secrets, &mut report);
    let needed = secrets::needed(&nodes, components);
    secrets::check_given(&secrets, secrets_place, &needed, &mut report);
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    warnings::nobody_can_log_in(plan, &secrets, &mut report);
    tell(&Event::Report(&report));
    warnings::sudo(plan, &secrets, tell);
    for line in known_problems(&nodes) {
        tell(&Event::Warning(&line));
    }
    let (store, cache) = (Store::open(&folders.store)?, cache(folders.cache.as_ref(), tell));
    let depot = Depot { store: &store, cache: &cache };
    let layers = layers::finish(&concerned, depot, Lookup::Recorded, fetch, tell)?;
    secrets::generate(&mut secrets, secrets_place, &needed, tell)?;
    for line in secrets::lacking(&secrets, &nodes) {
        tell(&Event::Lacking(&line));
    }
    let publish = |layers| {
        let assembly = Assembly::new(plan, layers, &cache, &secrets)?;
        Publication { assembly, out, tell }.publish(&rendered)
    };
    match publish(&layers)? {
        Published::Done(manifests) => Ok(manifests),
        // Which layers have lost their digest shows only where they are read: all are, and those are made again.
        Published::LayerLost { .. } => {
            let layers = layers::finish(&concerned, depot, Lookup::Verified, fetch, tell)?;
            match publish(&layers)? {
                Published::Done(manifests) => Ok(manifests),
                Published::LayerLost { digest, got } => Err(StoreError::Damaged { digest, got }.into()),
            }
        }
    }
}
