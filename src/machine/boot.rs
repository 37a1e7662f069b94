//! Boots nodes together, and waits for the verdict of each.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::{Accelerator, BaseImage, BuiltNode, Ending, Fleet, MachineError, Verdict};

/// How long the nodes have for their verdicts: in software a node takes minutes, and many share the processors.
const TIME_LIMIT: Duration = Duration::from_hours(1);

/// What is waited for.
enum Signal {
    /// A machine's console came to something.
    Ended(Ending),
    /// The user has had enough.
    Interrupted,
}

impl From<Ending> for Signal {
    fn from(ending: Ending) -> Self {
        Self::Ended(ending)
    }
}

/// What happens while nodes are booted.
#[derive(Debug)]
pub(crate) enum Progress<'a> {
    /// So many machines are started.
    Started(usize),
    /// A machine is started a second time, without KVM.
    Emulated(&'a Ending),
    /// A machine came to something.
    Ended(&'a Ending),
}

/// Boots these nodes from `base`, with their disks in a folder of `scratch`, until Ctrl-C. Gives how many are not ready in
/// the end.
pub(crate) fn boot<E: From<MachineError>>(
    nodes: &[BuiltNode],
    base: &BaseImage,
    accelerator: Option<Accelerator>,
    scratch: &Path,
    mut tell: impl FnMut(Progress<'_>) -> Result<(), E>,
) -> Result<usize, E> {
    let (sender, signals) = mpsc::channel();
    let interrupted = sender.clone();
    ctrlc::set_handler(move || drop(interrupted.send(Signal::Interrupted)))
        .map_err(|error| MachineError::io("listening for Ctrl-C")(io::Error::other(error)))?;
    let mut fleet = Fleet::new(nodes.len(), scratch)?;
    for (number, node) in nodes.iter().enumerate() {
        fleet.start(number, node, base, accelerator, &sender)?;
    }
    tell(Progress::Started(nodes.len()))?;
    let (end, mut not_ready) = (Instant::now() + TIME_LIMIT, 0);
    let (mut waiting, mut emulated) = (nodes.len(), BTreeSet::new());
    while waiting > 0 {
        let ending = match signals.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(Signal::Ended(ending)) => ending,
            Ok(Signal::Interrupted) => return Err(MachineError::Interrupted.into()),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                let minutes = TIME_LIMIT.as_secs() / 60;
                return Err(MachineError::NoVerdict { waiting, of: nodes.len(), minutes }.into());
            }
        };
        if ending.is_stillborn && accelerator.is_none() && emulated.insert(ending.number) {
            tell(Progress::Emulated(&ending))?;
            let number = ending.number;
            fleet.start(number, &nodes[number], base, Some(Accelerator::Tcg), &sender)?;
            continue;
        }
        tell(Progress::Ended(&ending))?;
        not_ready += usize::from(!matches!(ending.verdict, Some(Verdict::Ready)));
        waiting -= 1;
    }
    Ok(not_ready)
}
