//! What is known to be wrong with the releases of some nodes, said before they are built.

use std::collections::BTreeMap;

use crate::plan::NodePlan;
use crate::release::KnownProblem;
use crate::terminal::Console;

/// Says each problem in one line, with the version that cures it.
pub fn tell(nodes: &[&NodePlan], console: &Console) {
    for line in lines(nodes) {
        console.talk(&format!("warning: {line}"));
    }
}

/// The known problems of the releases that these nodes get, a line each.
pub fn lines(nodes: &[&NodePlan]) -> Vec<String> {
    let artifacts = nodes.iter().flat_map(|node| &node.layers).filter_map(|layer| layer.artifact.as_ref());
    let problems: BTreeMap<(&str, &str), &[KnownProblem]> = artifacts
        .map(|one| ((one.release.as_str(), one.version.as_str()), one.problems.as_slice()))
        .collect();
    let told = |((release, version), problems): ((&str, &str), &[KnownProblem])| {
        problems.iter().map(|problem| format!("{release} {version}: {}", problem.line())).collect::<Vec<_>>()
    };
    problems.into_iter().flat_map(told).collect()
}
