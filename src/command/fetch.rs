//! `imgbuild fetch`: fills the store with every artifact that the profile needs, or with those of named releases.

use crate::build::{request, requests_of};
use crate::cli::{Fetching, Inputs};
use crate::event::Event;
use crate::failure::Failure;
use crate::fetch::{Fetched, Outcome};
use crate::input::Sources;
use crate::plan::Request;
use crate::settings::{Environment, FetchSettings, Folders, InputSettings};
use crate::store::Store;
use crate::terminal::Console;

/// Fetches the artifacts of these releases, or those of all nodes.
pub(super) fn run(
    releases: &[String],
    inputs: Inputs,
    fetching: Fetching,
    environment: Environment<'_>,
    console: &Console,
) -> Result<(), Failure> {
    let input = InputSettings::resolve(inputs)?;
    let fetch = FetchSettings::resolve(&fetching, &input, environment)?;
    let folders = Folders::resolve(fetching.store, environment)?;
    let sources = Sources::read(&input)?;
    let fetch = fetch.with_supply(sources.supply());
    let (requests, report) = if releases.is_empty() {
        let draft = sources.plan(&Request::default())?;
        (requests_of(&draft.plan.selected_nodes()), draft.report)
    } else {
        let (artifacts, report) = sources.artifacts(releases)?;
        (artifacts.iter().map(request).collect(), report)
    };
    console.report(&report);
    let store = Store::open(folders.store)?;
    let fetched = store.fetch_all(&requests, &fetch, &|event| console.event(&Event::Fetch(event)))?;
    if console.json {
        return Ok(Console::data_json(
            &fetched.iter().map(|one| described(one, &store)).collect::<Vec<_>>(),
        )?);
    }
    if releases.is_empty() {
        return Ok(());
    }
    let paths = fetched.iter().map(|one| store.blob(&one.sha256).display().to_string() + "\n");
    Ok(Console::data(paths.collect::<String>())?)
}

fn described(one: &Fetched, store: &Store) -> serde_json::Value {
    let outcome = match one.outcome {
        Outcome::Cached => "cached",
        Outcome::Resumed { .. } => "resumed",
        Outcome::Fetched => "fetched",
    };
    serde_json::json!({
        "name": one.name, "sha256": one.sha256, "size": one.size, "outcome": outcome,
        "path": store.blob(&one.sha256),
    })
}
