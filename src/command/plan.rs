//! `imgbuild plan`: says what a build would do.

use std::fmt::Write as _;

use serde::Serialize;

use crate::build::{Foreseen, Job, known_problems};
use crate::cli::Building;
use crate::cluster::Cluster;
use crate::diagnostic::Listed;
use crate::event::Event;
use crate::failure::Failure;
use crate::input::Sources;
use crate::plan::{NodePlan, Origin, Plan, Selection};
use crate::settings::{Environment, Settings};
use crate::terminal::Console;

/// The plan of the nodes that are meant, with what a build would warn of.
#[derive(Serialize)]
struct Planned<'a> {
    cluster: &'a Cluster,
    nodes: Vec<&'a NodePlan>,
    epoch: u64,
    warnings: Vec<Listed>,
}

/// Prints the plan of these nodes, or of all.
pub(super) fn run(
    names: Vec<String>,
    building: Building,
    environment: Environment<'_>,
    console: &Console,
) -> Result<(), Failure> {
    let settings = Settings::resolve(building, environment)?;
    let mut sources = Sources::read(&settings.input)?;
    let secrets = sources.secrets(&settings.secrets);
    let selection = Selection::named_or_all(names);
    let draft = sources.draft(&sources.request(selection, &settings.build, &settings.out))?;
    let plan = &draft.plan;
    let tell = |event: &Event<'_>| console.event(event);
    let job = Job::new(plan, &sources, &settings, &tell);
    let foreseen = Foreseen::new(&job, secrets, draft.report)?;
    foreseen.tell(job.tell);
    let nodes = plan.selected_nodes();
    if console.json {
        let (cluster, epoch, warnings) = (&plan.cluster, plan.epoch, foreseen.listed());
        return Ok(Console::data_json(&Planned { cluster, nodes, epoch, warnings })?);
    }
    let texts: Vec<_> = nodes.into_iter().map(|node| describe(plan, node)).collect();
    Ok(Console::lines(&texts.join("\n"))?)
}

fn describe(plan: &Plan, node: &NodePlan) -> String {
    let member = node.member(plan);
    let mut text = format!(
        "{} ({}, {}): {}, instance-id {}\n",
        node.name,
        member.address,
        member.arch,
        member.roles.join(", "),
        node.instance.id
    );
    let mut line = |what: &str, detail: &str| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  {what:<9} {detail}");
    };
    for layer in &node.layers {
        let Some(artifact) = &layer.artifact else { continue };
        line("release", &format!("{}, sha256 {}", artifact.title(), artifact.sha256));
        line("", layer.fetched_from.as_ref().unwrap_or(&artifact.url));
        if layer.fetched_from.is_some() {
            line("", "fetched by the node itself");
        }
    }
    for problem in known_problems(&[node]) {
        line("problem", &problem);
    }
    for layer in &node.layers {
        layer.install.iter().for_each(|(from, to, _)| line("install", &format!("{to} from {from}")));
        layer.files.iter().for_each(|file| line("file", &format!("{} {}", file.mode, file.path)));
    }
    for file in &node.files {
        let origin = match &file.origin {
            Origin::Template { template, .. } => format!("from {template}"),
            Origin::Copy { .. } => String::new(),
        };
        line("file", format!("{} {} {origin}", file.mode, file.path).trim_end());
    }
    for file in &node.private {
        line("private", &format!("{} of {}, needs {}", file.path, file.owner, file.needs.join(", ")));
    }
    for name in &member.components {
        let ports = plan.cluster.services.get(name).map_or(&[][..], |service| &service.ports);
        let ports: Vec<_> = ports.iter().map(ToString::to_string).collect();
        if !ports.is_empty() {
            line("listens", &format!("{name}: TCP {}; no firewall is set up", ports.join(", ")));
        }
    }
    for service in &node.services {
        let health = service.health.as_deref().unwrap_or("no health check");
        line("start", &format!("{}: {health}, within {} s", service.units.join(", "), service.timeout));
    }
    text
}
