//! `imgbuild fetch`: fills the store with every artifact that the profile needs.

use super::console::Console;
use super::failure::Failure;
use super::{inputs, layers, select};
use crate::cli::Options;
use crate::store::Outcome;

/// Fetches the artifacts of all nodes.
pub fn run(options: &Options, console: &Console) -> Result<(), Failure> {
    let (plan, _, report) = inputs::Written::read(options)?.plan(options)?;
    console.report(&report);
    let requests = layers::requests_of(&plan.nodes.iter().collect::<Vec<_>>());
    let progress = console.progress();
    let fetched = select::store(options)?.fetch_all(&requests, &select::fetching(options)?, &|event| {
        progress.show(event);
    })?;
    drop(progress);
    if !console.json {
        return Ok(());
    }
    let results: Vec<_> = fetched
        .iter()
        .map(|one| {
            let outcome = match one.outcome {
                Outcome::Cached => "cached",
                Outcome::Resumed { .. } => "resumed",
                Outcome::Fetched => "fetched",
            };
            serde_json::json!({ "name": one.name, "sha256": one.sha256, "size": one.size, "outcome": outcome })
        })
        .collect();
    Ok(Console::data_json(&results)?)
}
