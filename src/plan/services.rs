//! The resolved values of a component in this cluster: settings, ports, metrics, release.

use std::collections::BTreeMap;

use minijinja::value::Serde;
use minijinja::{Value, context};

use super::checks;
use super::inputs::Inputs;
use crate::cluster::{MetricsEndpoint, ReleaseView, Service};
use crate::component::Component;
use crate::diagnostic::{Diagnostic, Report, Step, meant, nearest, quoted};
use crate::profile::Profile;
use crate::template::Templates;

/// What the services of a cluster follow from.
pub(super) struct Services<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) profile: &'a Profile,
    pub(super) templates: &'a Templates,
}

/// Why a template does not give a port.
struct BadPort {
    message: String,
    label: &'static str,
}

impl Services<'_> {
    /// A component with the settings of this cluster.
    pub(super) fn of(&self, component: &Component, report: &mut Report) -> Service {
        let spec = &component.spec;
        let settings = self.settings(component, report);
        let seen = context! { settings => Value::from(Serde(&settings)) };
        let mut port = |path: &[Step], text: &str| {
            let number = self.port(text, &seen);
            number.map_err(|why| report.push(self.at_port(component, path, text, why))).ok()
        };
        let metrics = spec.metrics.as_ref().and_then(|metrics| {
            Some(MetricsEndpoint {
                job: component.job().to_owned(),
                port: port(&["metrics".into(), "port".into()], &metrics.port)?,
                path: metrics.path.clone(),
                interval: metrics.interval.clone(),
            })
        });
        let ports = spec.ports.iter().enumerate();
        let ports = ports.filter_map(|(index, text)| port(&["ports".into(), index.into()], text)).collect();
        let release = self.release(component, report);
        Service { settings, release, ports, metrics, is_listed: spec.membership.is_some() }
    }

    fn settings(&self, component: &Component, report: &mut Report) -> BTreeMap<String, serde_yaml::Value> {
        let defaults = component.spec.settings.iter();
        let mut settings: BTreeMap<_, _> =
            defaults.map(|(name, setting)| (name.clone(), setting.default.clone())).collect();
        for (name, value) in self.profile.settings.get(&component.name).into_iter().flatten() {
            if checks::setting(&self.inputs.profile.document, component, name, value, report) {
                settings.insert(name.clone(), value.clone());
            }
        }
        settings
    }

    /// The port that a template gives.
    fn port(&self, text: &str, seen: &Value) -> Result<u16, BadPort> {
        let found = self.templates.expand(text, seen).map_err(|why| BadPort {
            message: format!("failed to render this template: {why}"),
            label: "",
        })?;
        let number = found.trim().parse::<u16>().ok().filter(|port| *port > 0);
        number.ok_or_else(|| BadPort {
            message: format!("`{}` is not a TCP port", found.escape_debug()),
            label: "expected a number from 1 to 65535",
        })
    }

    /// Points at the profile's setting that a port is, or else at the port in component.yaml.
    fn at_port(
        &self,
        component: &Component,
        path: &[Step],
        text: &str,
        BadPort { message, label }: BadPort,
    ) -> Diagnostic {
        match setting_of_port(self.profile, component, text) {
            Some(path) => self.inputs.profile.document.error(&path, message, label),
            None => component.document.error(path, message, label),
        }
    }

    fn release(&self, component: &Component, report: &mut Report) -> Option<ReleaseView> {
        let name = component.spec.release.as_ref()?;
        let releases = &self.inputs.releases.value.as_ref()?.releases;
        if let Some(release) = releases.get(name) {
            return Some(ReleaseView { name: name.clone(), version: release.version.clone() });
        }
        if self.inputs.releases.lossy {
            return None;
        }
        let known = releases.keys().map(String::as_str);
        let message = format!("unknown release `{}`", name.escape_debug());
        let help = format!("`{}` has {}", self.inputs.releases.document.source.name(), quoted(known.clone()));
        report.push(component.document.error(&["release".into()], message, meant(name, known)).help(help));
        None
    }

    /// The component that has a setting of this name, one that some role names first.
    fn owner(&self, setting: &str) -> Option<&str> {
        let has = |component: &&Component| component.spec.settings.contains_key(setting);
        let is_used = |component: &&Component| {
            self.profile.roles.values().flatten().any(|name| *name == component.name)
        };
        let all = || self.inputs.components.values().filter(has);
        all().find(is_used).or_else(|| all().next()).map(|component| component.name.as_str())
    }

    /// Settings of the profile that no component has.
    pub(super) fn unknown_settings(&self, report: &mut Report) {
        let document = &self.inputs.profile.document;
        let components = self.inputs.components;
        for (name, settings) in &self.profile.settings {
            let path = [Step::from("settings"), Step::from(name)];
            let unknown = |path: &[Step], message: String, label: String| {
                Diagnostic::error(message).at(&document.source, document.key_span(path), label)
            };
            let Some(component) = components.get(name) else {
                if !self.inputs.unreadable.contains(name) {
                    let known = components.keys().map(String::as_str);
                    let message = format!("unknown component `{}`", name.escape_debug());
                    let help = format!("the components are {}", quoted(known.clone()));
                    report.push(unknown(&path, message, meant(name, known)).help(help));
                }
                continue;
            };
            let known = component.spec.settings.keys().map(String::as_str);
            for setting in settings.keys().filter(|setting| !component.spec.settings.contains_key(*setting)) {
                let path = [&path[..], &[Step::from(setting)]].concat();
                let message = format!("`{name}` does not have a setting `{}`", setting.escape_debug());
                let mut help = format!("its settings are {}", quoted(known.clone()));
                let label = match self.owner(setting) {
                    Some(owner) if nearest(setting, known.clone()).is_none() => {
                        help = format!("move it below `{owner}:`; {help}");
                        format!("`{owner}` has a setting `{setting}`")
                    }
                    _ => meant(setting, known.clone()),
                };
                report.push(unknown(&path, message, label).help(help));
            }
        }
    }
}

/// Where the profile sets the setting that a port is made of.
pub(super) fn setting_of_port(profile: &Profile, component: &Component, text: &str) -> Option<Vec<Step>> {
    let mut set = profile.settings.get(&component.name).into_iter().flatten().map(|(name, _)| name);
    let name = set.find(|name| text.contains(&format!("settings.{name} ")))?;
    Some(vec![Step::from("settings"), Step::from(&component.name), Step::from(name)])
}
