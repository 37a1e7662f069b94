//! The files that hold secrets: they go into user-data and nowhere else.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Report};
use crate::plan::{NodePlan, Plan};
use crate::profile::Secrets;

/// A private file with its contents. It has no `Debug`, so that none can print it.
#[derive(Serialize)]
pub struct PrivateContent {
    /// Its path in the guest.
    pub path: String,
    /// Who owns it, as `user:group`.
    pub owner: String,
    /// The component that it belongs to.
    pub component: String,
    /// Its contents, with a line break at the end.
    pub content: String,
}

/// The private files of a node, less those whose secrets are not all there.
pub fn private_files(
    plan: &Plan,
    node: &NodePlan,
    secrets: &Secrets,
    report: &mut Report,
) -> Vec<PrivateContent> {
    let mut files = Vec::new();
    for file in node.private.iter().filter(|file| file.needs.iter().all(|name| secrets.has(name))) {
        let value = |name: &String| Some((name.clone(), secrets.get(name)?.to_owned()));
        let values: BTreeMap<_, _> = file.needs.iter().filter_map(value).collect();
        let context = plan.context.with_secrets(&file.component, node.index, &values);
        let Some(mut content) = plan.templates.render(&file.template, &context, true, report) else {
            continue;
        };
        if !content.ends_with('\n') {
            content.push('\n');
        }
        if content.lines().any(|line| line == super::user_data::END) || content.contains('\0') {
            let message = format!("the private file {} cannot travel in user-data", file.path);
            let help = format!("it must not have a line `{}`, nor a NUL character", super::user_data::END);
            report.push(Diagnostic::error(message).help(help));
            continue;
        }
        files.push(PrivateContent {
            path: file.path.to_string(),
            owner: format!("{0}:{0}", file.owner),
            component: file.component.clone(),
            content,
        });
    }
    files
}
