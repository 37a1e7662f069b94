//! `imgbuild replace` and `imgbuild member`: a node comes, goes, moves or dies, and those that keep a list of it are told.

use serde_json::json;

use crate::cli::Options;
use crate::cluster::NodeIndex;
use crate::command::build::build;
use crate::component::{Change, Components};
use crate::failure::Failure;
use crate::input::{self, instance_ids, recorded};
use crate::membership::Inquiry;
use crate::plan::Plan;
use crate::terminal::Console;

/// Changes the lists of members that a node is in: builds it so that it joins them, and prints the commands by which the
/// others are told.
pub fn run(
    change: Change,
    name: &str,
    confirmed: bool,
    options: &Options,
    console: &Console,
) -> Result<(), Failure> {
    if change == Change::Remove {
        return remove(name, options, console);
    }
    let mut commands = String::new();
    let prepare = |plan: &mut Plan, chosen: &[NodeIndex], components: &Components| {
        for node in chosen {
            commands += &told(change, *node, confirmed, (plan, components), options, console)?;
            if change == Change::Move {
                reprovision(plan, *node, options, console)?;
            }
        }
        Ok(())
    };
    let written = input::Written::read(options)?;
    let manifests = build(written, (&[name.to_owned()], false), prepare, options, console)?;
    if console.json {
        let lines: Vec<_> = commands.lines().collect();
        return Ok(Console::data_json(&json!({ "commands": lines, "manifest": manifests.first() }))?);
    }
    let seed = options.out.join(name).join("seed.iso").display().to_string();
    let when = if commands.is_empty() { "now: the others know of it" } else { "once these commands are run" };
    console.talk(&match change {
        Change::Move => format!("{name}: attach {seed} and reboot {when}"),
        _ => format!("{name}: boot an empty machine from {seed} {when}"),
    });
    Ok(Console::lines(&commands)?)
}

/// The commands by which the others are told of a node, which the plan then lets join them.
fn told(
    change: Change,
    node: NodeIndex,
    confirmed: bool,
    (plan, components): (&mut Plan, &Components),
    options: &Options,
    console: &Console,
) -> Result<String, Failure> {
    let name = plan.cluster[node].name.clone();
    let recorded = recorded::read(plan, &options.out)?;
    let inquiries = Inquiry::all(change, &name, Some(node), (plan, components, &recorded))?;
    let mut commands = String::new();
    let mut joins = Vec::new();
    for inquiry in inquiries {
        let known = inquiry.known(confirmed, options.offline, console)?;
        commands += &inquiry.commands(&known)?;
        joins.push((inquiry.component().to_owned(), inquiry.joined(&known)));
    }
    if change != Change::Move {
        for (component, members) in joins {
            plan.join(node, &component, members);
        }
    }
    Ok(commands)
}

/// cloud-init configures the network once per instance, and so only a new one takes up the new address.
fn reprovision(
    plan: &mut Plan,
    node: NodeIndex,
    options: &Options,
    console: &Console,
) -> Result<(), Failure> {
    let member = &plan.cluster[node];
    let (name, address) = (member.name.clone(), member.address);
    match recorded::address(plan, &options.out, node)? {
        Some(before) if before != address => instance_ids::renew(plan, &[node], &options.out, console),
        Some(_) => Ok(()),
        None => {
            console.say(&format!(
                "warning: no earlier build of `{name}` says where it was: if cloud-init on it has run as `{}`, it keeps its \
                 address; `imgbuild {name} --reprovision` builds it as the next instance",
                node.of(&plan.nodes).instance_id
            ));
            Ok(())
        }
    }
}

/// A member goes: nothing is built, and the profile may not have it any more.
fn remove(name: &str, options: &Options, console: &Console) -> Result<(), Failure> {
    let (plan, components, report) = input::Written::read(options)?.plan(options)?;
    console.report(&report);
    let node = plan.cluster.find(name);
    let recorded = recorded::read(&plan, &options.out)?;
    let mut commands = String::new();
    for inquiry in Inquiry::all(Change::Remove, name, node, (&plan, &components, &recorded))? {
        let known = inquiry.known(false, options.offline, console)?;
        commands += &inquiry.commands(&known)?;
    }
    if console.json {
        let lines: Vec<_> = commands.lines().collect();
        return Ok(Console::data_json(&json!({ "commands": lines, "manifest": null }))?);
    }
    let when =
        if commands.is_empty() { "now: the others do not know it" } else { "once these commands are run" };
    let profile = if node.is_some() { ", and take it out of the profile" } else { "" };
    console.talk(&format!("{name}: shut it down {when}{profile}"));
    Ok(Console::lines(&commands)?)
}
