//! Says what a build changes that cloud-init does once per instance: a node that has booted does not take it up by itself.

use std::path::Path;

use crate::diff::changed_once;
use crate::input::{self, MAX_DOCUMENT};
use crate::output::{NodeOutput, USER_DATA};
use crate::terminal::Console;

/// Compares a node's documents with those of the build before, in `folder`. A build of another instance has nothing to say,
/// and neither has one that cannot be read: it is replaced.
pub fn tell(output: &NodeOutput<'_>, folder: &Path, console: &Console) {
    let node = &output.manifest.node;
    let before = |name: &str| input::text(&folder.join(name), MAX_DOCUMENT).ok();
    let differs = |name: &str| {
        let after = output.documents.iter().find(|(document, _)| *document == name);
        before(name).zip(after).is_none_or(|(before, (_, after))| before != *after)
    };
    let Some((before, (_, after))) =
        before(USER_DATA).zip(output.documents.iter().find(|(name, _)| *name == USER_DATA))
    else {
        return;
    };
    if differs("meta-data") {
        return;
    }
    let documents = if differs("network-config") { &["network-config"][..] } else { &[] };
    let once = changed_once(&before, after, documents);
    if !once.is_empty() {
        console.talk(&format!(
            "{node}: `{}` changed: cloud-init applies that once per instance, so a node that has booted takes it up only \
             after `imgbuild {node} --reprovision`",
            once.join("`, `")
        ));
    }
}
