//! `imgbuild fetch`: fills the store with every artifact that the profile needs, or with those of named releases.

use super::select;
use crate::build::layers;
use crate::cli::Options;
use crate::failure::Failure;
use crate::fetch::Outcome;
use crate::input;
use crate::terminal::Console;

/// Fetches the artifacts of these releases, or those of all nodes.
pub fn run(releases: &[String], options: &Options, console: &Console) -> Result<(), Failure> {
    let written = input::Written::read(options)?;
    let (requests, report) = if releases.is_empty() {
        let (plan, _, report) = written.plan(options)?;
        (layers::requests_of(&plan.nodes.iter().collect::<Vec<_>>()), report)
    } else {
        let (artifacts, report) = written.artifacts(releases, options)?;
        (artifacts.iter().map(layers::request).collect(), report)
    };
    console.report(&report);
    let progress = console.progress();
    let store = select::store(options)?;
    let fetched = store.fetch_all(&requests, &select::fetching(options)?, &|event| progress.show(event))?;
    drop(progress);
    if console.json {
        let results = fetched.iter().map(|one| {
            let outcome = match one.outcome {
                Outcome::Cached => "cached",
                Outcome::Resumed { .. } => "resumed",
                Outcome::Fetched => "fetched",
            };
            serde_json::json!({
                "name": one.name, "sha256": one.sha256, "size": one.size, "outcome": outcome,
                "path": store.blob(&one.sha256),
            })
        });
        return Ok(Console::data_json(&results.collect::<Vec<_>>())?);
    }
    if releases.is_empty() {
        return Ok(());
    }
    let paths = fetched.iter().map(|one| store.blob(&one.sha256).display().to_string() + "\n");
    Ok(Console::data(paths.collect::<String>())?)
}
