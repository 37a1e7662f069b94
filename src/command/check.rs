//! `imgbuild check`: reads everything, renders everything, fetches and writes nothing.

use crate::build::{Foreseen, Job, requests_of};
use crate::cli::Building;
use crate::event::Event;
use crate::failure::Failure;
use crate::input::Sources;
use crate::plan::Selection;
use crate::settings::{Environment, Settings};
use crate::terminal::Console;

/// Checks all nodes.
pub(super) fn run(
    strangers: &[String],
    building: Building,
    environment: Environment<'_>,
    console: &Console,
) -> Result<(), Failure> {
    let settings = Settings::resolve(building, environment)?;
    if let Some(stranger) = strangers.first() {
        return Err(unexpected(stranger));
    }
    let mut sources = Sources::read(&settings.input)?;
    let secrets = sources.secrets(&settings.secrets);
    let draft = sources.draft(&sources.request(Selection::All, &settings.build, &settings.out))?;
    let plan = &draft.plan;
    let tell = |event: &Event<'_>| console.event(event);
    let job = Job::new(plan, &sources, &settings, &tell);
    let foreseen = Foreseen::new(&job, secrets, draft.report)?;
    foreseen.tell(job.tell);
    let artifacts = requests_of(&plan.selected_nodes()).len();
    let warnings = foreseen.listed();
    let (nodes, components) = (plan.nodes.len(), plan.cluster.services.len());
    if console.json {
        let counts = serde_json::json!({
            "cluster": plan.cluster.name, "nodes": nodes, "components": components, "artifacts": artifacts,
            "warnings": warnings,
        });
        return Ok(Console::data_json(&counts)?);
    }
    let verdict = match warnings.len() {
        0 => "all is well".to_owned(),
        1 => "no errors, 1 warning".to_owned(),
        more => format!("no errors, {more} warnings"),
    };
    let cluster = &plan.cluster.name;
    console.talk(&format!(
        "{cluster}: {nodes} nodes, {components} components, {artifacts} artifacts: {verdict}"
    ));
    Ok(())
}

fn unexpected(stranger: &str) -> Failure {
    let message = format!("unexpected `{}`: `check` looks at the whole cluster", stranger.escape_debug());
    let help = if [".yaml", ".yml"].iter().any(|ending| stranger.ends_with(ending)) {
        format!("did you mean `imgbuild check --profile {}`?", stranger.escape_debug())
    } else {
        "`check` takes only options: see `imgbuild check --help`".to_owned()
    };
    Failure::Usage { message, help }
}
