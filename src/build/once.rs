//! Reports what a build changes that cloud-init does once per instance: a node that has booted does not take it up by itself.

use std::path::Path;

use crate::diff::changed_once;
use crate::event::{Event, Tell};
use crate::input::{self, MAX_DOCUMENT};
use crate::output::{META_DATA, NETWORK_CONFIG, NodeOutput, USER_DATA};

/// Compares a node's documents with those of the build before, in `folder`. A build of another instance has nothing to say,
/// and neither has one that cannot be read: it is replaced.
pub(super) fn report(output: &NodeOutput<'_>, folder: &Path, tell: Tell<'_>) {
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
    if differs(META_DATA) {
        return;
    }
    let documents = if differs(NETWORK_CONFIG) { &[NETWORK_CONFIG][..] } else { &[] };
    let once = changed_once(&before, after, documents);
    if !once.is_empty() {
        tell(&Event::OncePerInstance { node, parts: &once });
    }
}
