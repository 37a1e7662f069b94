//! `imgbuild check`: reads everything, renders everything, fetches and writes nothing.

use super::select;
use crate::build::delivery::Way;
use crate::build::foreseen::Foreseen;
use crate::build::{layers, obstacles};
use crate::cli::Options;
use crate::failure::Failure;
use crate::input;
use crate::terminal::Console;

/// Checks all nodes.
pub fn run(strangers: &[String], options: &Options, console: &Console) -> Result<(), Failure> {
    if let Some(stranger) = strangers.first() {
        let message = format!("unexpected `{}`: `check` looks at the whole cluster", stranger.escape_debug());
        let help = if [".yaml", ".yml"].iter().any(|ending| stranger.ends_with(ending)) {
            format!("did you mean `imgbuild check --profile {}`?", stranger.escape_debug())
        } else {
            "it takes options alone: `imgbuild check --help` lists them".to_owned()
        };
        return Err(Failure::Usage { message, help });
    }
    let mut written = input::Written::read(options)?;
    let secrets = written.secrets(options);
    let (plan, components, report) = written.draft(options)?;
    Way::of(options)?.check(&plan)?;
    select::fetching(options)?;
    let nodes: Vec<_> = plan.nodes.iter().collect();
    let foreseen = Foreseen::new(&plan, &nodes, (secrets, &components), options, report)?;
    obstacles::check(&plan, &nodes, options)?;
    foreseen.tell(console);
    let artifacts = layers::requests_of(&nodes).len();
    let warnings = foreseen.listed();
    if console.json {
        let counts = serde_json::json!({
            "cluster": plan.cluster.name, "nodes": plan.nodes.len(),
            "components": plan.cluster.services.len(), "artifacts": artifacts, "warnings": warnings,
        });
        return Ok(Console::data_json(&counts)?);
    }
    let verdict = match warnings.len() {
        0 => "all is well".to_owned(),
        1 => "no errors, 1 warning".to_owned(),
        more => format!("no errors, {more} warnings"),
    };
    console.talk(&format!(
        "{}: {} nodes, {} components, {artifacts} artifacts: {verdict}",
        plan.cluster.name,
        plan.nodes.len(),
        plan.cluster.services.len(),
    ));
    Ok(())
}
