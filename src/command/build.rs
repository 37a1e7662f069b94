//! `imgbuild NODE...`: builds nodes.

use crate::build::{self, Job};
use crate::cli::Building;
use crate::diagnostic::Report;
use crate::event::Event;
use crate::failure::Failure;
use crate::input::{Sources, recorded};
use crate::plan::Selection;
use crate::settings::{Environment, Settings};
use crate::terminal::Console;

/// What `build` is asked for.
pub(super) struct Request {
    /// The nodes; all, if there are none.
    pub nodes: Vec<String>,
    /// Whether all nodes are meant.
    pub all: bool,
    /// Whether they become new instances.
    pub reprovision: bool,
    /// What the build goes by.
    pub building: Building,
}

/// Builds the nodes that are named, or all; as new instances, if they are to be reprovisioned.
pub(super) fn run(request: Request, environment: Environment<'_>, console: &Console) -> Result<(), Failure> {
    let settings = Settings::resolve(request.building, environment)?;
    if request.nodes.is_empty() && !request.all {
        return Err(Failure::Usage {
            message: "which node?".to_owned(),
            help: "`imgbuild NODE...` builds nodes, `imgbuild --all` every one; see `imgbuild --help`"
                .to_owned(),
        });
    }
    let mut sources = Sources::read(&settings.input)?;
    let secrets = sources.secrets(&settings.secrets);
    let selection = Selection::named_or_all(request.nodes);
    let mut wanted = sources.request(selection, &settings.build, &settings.out);
    let mut draft = sources.draft(&wanted)?;
    if !draft.report.has_errors() {
        build::check_obstacles(&draft.plan, &settings.out)?;
        let mut changes = Report::new();
        recorded::warn(&draft.plan, &settings.out, &mut changes)?;
        console.event(&Event::Report(&changes));
        if request.reprovision {
            wanted.reprovision = true;
            draft = sources.draft(&wanted)?;
        }
    }
    let tell = |event: &Event<'_>| console.event(event);
    let job = Job::new(&draft.plan, &sources, &settings, &tell);
    let fetch = settings.fetch.with_supply(sources.supply());
    let manifests = build::build(&job, secrets, draft.report, &settings.folders, &fetch)?;
    if console.json {
        return Ok(Console::data_json(&manifests)?);
    }
    let folders = manifests.iter().map(|manifest| settings.out.join(&manifest.node));
    let beside = build::path_beside(&draft.plan.delivery, &settings.out);
    let lines = folders.chain(beside).map(|path| format!("{}\n", path.display()));
    Ok(Console::data(lines.collect::<String>())?)
}
