//! Refuses a build that would destroy what no earlier one wrote, before anything is fetched.

use std::path::Path;

use crate::failure::{Exit, Failure};
use crate::output::{Obstacle, OutputRoot};
use crate::plan::{Delivery, Plan};

/// How many obstacles are listed; with more, the folder is probably the wrong one.
const SHOWN: usize = 10;

/// Sees to it that nothing is in the way of the folders of the nodes that are meant, and of what is written beside them.
pub(crate) fn check(plan: &Plan, out: &Path) -> Result<(), Failure> {
    let place = OutputRoot { root: out, cluster: &plan.cluster.name };
    refuse(place.check_root().err())?;
    let nodes = plan.selected_nodes().into_iter().map(|node| place.check_node(&node.name));
    refuse(nodes.chain([place.check_shared((&plan.delivery).into())]).filter_map(Result::err))
}

/// The same of one node, right before it is written.
pub(super) fn check_node(place: &OutputRoot<'_>, node: &str) -> Result<(), Failure> {
    refuse(place.check_node(node).err())
}

/// The same of what nodes share.
pub(super) fn check_shared(place: &OutputRoot<'_>, delivery: &Delivery) -> Result<(), Failure> {
    refuse(place.check_shared(delivery.into()).err())
}

fn refuse(obstacles: impl IntoIterator<Item = Obstacle>) -> Result<(), Failure> {
    let mut lines = Vec::new();
    let mut cluster = None;
    for obstacle in obstacles {
        match obstacle {
            Obstacle::Io(error) => return Err(error.into()),
            Obstacle::OtherCluster { ref theirs, .. } => cluster = Some(theirs.clone()),
            Obstacle::NotOurs { .. } => {}
        }
        lines.push(obstacle.to_string());
    }
    if lines.is_empty() {
        return Ok(());
    }
    let hidden = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if hidden > 0 {
        lines.push(format!("and {hidden} more"));
    }
    let help = match cluster {
        None => "move it away, or write to another folder with `--out DIR`".to_owned(),
        Some(theirs) => format!(
            "give each cluster an `--out DIR` and a `--secrets FILE` of its own: two clusters with one secrets file share \
             their secrets; if the cluster `{theirs}` was renamed or is gone, move its folders away"
        ),
    };
    let message =
        format!("refused to overwrite existing files; nothing was written\n  {}", lines.join("\n  "));
    Err(Failure::Refused { exit: Exit::Failed, message, help })
}
