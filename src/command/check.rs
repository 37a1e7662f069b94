//! `imgbuild check`: reads everything, renders everything, fetches and writes nothing.

use super::console::Console;
use super::documents::rendered;
use super::failure::Failure;
use super::{inputs, layers, problems};
use crate::cli::Options;

/// Checks all nodes.
pub fn run(options: &Options, console: &Console) -> Result<(), Failure> {
    let mut written = inputs::Written::read(options)?;
    let secrets = written.secrets(&options.secrets)?;
    let (plan, _, mut report) = written.draft(options)?;
    let nodes: Vec<_> = plan.nodes.iter().collect();
    rendered(&plan, &nodes, &secrets, &mut report);
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    console.report(&report);
    problems::tell(&nodes, console);
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
