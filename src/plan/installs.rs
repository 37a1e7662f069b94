//! The files that a component extracts from its release; their names may contain version and architecture.

use crate::component::{Component, Install};
use crate::diagnostic::{Document, Report};
use crate::guest::{GuestPath, Mode};
use crate::release::Artifact;

/// How the names of files end that a node unpacks itself.
const UNPACKED: [&str; 2] = [".tar.gz", ".tgz"];

/// With `--delivery download` a node unpacks with what its image has. Nothing is fetched before it boots, so that the name has to
/// tell what the file is.
pub(super) fn unpacked_by_node(artifact: &Artifact, pins: &Document, report: &mut Report) {
    let path = artifact.url.split(['?', '#']).next().expect("a split has a first part");
    if UNPACKED.iter().any(|ending| path.ends_with(ending)) {
        return;
    }
    let at = ["releases".into(), artifact.release.as_str().into(), "url".into()];
    let title = artifact.title();
    let message = format!(
        "with `--delivery download` nodes unpack only gzipped tar archives, and {title} is not one by its name"
    );
    let label = "expected a name that ends in `.tar.gz` or `.tgz`";
    let help = "choose another `--delivery`: a build reads other archive formats too";
    report.push(pins.error(&at, message, label).help(help));
}

/// What a component takes of its release: from, to, mode.
pub(super) fn installed(
    component: &Component,
    artifact: Option<&Artifact>,
    report: &mut Report,
) -> Vec<(String, GuestPath, Option<Mode>)> {
    let items = component.spec.install.iter().enumerate();
    items.filter_map(|(index, item)| expanded(component, artifact, index, item, report)).collect()
}

/// One item of `install` with its templates filled in; `None` if they fail to render, which is reported.
fn expanded(
    component: &Component,
    artifact: Option<&Artifact>,
    index: usize,
    item: &Install,
    report: &mut Report,
) -> Option<(String, GuestPath, Option<Mode>)> {
    let from = match artifact.map(|artifact| artifact.expand(&item.from)) {
        Some(Ok(from)) => from,
        Some(Err(error)) => {
            let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            let at = ["install".into(), index.into(), "from".into()];
            let message = format!("failed to render this template: {detail}");
            let help = "`version` and `arch` can be used";
            report.push(component.document.error(&at, message, "").help(help));
            return None;
        }
        None => item.from.clone(),
    };
    Some((from, item.to.clone(), item.mode))
}
