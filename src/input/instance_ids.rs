//! Reads which instance-ids the last builds of nodes have.

use std::path::Path;

use crate::output::instance_id;
use crate::plan::{LastInstance, LastInstances};
use crate::profile::Profile;

/// Those of the profile's nodes, from their folders in `out`.
pub(crate) fn read(profile: &Profile, out: &Path) -> LastInstances {
    let last = |name: &String| {
        let last = match instance_id(&out.join(name), &profile.cluster) {
            Ok(id) => LastInstance::Known(id?),
            Err(why) => LastInstance::Unreadable(format!("{why:#}")),
        };
        Some((name.clone(), last))
    };
    profile.nodes.iter().map(|node| &node.name).filter_map(last).collect()
}
