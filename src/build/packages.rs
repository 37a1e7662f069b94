//! Packages are locked, and not installed yet: a node that needs them is not built without them in silence.

use crate::failure::{Exit, Failure};
use crate::plan::NodePlan;

/// Refuses nodes whose components need packages.
pub(crate) fn check_installable(nodes: &[&NodePlan]) -> Result<(), Failure> {
    let Some((node, package)) = nodes.iter().find_map(|node| Some((node, node.packages.first()?))) else {
        return Ok(());
    };
    Err(Failure::Refused {
        exit: Exit::Invalid,
        message: format!(
            "`{}` needs the package `{}`, for `{}`: this version locks packages, and cannot install them on a node",
            node.name, package.name, package.component
        ),
        help: "leave the component out of the node's roles, or its `packages`".to_owned(),
    })
}
