//! `imgbuild check`: reads everything, renders everything, fetches and writes nothing.

use super::console::Console;
use super::documents::rendered;
use super::failure::Failure;
use super::{inputs, layers, secrets};
use crate::cli::Options;

/// Checks all nodes.
pub fn run(options: &Options, console: &Console) -> Result<(), Failure> {
    let (plan, components, mut report) = inputs::Written::read(options)?.plan(options)?;
    let secrets = secrets::read(&options.secrets, &components, &mut report)?;
    let nodes: Vec<_> = plan.nodes.iter().collect();
    rendered(&plan, &nodes, &secrets, &mut report);
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    console.report(&report);
    let artifacts = layers::requests_of(&nodes).len();
    if console.json {
        let counts = serde_json::json!({
            "cluster": plan.cluster.name, "nodes": plan.nodes.len(),
            "components": plan.cluster.services.len(), "artifacts": artifacts,
        });
        return Ok(Console::data_json(&counts)?);
    }
    console.talk(&format!(
        "{}: {} nodes, {} components, {artifacts} artifacts: all is well",
        plan.cluster.name,
        plan.nodes.len(),
        plan.cluster.services.len(),
    ));
    Ok(())
}
