//! `imgbuild sbom`: the software bill of materials of a node.

use std::collections::BTreeMap;

use crate::build::cache;
use crate::cli::SbomArgs;
use crate::failure::Failure;
use crate::input::Sources;
use crate::layer::LayerIndex;
use crate::plan::{Request, Selection};
use crate::render::NodeFiles;
use crate::sbom::bill;
use crate::settings::{BuildSettings, Environment, FetchSettings, InputSettings, cache_place};
use crate::terminal::Console;

/// Prints the bill of one node. Nothing is fetched: files have digests where their layer is in the cache.
pub(crate) fn run(args: SbomArgs, environment: Environment<'_>, console: &Console) -> Result<(), Failure> {
    let SbomArgs { node, inputs, fetching, delivering } = args;
    let input = InputSettings::resolve(inputs)?;
    let fetch = FetchSettings::resolve(&fetching, &input, environment)?;
    let BuildSettings { delivery, layers } = BuildSettings::resolve(&delivering, fetch.mirror.as_ref())?;
    let selection = Selection::Named(vec![node]);
    let mut draft =
        Sources::read(&input)?.plan(&Request { selection, layers, delivery, ..Request::default() })?;
    let node = draft.plan.selected_nodes()[0];
    let rendered = NodeFiles::new(&draft.plan).of(node, &mut draft.report);
    if draft.report.has_errors() {
        return Err(Failure::Invalid(draft.report));
    }
    console.report(&draft.report);
    let cache = cache(cache_place(environment).as_ref(), &|event| console.event(event));
    let mut layers = BTreeMap::new();
    for layer in &node.layers {
        match cache.layer::<LayerIndex>(&layer.key)? {
            Some(record) => {
                layers.insert(layer.key, record.index);
            }
            None if layer.artifact.is_some() => console.talk(&format!(
                "{}: not built yet, so its files are listed as declared, without digests",
                layer.component
            )),
            None => {}
        }
    }
    let bill = bill(node, &layers, &rendered, draft.plan.epoch).map_err(anyhow::Error::new)?;
    Ok(Console::data_json(&bill)?)
}
