//! The Debian packages that the components of a node name.

use super::Inputs;
use super::node::PlannedPackage;
use super::resolve::Resolver;
use crate::cluster::{Member, NodeIndex};
use crate::component::Component;
use crate::diagnostic::{Diagnostic, Report, meant, quoted};
use crate::package::name::PackageName;
use crate::profile::Profile;

/// What the nodes boot: what the profile says, or the only system of the pins.
pub(super) fn base(inputs: &Inputs<'_>, profile: &Profile, report: &mut Report) -> Option<String> {
    let systems = &inputs.releases.value.as_ref()?.systems;
    let Some(named) = &profile.system.base else {
        let only = systems.keys().next().filter(|_| systems.len() == 1);
        return only.cloned();
    };
    if systems.contains_key(named) {
        return Some(named.clone());
    }
    if !inputs.releases.lossy {
        let known = systems.keys().map(String::as_str);
        let message = format!("unknown system `{}`", named.escape_debug());
        let help = format!("`{}` has {}", inputs.releases.document.source.name(), quoted(known.clone()));
        let path = ["system".into(), "base".into()];
        report.push(inputs.profile.document.error(&path, message, meant(named, known)).help(help));
    }
    None
}

impl Resolver<'_> {
    /// The packages of a node, those of its components in their order.
    pub(super) fn packages(
        &self,
        member: &Member,
        index: NodeIndex,
        report: &mut Report,
    ) -> Vec<PlannedPackage> {
        let mut packages = Vec::new();
        let components = member.components.iter().filter_map(|name| self.inputs.components.get(name));
        for component in components.filter(|component| !component.spec.packages.is_empty()) {
            let before = packages.len();
            self.of_component(component, index, &mut packages, report);
            if packages.len() > before {
                self.system(component, report);
                report.push(not_installed(component));
            }
        }
        packages
    }

    fn of_component(
        &self,
        component: &Component,
        index: NodeIndex,
        packages: &mut Vec<PlannedPackage>,
        report: &mut Report,
    ) {
        let seen = self.context.of_node(&component.name, index);
        for (position, template) in component.spec.packages.iter().enumerate() {
            let expanded = self.templates.expand(template, &seen);
            let expanded = expanded.map_err(|error| format!("failed to render this template: {error}"));
            let name = expanded.and_then(|text| match text.trim() {
                "" => Ok(None),
                name => name.parse::<PackageName>().map(Some).map_err(|_| invalid(name)),
            });
            match name {
                Ok(None) => {}
                Ok(Some(name)) => {
                    packages.push(PlannedPackage { component: component.name.clone(), name, position });
                }
                Err(why) => {
                    let help = "expected the name of a package alone: the lock says which version";
                    let path = ["packages".into(), position.into()];
                    report.push(component.document.error(&path, why, "").help(help));
                }
            }
        }
    }

    /// Says that nobody knows which system the packages are for.
    fn system(&self, component: &Component, report: &mut Report) {
        if self.cluster.system.base.is_some() || self.inputs.releases.lossy {
            return;
        }
        let profile = self.inputs.profile.value.as_ref();
        if profile.is_some_and(|profile| profile.system.base.is_some()) {
            return;
        }
        let systems = self.inputs.releases.value.iter().flat_map(|releases| releases.systems.keys());
        let known: Vec<_> = systems.map(String::as_str).collect();
        let message =
            format!("`{}` needs packages, and which system they are for is not known", component.name);
        let help = if known.is_empty() {
            format!("add `systems` and `archives` to `{}`", self.inputs.releases.document.source.name())
        } else {
            format!("add `base` to `system` of the profile: one of {}", quoted(known.into_iter()))
        };
        report.push(component.document.error(&["packages".into()], message, "").help(help));
    }
}

fn invalid(name: &str) -> String {
    format!("`{}` is not a valid package name", name.escape_debug())
}

/// Packages are not left out in silence.
fn not_installed(component: &Component) -> Diagnostic {
    let document = &component.document;
    let message = format!("the packages of `{}` are locked, and not installed yet", component.name);
    Diagnostic::warning(message)
        .at(&document.source, document.key_span(&["packages".into()]), "")
        .help("`imgbuild lock` records them; a build of a node that needs them is refused")
}
