//! Renders all of a node that needs no release: its files and its cloud-init documents.

use crate::diagnostic::{Diagnostic, Report};
use crate::lint::Linter;
use crate::output::{META_DATA, NETWORK_CONFIG, Text, USER_DATA};
use crate::plan::{NodePlan, Plan};
use crate::profile::Secrets;
use crate::render::{
    NodeFile, NodeFiles, NodeSecrets, OverlayFacts, meta_data, network_config, private_files,
    try_private_files, user_data,
};

/// What user-data may be without secrets, in bytes: the tightest limit that a data source is known to have.
const USER_DATA_LIMIT: usize = 16 * 1024;

/// A node with the files of its own layer.
pub(super) struct Rendered<'a> {
    /// The node.
    pub node: &'a NodePlan,
    /// Its files.
    pub files: Vec<NodeFile>,
}

/// Renders the files of each node's own layer. Whatever is wrong with these, with private files or with documents goes into
/// `report`, before anything is fetched or written.
pub(super) fn rendered<'a>(
    plan: &Plan,
    nodes: &[&'a NodePlan],
    secrets: &Secrets,
    report: &mut Report,
) -> Vec<Rendered<'a>> {
    let mut files = NodeFiles::new(plan);
    let mut linter = Linter::default();
    let admin = plan.cluster.system.admin.as_ref().map(|admin| admin.name.as_str());
    let mut all = Vec::new();
    let mut is_told = false;
    for &node in nodes {
        try_private_files(plan, node, secrets, report);
        let secrets = NodeSecrets { files: private_files(plan, node, secrets, report), password: None };
        // What makes one node's documents too long makes those of all.
        if !is_told && let Err(why) = documents(plan, node, &OverlayFacts::UNKNOWN, &secrets) {
            report.push(why);
            is_told = true;
        }
        let files = files.of(node, report);
        linter.check(node, &files, admin, report);
        all.push(Rendered { node, files });
    }
    all
}

/// The cloud-init documents of a node: file name and text.
pub(crate) fn documents(
    plan: &Plan,
    node: &NodePlan,
    overlay: &OverlayFacts,
    secrets: &NodeSecrets,
) -> Result<Vec<Text>, Diagnostic> {
    let user_data = user_data(plan, node, overlay, secrets).map_err(|why| {
        Diagnostic::error(format!("failed to render the user-data of `{}`: {why}", node.name))
    })?;
    let secret: usize = secrets.files.iter().map(|file| file.content.len() + file.path.len()).sum();
    let size = user_data.len().saturating_sub(secret);
    if size > USER_DATA_LIMIT {
        let message = format!(
            "the user-data of `{}` has {size} bytes without secrets, expected at most {USER_DATA_LIMIT}",
            node.name
        );
        return Err(Diagnostic::error(message).help("shorten `ssh_authorized_keys` or `overlay_urls`"));
    }
    Ok(vec![
        (META_DATA, meta_data(node)),
        (USER_DATA, user_data),
        (NETWORK_CONFIG, network_config(&plan.cluster, node.member(plan))),
    ])
}
