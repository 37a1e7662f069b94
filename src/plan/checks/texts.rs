//! Checks texts of components that other programs read: scripts, line endings, scrape jobs.

use crate::component::{Component, PrometheusDuration};
use crate::diagnostic::{Diagnostic, Report, Source};

/// Files with the line ends of another system, and words of metrics that break out of rules and configurations.
pub(super) fn texts(component: &Component, report: &mut Report) {
    let is_given =
        |path: &&String| ["files/", "private/", "replace/"].iter().any(|folder| path.starts_with(folder));
    for (_, file) in component.files.iter().filter(|(path, _)| is_given(path)) {
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        let Some(at) = text.find("\r\n").filter(|_| !text.contains('\0')) else { continue };
        let source = Source::new(file.name.as_str(), text);
        let help = format!("write LF line endings: `sed -i 's/\\r$//' {}`", file.name);
        let is_script = text.starts_with("#!") && text.find('\n') == Some(at + 1);
        let diagnostic = if is_script {
            Diagnostic::error(format!("the script `{}` has CRLF line endings and cannot start", file.name))
                .at(&source, 0..at, "no interpreter has a carriage return in its name")
        } else {
            Diagnostic::warning(format!("`{}` has CRLF line endings", file.name)).at(
                &source,
                0..at,
                "many programs read a carriage return as part of the value",
            )
        };
        report.push(diagnostic.help(help));
    }
    metrics(component, report);
}

fn metrics(component: &Component, report: &mut Report) {
    let Some(metrics) = &component.spec.metrics else { return };
    let wrong = |key: &str, message: String, label: &str| {
        component.document.error(&["metrics".into(), key.into()], message, label)
    };
    let is_word = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:".contains(c))
    };
    if let Some(job) = metrics.job.as_ref().filter(|job| !is_word(job)) {
        let message = format!("`{}` is not a valid scrape job name", job.escape_debug());
        report.push(wrong("job", message, "expected letters, digits and `_-./:`"));
    }
    let is_plain = |c: char| c.is_ascii_graphic() && !"\"'`\\<>{}".contains(c);
    if !metrics.path.starts_with('/') || !metrics.path.chars().all(is_plain) {
        let message = format!("`{}` is not a valid metrics path", metrics.path.escape_debug());
        report.push(wrong("path", message, "expected one such as `/metrics`"));
    }
    if let Some(Err(why)) = metrics.interval.as_ref().map(|interval| interval.parse::<PrometheusDuration>()) {
        let interval = metrics.interval.as_deref().unwrap_or_default();
        report.push(wrong(
            "interval",
            format!("`{}` {why}", interval.escape_debug()),
            "expected one such as `30s`",
        ));
    }
}
