//! What a build warns of: who can log in, and what is known to be wrong with releases.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Report};
use crate::event::{Event, Tell};
use crate::plan::{NodePlan, Plan};
use crate::profile::{ADMIN_PASSWORD, Secrets, SshKey};
use crate::release::KnownProblem;

/// Warns where the administrator has no way in, and where a password is nobody's.
pub(super) fn nobody_can_log_in(plan: &Plan, secrets: &Secrets, report: &mut Report) {
    let Some(admin) = &plan.cluster.system.admin else {
        if secrets.has(ADMIN_PASSWORD) {
            let message =
                format!("the secret `{ADMIN_PASSWORD}` is not used: the profile has no administrator");
            report.push(Diagnostic::warning(message).help("add `admin` to `system` of the profile"));
        }
        return;
    };
    let opens = |key: &String| key.parse::<SshKey>().is_ok();
    if !admin.ssh_authorized_keys.iter().any(opens) && !secrets.has(ADMIN_PASSWORD) {
        let message = format!("nobody can log in: `{}` has neither an SSH key nor a password", admin.name);
        let help =
            format!("add a key to `ssh_authorized_keys` of the profile, or the secret `{ADMIN_PASSWORD}`");
        report.push(Diagnostic::warning(message).help(help));
    }
}

/// Whoever has the administrator's key is root then.
pub(super) fn sudo(plan: &Plan, secrets: &Secrets, tell: Tell<'_>) {
    let admin = plan.cluster.system.admin.as_ref().filter(|admin| !admin.ssh_authorized_keys.is_empty());
    if let Some(admin) = admin.filter(|_| !secrets.has(ADMIN_PASSWORD)) {
        tell(&Event::SudoWithoutPassword { admin: &admin.name });
    }
}

/// The known problems of the releases that these nodes get, a line each, with the version that cures it.
pub(crate) fn known_problems(nodes: &[&NodePlan]) -> Vec<String> {
    let artifacts = nodes.iter().flat_map(|node| node.artifacts());
    let problems: BTreeMap<(&str, &str), &[KnownProblem]> = artifacts
        .map(|one| ((one.release.as_str(), one.version.as_str()), one.problems.as_slice()))
        .collect();
    let mut lines = Vec::new();
    for ((release, version), problems) in problems {
        lines.extend(problems.iter().map(|problem| format!("{release} {version}: {}", problem.line())));
    }
    lines
}
