//! `imgbuild diff`: what a build now would change in the nodes' folders. It fetches and writes nothing.

use super::select;
use crate::build::delivery::Way;
use crate::build::documents::rendered;
use crate::build::layers::{self, Depot};
use crate::build::node_layer::Renderer;
use crate::cli::Options;
use crate::command::build::Build;
use crate::diff::NodeDiff;
use crate::failure::{Exit, Failure};
use crate::input::{self, recorded, secrets};
use crate::output::{Built, Found, Snapshot, texts};
use crate::plan::NodePlan;
use crate::render::NodeFile;
use crate::terminal::Console;

/// Compares the nodes of these names, or all, and tells by the exit code whether they are the same.
pub fn run(names: &[String], options: &Options, console: &Console) -> Result<Exit, Failure> {
    let mut written = input::Written::read(options)?;
    let mut secrets = written.secrets(options);
    let (plan, components, mut report) = written.draft(options)?;
    let nodes = select::nodes(&plan, names, names.is_empty())?;
    recorded::warn(&plan, &nodes, &options.out, &mut report)?;
    let rendered = rendered(&plan, &nodes, &secrets, &mut report);
    let needed = secrets::needed(&nodes, &components);
    secrets::check_given(&secrets, options, &needed, &mut report);
    if report.has_errors() {
        return Err(Failure::Invalid(report));
    }
    console.report(&report);
    let way = Way::of(options)?;
    way.check(&plan)?;
    let (store, cache) = (select::store(options)?, select::cache(console));
    let layers = layers::peek(&nodes, Depot { store: &store, cache: &cache })?;
    for name in secrets::stand_in(&mut secrets, &needed) {
        console.talk(&format!("a build would generate the secret `{name}`"));
    }
    let build = Build::new((&plan, &layers), &cache, &secrets, way)?;
    let mut renderer = Renderer::new(&plan, &cache, &layers);
    let differences = nodes.into_iter().zip(rendered);
    let differences = differences.map(|(node, files)| of(&build, &mut renderer, (node, files), options));
    let differences = differences.collect::<Result<Vec<_>, _>>()?;
    if console.json {
        Console::data_json(&differences)?;
    } else {
        Console::lines(&differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(if differences.iter().all(|one| one.same) { Exit::Done } else { Exit::Differs })
}

fn of(
    build: &Build<'_>,
    renderer: &mut Renderer<'_>,
    (node, files): (&NodePlan, Vec<NodeFile>),
    options: &Options,
) -> Result<NodeDiff, Failure> {
    let folder = options.out.join(&node.name);
    let built = match Built::read(&folder)? {
        Found::Whole(built) => built,
        Found::Unusable(why) => return Ok(NodeDiff::unbuilt(&node.name, why)),
    };
    let own = renderer.own_layer(node, files)?;
    let texts = texts(build.output(node, &own)?)?;
    let after = Snapshot { texts, files: own.index };
    let place = folder.display().to_string();
    Ok(NodeDiff::new(&node.name, &place, &built.snapshot, &after, built.damaged))
}
