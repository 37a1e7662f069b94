//! `imgbuild diff`: what a build now would change in the nodes' folders. It fetches and writes nothing.

use crate::build::{self, Job};
use crate::cli::Building;
use crate::event::Event;
use crate::failure::{Exit, Failure};
use crate::input::Sources;
use crate::plan::Selection;
use crate::settings::{Environment, Settings};
use crate::terminal::Console;

/// Compares the nodes of these names, or all, and tells by the exit code whether they are the same.
pub(super) fn run(
    names: Vec<String>,
    building: Building,
    environment: Environment<'_>,
    console: &Console,
) -> Result<Exit, Failure> {
    let settings = Settings::resolve(building, environment)?;
    let mut sources = Sources::read(&settings.input)?;
    let secrets = sources.secrets(&settings.secrets);
    let selection = Selection::named_or_all(names);
    let draft = sources.draft(&sources.request(selection, &settings.build, &settings.out))?;
    let tell = |event: &Event<'_>| console.event(event);
    let job = Job::new(&draft.plan, &sources, &settings, &tell);
    let differences = build::differences(&job, secrets, draft.report, &settings.folders)?;
    if console.json {
        Console::data_json(&differences)?;
    } else {
        Console::lines(&differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(if differences.iter().all(|one| one.same) { Exit::Done } else { Exit::Differs })
}
