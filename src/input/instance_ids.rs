//! The instance-ids by which cloud-init knows nodes. A node's is its name, until `--reprovision` gives it another; which
//! one it has is kept where its build is, in the manifest.

use std::path::Path;

use crate::cluster::NodeIndex;
use crate::diagnostic::{Diagnostic, Report};
use crate::failure::Failure;
use crate::output::instance_id;
use crate::plan::Plan;
use crate::terminal::Console;

/// Gives every node the instance-id that its last build has.
pub fn keep(plan: &mut Plan, out: &Path, report: &mut Report) {
    let cluster = plan.cluster.name.clone();
    for node in &mut plan.nodes {
        match instance_id(&out.join(&node.name), &cluster) {
            // It belongs to another node, or to none.
            Ok(Some(id)) if count(&id, &node.name).is_some() => node.instance_id = id,
            Ok(_) => {}
            Err(why) => {
                let help = format!("its instance-id is taken to be `{}`", node.instance_id);
                report.push(Diagnostic::warning(format!("{why:#}")).help(help));
            }
        }
    }
}

/// Gives nodes an instance-id that they never had: the one after that of their last build.
pub fn renew(plan: &mut Plan, chosen: &[NodeIndex], out: &Path, console: &Console) -> Result<(), Failure> {
    let cluster = plan.cluster.name.clone();
    for index in chosen {
        let node = index.of_mut(&mut plan.nodes);
        let name = &node.name;
        if instance_id(&out.join(name), &cluster)?.is_none() {
            return Err(Failure::Usage {
                message: format!(
                    "`--reprovision` counts on from the last build of `{name}`, and there is none"
                ),
                help: format!("`imgbuild {name}` builds it as a new instance: `{}`", node.instance_id),
            });
        }
        let next = count(&node.instance_id, name).unwrap_or(1).saturating_add(1);
        let next = format!("{name}-{next}");
        console.talk(&format!("{name}: the instance-id is `{next}`, no longer `{}`", node.instance_id));
        node.instance_id = next;
    }
    Ok(())
}

/// The number of a node's instance: 1 is called by the node's name alone, 2 `NAME-2`.
fn count(id: &str, name: &str) -> Option<u32> {
    let rest = id.strip_prefix(name)?;
    if rest.is_empty() {
        return Some(1);
    }
    let number = rest.strip_prefix('-')?;
    number.parse().ok().filter(|count: &u32| *count > 1 && *number == count.to_string())
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn instances_are_counted_by_their_names() {
        for (id, expected) in [
            ("ptrn-1", Some(1)),
            ("ptrn-1-2", Some(2)),
            ("ptrn-1-10", Some(10)),
            ("ptrn-1-1", None),
            ("ptrn-1-02", None),
            ("ptrn-1-+2", None),
            ("ptrn-12", None),
            ("ptrn-1-99999999999", None),
            ("other", None),
        ] {
            assert_eq!(count(id, "ptrn-1"), expected, "{id}");
        }
    }
}
