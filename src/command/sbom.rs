//! `imgbuild sbom`: the software bill of materials of a node.

use std::collections::BTreeMap;

use super::select;
use crate::cli::Options;
use crate::failure::Failure;
use crate::input;
use crate::layer::LayerIndex;
use crate::render::NodeFiles;
use crate::sbom::bill;
use crate::terminal::Console;

/// Prints the bill of one node. Nothing is fetched: files have digests where their layer is in the cache.
pub fn run(node: &str, options: &Options, console: &Console) -> Result<(), Failure> {
    let (plan, _, mut report) = input::Written::read(options)?.plan(options)?;
    let node = select::nodes(&plan, &[node.to_owned()], false)?[0];
    let rendered = NodeFiles::new(&plan).of(node, &mut report);
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    console.report(&report);
    let cache = select::cache(console);
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
    let bill = bill(node, &layers, &rendered, plan.epoch).map_err(anyhow::Error::new)?;
    Ok(Console::data_json(&bill)?)
}
