//! Checks each component by itself: users, units, patterns and the files of its folder.

use std::collections::BTreeSet;

use super::places::places;
use crate::component::{COMMANDS, Component, Components, matches_whole};
use crate::diagnostic::{Diagnostic, Malformed, Report, Source, Step, meant, nearest, quoted};
use crate::template::SUFFIX;

/// Folders that every component may have.
const FOLDERS: [&str; 3] = ["files", "private", MEMBERSHIP];
/// The folder of what a changed list of members takes.
const MEMBERSHIP: &str = "membership";

/// Everything that can be said of components without looking at a profile.
/// Of those that are `partial`, what does not depend on parts that may be missing.
pub(in crate::plan) fn components(components: &Components, partial: &Components, report: &mut Report) {
    let collected: BTreeSet<_> = components
        .values()
        .chain(partial.values())
        .flat_map(|component| component.spec.collects.iter().map(|collect| collect.folder.as_str()))
        .collect();
    for component in components.values().chain(partial.values()) {
        folders(component, &collected, report);
        texts(component, report);
        install(component, report);
        units(component, report);
        modes(component, report);
        owners(component, report);
        patterns(component, report);
        places(component, report);
        super::settings::bounds(component, report);
        super::texts::texts(component, report);
        if !component.lossy {
            settings_of_checks(component, report);
            membership(component, report);
        }
    }
}

/// The commands are there where they are used, and nowhere else.
fn membership(component: &Component, report: &mut Report) {
    let (has, needs) = (component.files.contains_key(COMMANDS), component.spec.membership.is_some());
    if needs && !has {
        let message = "`membership` is missing its commands";
        let label = format!("expected {COMMANDS} in the component's folder");
        report.push(component.document.error(&[MEMBERSHIP.into()], message, label));
    }
    // A `membership` that could not be read is reported, and not there.
    if !needs && report.has_errors() {
        return;
    }
    for path in component.files.keys().filter(|path| path.starts_with("membership/")) {
        if !needs || path != COMMANDS {
            let message = format!("`{path}` of the component `{}` is not used", component.name);
            let help = format!("a component that has `membership:` has {COMMANDS}, and nothing else there");
            report.push(Diagnostic::error(message).help(help));
        }
    }
}

fn folders(component: &Component, collected: &BTreeSet<&str>, report: &mut Report) {
    let mut odd = BTreeSet::new();
    for path in component.files.keys() {
        let top = path.split_once('/').map_or(path.as_str(), |(folder, _)| folder);
        let known = path.contains('/') && (FOLDERS.contains(&top) || collected.contains(top));
        if !known && !top.ends_with(".md") {
            odd.insert(if path.contains('/') { format!("{top}/") } else { top.to_owned() });
        }
    }
    for name in odd {
        let known = FOLDERS.into_iter().chain(collected.iter().copied());
        let message = format!("`{}` of the component `{}` is not used", name.escape_debug(), component.name);
        let meant = nearest(name.trim_end_matches('/'), known.clone());
        let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}/`? "));
        let help = format!(
            "{meant}put guest files below `files/`; the folders of a component are {}",
            quoted(known)
        );
        report.push(Diagnostic::error(message).help(help));
    }
}

/// Files that are not templates must be valid by their names; templates are checked when they are rendered.
fn texts(component: &Component, report: &mut Report) {
    for (_, file) in component.files.iter().filter(|(path, _)| !path.ends_with(SUFFIX)) {
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        if let Some(found) = Malformed::find(&file.name, text) {
            let message = format!("this is not valid {}: {}", found.kind, found.reason);
            let source = Source::new(file.name.as_str(), text);
            report.push(Diagnostic::error(message).at(&source, found.span(text), ""));
        }
    }
}

fn install(component: &Component, report: &mut Report) {
    let spec = &component.spec;
    if spec.release.is_none() && !spec.install.is_empty() && !component.lossy {
        let message = "`install` extracts files of a release, but `release` is missing";
        report.push(component.document.error(&["install".into()], message, "").help("add `release:`"));
    }
    for (index, item) in spec.install.iter().enumerate() {
        let parts = item.from.trim_end_matches('/').split('/');
        let is_odd = item.from.starts_with('/') || item.from.chars().any(char::is_control);
        if is_odd || parts.clone().any(|part| matches!(part, "" | "." | "..")) {
            let path = ["install".into(), index.into(), "from".into()];
            let message = format!("`{}` is not a valid path inside an archive", item.from.escape_debug());
            report.push(component.document.error(
                &path,
                message,
                "expected a path below the archive's top folder",
            ));
        }
    }
}

fn units(component: &Component, report: &mut Report) {
    let kinds = [".service", ".socket", ".timer", ".path", ".target", ".mount", ".slice"];
    let is_name = |c: char| c.is_ascii_alphanumeric() || ":-_.@\\".contains(c);
    let files: Vec<_> = component.files.keys().map(|path| path.trim_end_matches(SUFFIX)).collect();
    let files: Vec<_> = files.iter().filter_map(|path| path.rsplit('/').next()).collect();
    for (index, unit) in component.spec.units.iter().enumerate() {
        let path = ["units".into(), index.into()];
        if !unit.chars().all(is_name) || !kinds.iter().any(|kind| unit.ends_with(kind)) {
            let message = format!("`{}` is not a valid systemd unit name", unit.escape_debug());
            report.push(component.document.error(&path, message, "expected a name such as `etcd.service`"));
        } else if !files.contains(&unit.as_str())
            && let Some(near) = nearest(unit, files.iter().copied())
        {
            let message = format!("the component does not contain the unit file `{unit}`");
            report.push(component.document.error(&path, message, format!("did you mean `{near}`?")));
        }
    }
}

fn modes(component: &Component, report: &mut Report) {
    let files: BTreeSet<_> =
        component.folder("files").map(|(path, _)| format!("/{}", path.trim_end_matches(SUFFIX))).collect();
    for path in component.spec.modes.keys().filter(|path| !files.contains(path.as_str())) {
        let key = ["modes".into(), Step::from(path.as_str())];
        let message = format!("the component does not contain the file {path}");
        let label = meant(path.as_str(), files.iter().map(String::as_str));
        let source = &component.document.source;
        report.push(Diagnostic::error(message).at(source, component.document.key_span(&key), label));
    }
}

fn owners(component: &Component, report: &mut Report) {
    let spec = &component.spec;
    let is_user = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && name.len() <= 31
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
    };
    let directories =
        spec.directories.iter().enumerate().map(|(index, item)| ("directories", index, &item.owner));
    let private = spec.private.iter().enumerate().map(|(index, item)| ("private", index, &item.owner));
    for (list, index, owner) in directories.chain(private) {
        if let Some(owner) = owner.as_ref().filter(|owner| !is_user(owner)) {
            let path = [list.into(), index.into(), "owner".into()];
            let message = format!("`{}` is not a valid name of a system user", owner.escape_debug());
            report.push(component.document.error(&path, message, ""));
        }
    }
    if let Some(user) = spec.user.as_ref().filter(|user| !is_user(&user.name)) {
        let message = format!("`{}` is not a valid name of a system user", user.name.escape_debug());
        report.push(component.document.error(&["user".into(), "name".into()], message, ""));
    }
}

fn patterns(component: &Component, report: &mut Report) {
    let spec = &component.spec;
    let settings = spec.settings.iter().map(|(name, setting)| ("settings", name, &setting.pattern));
    let secrets = spec.secrets.iter().map(|(name, secret)| ("secrets", name, &secret.pattern));
    for (list, name, pattern) in settings.chain(secrets) {
        if let Some(Err(error)) = pattern.as_deref().map(regex_lite::Regex::new) {
            let path = [Step::from(list), Step::from(name), Step::from("pattern")];
            let message = format!("invalid regular expression: {error}");
            report.push(component.document.error(&path, message, ""));
        }
    }
    for (name, setting) in &spec.settings {
        if let (Some(pattern), Some(text)) = (&setting.pattern, setting.default.as_str())
            && !matches_whole(pattern, text)
        {
            let path = [Step::from("settings"), Step::from(name), Step::from("default")];
            let message = format!("the default of `{name}` does not match its own pattern");
            report.push(component.document.error(&path, message, format!("expected a match of `{pattern}`")));
        }
    }
    for (name, secret) in &spec.secrets {
        if secret.generate.is_some_and(|length| !(16..=256).contains(&length)) {
            let path = [Step::from("secrets"), Step::from(name), Step::from("generate")];
            let message = "invalid length of a generated secret: expected 16 to 256 characters";
            report.push(component.document.error(&path, message, ""));
        }
    }
}

fn settings_of_checks(component: &Component, report: &mut Report) {
    let known = component.spec.settings.keys().map(String::as_str);
    for (index, check) in component.spec.checks.iter().enumerate() {
        if let Some(setting) =
            check.setting.as_ref().filter(|name| !component.spec.settings.contains_key(*name))
        {
            let path = ["checks".into(), index.into(), "setting".into()];
            let message = format!("unknown setting `{setting}`");
            let help = format!("the settings are {}", quoted(known.clone()));
            report.push(component.document.error(&path, message, meant(setting, known.clone())).help(help));
        }
    }
}
