//! What a build now would change in the nodes' folders, found out without fetching or writing anything.

use super::Job;
use super::assembly::Assembly;
use super::documents::{Rendered, rendered};
use super::layers::{self, Depot};
use super::node_layer::Renderer;
use crate::diagnostic::Report;
use crate::diff::NodeDiff;
use crate::event::Event;
use crate::failure::Failure;
use crate::input::{recorded, secrets};
use crate::output::{EarlierBuild, Found, Snapshot, texts};
use crate::profile::Secrets;
use crate::settings::Folders;
use crate::store::Store;

/// What a build changes in the folder of each node that is meant. `report` has what is wrong so far.
pub(crate) fn differences(
    job: &Job<'_>,
    mut secrets: Secrets,
    mut report: Report,
    folders: &Folders,
) -> Result<Vec<NodeDiff>, Failure> {
    let Job { plan, components, secrets_place, out, tell } = *job;
    let nodes = plan.selected_nodes();
    recorded::warn(plan, out, &mut report)?;
    let rendered = rendered(plan, &nodes, &secrets, &mut report);
    let needed = secrets::needed(&nodes, components);
    secrets::check_given(&secrets, secrets_place, &needed, &mut report);
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    tell(&Event::Report(&report));
    let (store, cache) = (Store::open(&folders.store)?, layers::cache(folders.cache.as_ref(), tell));
    let layers = layers::peek(&nodes, Depot { store: &store, cache: &cache })?;
    for name in secrets::stand_in(&mut secrets, &needed) {
        tell(&Event::WouldGenerate { name });
    }
    let assembly = Assembly::new(plan, &layers, &cache, &secrets)?;
    let mut renderer = Renderer::new(plan, &cache, &layers);
    let mut differences = Vec::new();
    for Rendered { node, files } in rendered {
        let folder = out.join(&node.name);
        let built = match EarlierBuild::read(&folder)? {
            Found::Whole(built) => built,
            Found::Unusable(why) => {
                differences.push(NodeDiff::unbuilt(&node.name, why));
                continue;
            }
        };
        let own = renderer.own_layer(node, files)?;
        let texts = texts(assembly.output(node, &own)?)?;
        let after = Snapshot { texts, files: own.index };
        let place = folder.display().to_string();
        differences.push(NodeDiff::new(&node.name, &place, &built.snapshot, &after, built.damaged));
    }
    Ok(differences)
}
