//! Evaluates the checks that components declare.

use std::collections::BTreeSet;

use crate::cluster::{Cluster, Member};
use crate::component::Component;
use crate::diagnostic::{Diagnostic, Report, Step};
use crate::plan::inputs::Inputs;
use crate::template::{Context, Templates};

/// Evaluates the `checks` of every component that runs in the cluster, and names the components whose do not hold.
pub(in crate::plan) fn rules(
    inputs: &Inputs<'_>,
    cluster: &Cluster,
    templates: &Templates,
    context: &Context,
    report: &mut Report,
) -> BTreeSet<String> {
    let mut unsound = BTreeSet::new();
    for component in cluster.services.keys().filter_map(|name| inputs.components.get(name)) {
        let seen = context.of_component(&component.name);
        membership(component, cluster, templates, context, report);
        for (index, check) in component.spec.checks.iter().enumerate() {
            let broken = |why: String| {
                let path = ["checks".into(), index.into(), "that".into()];
                component.document.error(&path, format!("failed to evaluate this check: {why}"), "")
            };
            match templates.holds(&check.that, &seen) {
                Ok(true) => {}
                Ok(false) => match templates.expand(&check.otherwise, &seen) {
                    Ok(message) => {
                        unsound.insert(component.name.clone());
                        let setting = check.setting.as_deref();
                        let diagnostic = at_culprit(inputs, cluster, component, setting, message);
                        report.push(match &check.help {
                            Some(help) => diagnostic.help(help),
                            None => diagnostic,
                        });
                    }
                    Err(why) => report.push(broken(why)),
                },
                Err(why) => report.push(broken(why)),
            }
        }
    }
    unsound
}

/// What is asked of running members, as far as it can be tried without any.
fn membership(
    component: &Component,
    cluster: &Cluster,
    templates: &Templates,
    context: &Context,
    report: &mut Report,
) {
    let Some(membership) = &component.spec.membership else { return };
    let Some(index) = cluster.running(&component.name).next() else { return };
    let seen = context.of_node(&component.name, index);
    for (key, text) in [("alive", &membership.alive), ("ask", &membership.ask)] {
        if let Err(why) = templates.expand(text, &seen) {
            let message = format!("failed to render this template: {why}");
            report.push(component.document.error(&["membership".into(), key.into()], message, ""));
        }
    }
    let mut expression = |path: &[Step], text: &str| {
        if let Err(why) = templates.compiles(text) {
            report.push(component.document.error(path, format!("invalid expression: {why}"), ""));
        }
    };
    expression(&["membership".into(), "recognized_by".into()], &membership.recognized_by);
    for (index, demand) in membership.checks.iter().enumerate() {
        expression(&["membership".into(), "checks".into(), index.into(), "that".into()], &demand.that);
    }
}

/// How many of the nodes that run a component are shown.
const MAX_NODES: usize = 3;

/// Points at the setting in the profile, at its default if the profile does not set it, or at nodes that run the component.
fn at_culprit(
    inputs: &Inputs<'_>,
    cluster: &Cluster,
    component: &Component,
    setting: Option<&str>,
    message: String,
) -> Diagnostic {
    let profile = &inputs.profile.document;
    let Some(setting) = setting else {
        let runs_it = |(_, member): &(usize, &Member)| member.components.contains(&component.name);
        let nodes = cluster.members.iter().enumerate().filter(runs_it).take(MAX_NODES);
        let at = |diagnostic: Diagnostic, (index, member): (usize, &Member)| {
            let path = [Step::from("nodes"), index.into(), "name".into()];
            diagnostic.at(
                &profile.source,
                profile.span(&path),
                format!("`{}` runs {}", member.name, component.name),
            )
        };
        return nodes.fold(Diagnostic::error(message), at);
    };
    let settings = inputs.profile.value.as_ref().and_then(|profile| profile.settings.get(&component.name));
    if settings.is_some_and(|settings| settings.contains_key(setting)) {
        let path = ["settings".into(), Step::from(&component.name), setting.into()];
        return profile.error(&path, message, "");
    }
    component.document.error(&["settings".into(), setting.into(), "default".into()], message, "the default")
}
