//! `imgbuild plan`: says what a build would do.

use std::fmt::Write as _;

use serde::Serialize;

use super::select;
use crate::build::delivery::Way;
use crate::build::foreseen::Foreseen;
use crate::build::{known_problems, obstacles};
use crate::cli::Options;
use crate::diagnostic::Listed;
use crate::failure::Failure;
use crate::input;
use crate::plan::{NodePlan, Origin, Plan};
use crate::terminal::Console;

/// The plan, with what a build would warn of.
#[derive(Serialize)]
struct Planned<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    warnings: Vec<Listed>,
}

/// Prints the plan of these nodes, or of all.
pub fn run(names: &[String], options: &Options, console: &Console) -> Result<(), Failure> {
    let mut written = input::Written::read(options)?;
    let secrets = written.secrets(options);
    let (mut plan, components, report) = written.draft(options)?;
    Way::of(options)?.check(&plan)?;
    select::fetching(options)?;
    let nodes = select::nodes(&plan, names, names.is_empty())?;
    let foreseen = Foreseen::new(&plan, &nodes, (secrets, &components), options, report)?;
    obstacles::check(&plan, &nodes, options)?;
    foreseen.tell(console);
    plan.nodes.retain(|node| names.is_empty() || names.contains(&node.name));
    if console.json {
        return Ok(Console::data_json(&Planned { plan: &plan, warnings: foreseen.listed() })?);
    }
    let texts: Vec<_> = plan.nodes.iter().map(|node| describe(&plan, node)).collect();
    Ok(Console::lines(&texts.join("\n"))?)
}

fn describe(plan: &Plan, node: &NodePlan) -> String {
    let member = &plan.cluster[node.index];
    let mut text = format!(
        "{} ({}, {}): {}, instance-id {}\n",
        node.name,
        member.address,
        member.arch,
        member.roles.join(", "),
        node.instance_id
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
    for problem in known_problems::lines(&[node]) {
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
