//! The files that hold secrets: they go into user-data and nowhere else.

use std::collections::BTreeMap;

use serde::Serialize;

use super::bootcmd::END;
use crate::diagnostic::{Diagnostic, Malformed, Report};
use crate::plan::{NodePlan, Plan, PlannedSecret};
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

/// What user-data has of secrets on one node.
#[derive(Default)]
pub struct NodeSecrets {
    /// The private files.
    pub files: Vec<PrivateContent>,
    /// The administrator's password, hashed as crypt(3) has it.
    pub password: Option<String>,
}

impl NodeSecrets {
    /// Whether there is nothing in it that must be kept.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.password.is_none()
    }
}

/// The placeholder of a missing secret.
const PLACEHOLDER: &str = "0";

/// The private files of a node, less those whose secrets are not all there.
pub fn private_files(
    plan: &Plan,
    node: &NodePlan,
    secrets: &Secrets,
    report: &mut Report,
) -> Vec<PrivateContent> {
    let mut files = Vec::new();
    let is_there = |file: &&PlannedSecret| {
        !plan.unsound.contains(&file.component) && file.needs.iter().all(|name| secrets.has(name))
    };
    for file in node.private.iter().filter(is_there) {
        let value = |name: &String| Some((name.clone(), secrets.get(name)?.to_owned()));
        let values: BTreeMap<_, _> = file.needs.iter().filter_map(value).collect();
        let context = plan.context.with_secrets(&file.component, node.index, &values);
        let Some(mut content) = plan.templates.render(&file.template, &context, true, report) else {
            continue;
        };
        if !content.ends_with('\n') {
            content.push('\n');
        }
        if let Err(problem) = check_embeddable(file, &content) {
            let origin = format!("the template `{}` gives this on `{}`", file.template, node.name);
            report.push(problem.help(format!("{origin}; it is not shown, for it holds secrets")));
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

/// Renders the private files of a node that are left out for want of secrets, with texts in place of these: what is wrong
/// with their templates would show when the secrets are given.
pub fn try_private_files(plan: &Plan, node: &NodePlan, secrets: &Secrets, report: &mut Report) {
    for file in node.private.iter().filter(|file| file.needs.iter().any(|name| !secrets.has(name))) {
        let value = |name: &String| (name.clone(), secrets.get(name).unwrap_or(PLACEHOLDER).to_owned());
        let values: BTreeMap<_, _> = file.needs.iter().map(value).collect();
        let context = plan.context.with_secrets(&file.component, node.index, &values);
        // What the placeholders make of the file is of no interest.
        plan.templates.render(&file.template, &context, true, report);
    }
}

/// Whether a text can be part of the boot command and is what its name promises. No message quotes it.
fn check_embeddable(file: &PlannedSecret, content: &str) -> Result<(), Diagnostic> {
    if let Some(found) = Malformed::find(file.path.as_str(), content) {
        let message =
            format!("the rendered {} is not valid {}: error in line {}", file.path, found.kind, found.line);
        return Err(Diagnostic::error(message));
    }
    if content.lines().any(|line| line == END) || content.contains('\0') {
        let message = format!("the private file {} has a line `{END}`, or a NUL character", file.path);
        return Err(Diagnostic::error(message));
    }
    Ok(())
}
