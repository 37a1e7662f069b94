//! `imgbuild boot NODE...`: boots what was built, and judges it by what the nodes say of themselves.
#![expect(clippy::disallowed_methods, reason = "edge: waits for machines")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use serde::Serialize;

use crate::cli::Inputs;
use crate::failure::Failure;
use crate::input::Sources;
use crate::machine::{Accelerator, BaseImage, BuiltNode, Ending, Fleet, MachineError, Verdict};
use crate::plan::Request;
use crate::settings::{Environment, InputSettings, scratch_folder};
use crate::terminal::Console;

/// How long the nodes have for their verdicts: in software a node takes minutes, and many share the processors.
const TIME_LIMIT: Duration = Duration::from_hours(1);

/// What is waited for.
enum Event {
    /// A machine's console came to something.
    Ended(Ending),
    /// The user has had enough.
    Interrupted,
}

impl From<Ending> for Event {
    fn from(ending: Ending) -> Self {
        Self::Ended(ending)
    }
}

/// A verdict as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    node: &'a str,
    #[serde(flatten)]
    verdict: &'a Verdict,
    seconds: u64,
}

/// Boots these nodes, and succeeds when each is ready.
pub(super) fn run(
    names: &[String],
    base: &Path,
    accelerator: Option<Accelerator>,
    inputs: Inputs,
    out: &Path,
    environment: Environment<'_>,
    console: &Console,
) -> Result<(), Failure> {
    let input = InputSettings::resolve(inputs)?;
    let nodes = each_once(names).into_iter().map(|name| built(name, &input, out));
    let nodes: Vec<BuiltNode> = nodes.collect::<Result<_, _>>()?;
    let base = BaseImage::read(base)?;
    let (sender, events) = mpsc::channel();
    let interrupted = sender.clone();
    ctrlc::set_handler(move || drop(interrupted.send(Event::Interrupted))).context("listening for Ctrl-C")?;
    let mut fleet = Fleet::new(nodes.len(), &scratch_folder(environment))?;
    for node in nodes.iter().enumerate() {
        fleet.start(node, &base, accelerator, &sender)?;
    }
    console.talk(&format!("booting {}; Ctrl-C ends it", nodes.len()));
    let (end, mut sick) = (Instant::now() + TIME_LIMIT, 0);
    let (mut waiting, mut emulated) = (nodes.len(), BTreeSet::new());
    while waiting > 0 {
        match events.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(Event::Ended(ending))
                if ending.is_stillborn && accelerator.is_none() && emulated.insert(ending.number) =>
            {
                tell_that_it_is_emulated(&ending, console);
                let node = (ending.number, &nodes[ending.number]);
                fleet.start(node, &base, Some(Accelerator::Tcg), &sender)?;
            }
            Ok(Event::Ended(ending)) => {
                sick += usize::from(!tell(&ending, console)?);
                waiting -= 1;
            }
            Ok(Event::Interrupted) => return Err(anyhow!("interrupted").into()),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                let minutes = TIME_LIMIT.as_secs() / 60;
                let message =
                    format!("{waiting} of {} nodes gave no verdict in {minutes} minutes", nodes.len());
                return Err(anyhow!(message).into());
            }
        }
    }
    if sick > 0 {
        return Err(anyhow!("{sick} of {} nodes are not ready", nodes.len()).into());
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

/// Tells that a machine is started a second time, without KVM.
fn tell_that_it_is_emulated(ending: &Ending, console: &Console) {
    let why = ending.tail.last().map_or("it said nothing", String::as_str);
    console.say(&format!(
        "warning: {}: QEMU ended before its machine started: {why}\n\
         it is started again without KVM, in software, which is some ten times slower; `--accelerator kvm` insists on KVM",
        ending.node
    ));
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

/// Tells what a node came to, and whether it is ready.
fn tell(ending: &Ending, console: &Console) -> Result<bool, Failure> {
    let Ending { node, verdict, after, tail, .. } = ending;
    let gone = Verdict::Failed { reason: "its machine has ended without a verdict".to_owned() };
    let (verdict, seconds) = (verdict.as_ref().unwrap_or(&gone), after.as_secs());
    if let Verdict::Failed { .. } = verdict {
        console.say(&format!("the end of the console of {node}:\n  {}", tail.join("\n  ")));
    }
    if console.json {
        console.answer_json_line(&Line { node, verdict, seconds })?;
    } else {
        Console::lines(&match verdict {
            Verdict::Ready => format!("{node} ready after {seconds} s\n"),
            Verdict::Failed { reason } => format!("{node} failed after {seconds} s: {reason}\n"),
        })?;
    }
    Ok(matches!(verdict, Verdict::Ready))
}
