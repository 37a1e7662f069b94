//! `imgbuild boot NODE...`: boots what was built, and judges it by what the nodes say of themselves.

use std::path::Path;

use anyhow::anyhow;
use serde::Serialize;

use crate::cli::BootArgs;
use crate::failure::Failure;
use crate::input::Sources;
use crate::machine::{BaseImage, BuiltNode, Ending, MachineError, Progress, Verdict, boot};
use crate::plan::Request;
use crate::settings::{Environment, InputSettings, scratch_folder};
use crate::terminal::Console;

/// A verdict as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    node: &'a str,
    #[serde(flatten)]
    verdict: &'a Verdict,
    seconds: u64,
}

/// Boots these nodes, and succeeds when each is ready.
pub(crate) fn run(args: BootArgs, environment: Environment<'_>, console: &Console) -> Result<(), Failure> {
    let input = InputSettings::resolve(args.inputs)?;
    let nodes = each_once(&args.nodes).into_iter().map(|name| built(name, &input, &args.out.out));
    let nodes: Vec<BuiltNode> = nodes.collect::<Result<_, _>>()?;
    let base = BaseImage::read(&args.base)?;
    let scratch = scratch_folder(environment);
    let not_ready = boot(&nodes, &base, args.accelerator, &scratch, |progress| tell(&progress, console))?;
    if not_ready > 0 {
        return Err(anyhow!("{not_ready} of {} nodes are not ready", nodes.len()).into());
    }
    Ok(())
}

/// What was built of a node. A name that the profile does not have is said to be unknown, not to be built.
fn built(name: &str, input: &InputSettings, out: &Path) -> Result<BuiltNode, Failure> {
    BuiltNode::read(out, name).map_err(|error| {
        if matches!(error, MachineError::NotBuilt { .. })
            && let Ok(draft) = Sources::read(input).and_then(|sources| sources.plan(&Request::default()))
            && draft.plan.node(name).is_none()
        {
            return draft.plan.unknown(name).into();
        }
        error.into()
    })
}

fn each_once(names: &[String]) -> Vec<&String> {
    let mut once: Vec<&String> = Vec::new();
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

fn tell(progress: &Progress<'_>, console: &Console) -> Result<(), Failure> {
    match progress {
        Progress::Started(machines) => console.talk(&format!("booting {machines}; Ctrl-C ends it")),
        Progress::Emulated(ending) => {
            let why = ending.tail.last().map_or("it said nothing", String::as_str);
            console.say(&format!(
                "warning: {}: QEMU ended before its machine started: {why}\n\
                 it is started again without KVM, in software, which is some ten times slower; `--accelerator kvm` insists on KVM",
                ending.node
            ));
        }
        Progress::Ended(ending) => return ended(ending, console),
    }
    Ok(())
}

/// Tells what a node came to.
fn ended(ending: &Ending, console: &Console) -> Result<(), Failure> {
    let Ending { node, verdict, after, tail, .. } = ending;
    let gone = Verdict::Failed { reason: "its machine has ended without a verdict".to_owned() };
    let (verdict, seconds) = (verdict.as_ref().unwrap_or(&gone), after.as_secs());
    if let Verdict::Failed { .. } = verdict {
        console.say(&format!("the end of the console of {node}:\n  {}", tail.join("\n  ")));
    }
    if console.json {
        return Ok(console.answer_json_line(&Line { node, verdict, seconds })?);
    }
    Ok(Console::lines(&match verdict {
        Verdict::Ready => format!("{node} ready after {seconds} s\n"),
        Verdict::Failed { reason } => format!("{node} failed after {seconds} s: {reason}\n"),
    })?)
}
