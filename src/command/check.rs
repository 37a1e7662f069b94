//! `imgbuild check`: reads everything, renders everything, fetches and writes nothing.

use super::console::Console;
use super::failure::Failure;
use super::{inputs, layers, problems, secrets};
use crate::cli::Options;
use crate::diagnostic::Report;
use crate::plan::Plan;
use crate::profile::Secrets;
use crate::render::{NodeFiles, private_files};

/// Checks all nodes.
pub fn run(options: &Options, console: &Console) -> Result<(), Failure> {
    let (plan, components, mut report) = inputs::Written::read(options)?.plan(options)?;
    let secrets = secrets::read(&options.secrets, &components, &mut report)?;
    rendered(&plan, &secrets, &mut report);
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    console.report(&report);
    let nodes: Vec<_> = plan.nodes.iter().collect();
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

/// Renders every file of every node, for what is wrong with it alone.
fn rendered(plan: &Plan, secrets: &Secrets, report: &mut Report) {
    let mut files = NodeFiles::new(plan);
    for node in &plan.nodes {
        files.of(node, report);
        private_files(plan, node, secrets, report);
    }
}
