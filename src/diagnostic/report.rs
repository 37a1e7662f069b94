//! Collects diagnostics (what failed, where, how to go on) and renders them together.

use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use super::listed::{Listed, Location};
use super::source::{Source, Span};
use crate::escape::{escaped, masked};

/// How many diagnostics are shown at once.
const MAX_SHOWN: usize = 100;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is built.
    Error,
    /// Something is built, and may not be what was meant.
    Warning,
}

/// A place in a source, with a few words about it.
#[derive(Clone, Debug)]
pub struct Label {
    source: Arc<Source>,
    span: Span,
    text: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
#[must_use]
pub struct Diagnostic {
    severity: Severity,
    message: String,
    labels: Vec<Label>,
    help: Option<String>,
}

impl Diagnostic {
    /// Something that stops a build. Lower case, things in backticks, no full stop.
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), labels: Vec::new(), help: None }
    }

    /// Something that does not.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// Points at the place, the first label at the culprit, further ones at what it collides with.
    pub fn at(mut self, source: &Arc<Source>, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { source: Arc::clone(source), span, text: text.into() });
        self
    }

    /// Says how to go on: a command or an edit.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    fn listed(&self) -> Listed {
        let place = |label: &Label| {
            let (line, column) = label.source.position(label.span.start);
            // The words about a secret may repeat it.
            let label_text = if label.source.is_secret() { String::new() } else { label.text.clone() };
            Location { file: label.source.name().to_owned(), line, column, label: label_text }
        };
        Listed {
            severity: self.severity,
            message: self.message.clone(),
            places: self.labels.iter().map(place).collect(),
            help: self.help.clone(),
        }
    }

    fn order(&self) -> (Option<(&str, usize)>, &str) {
        (self.labels.first().map(|label| (label.source.name(), label.span.start)), &self.message)
    }

    fn group(&self) -> Group<'_> {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut main = Group::with_title(level.primary_title(escaped(&self.message)));
        let mut sources: Vec<&Arc<Source>> = Vec::new();
        for label in &self.labels {
            if !sources.iter().any(|known| Arc::ptr_eq(known, &label.source)) {
                sources.push(&label.source);
            }
        }
        for source in sources {
            main = self.add_source(main, source);
        }
        match &self.help {
            Some(help) if !self.labels.is_empty() => main.element(Level::HELP.message(escaped(help))),
            _ => main,
        }
    }

    /// What to show after the main group: help without a snippet before it would hang on nothing.
    fn separate_help(&self) -> Option<Group<'_>> {
        let help = self.help.as_ref().filter(|_| self.labels.is_empty())?;
        Some(Group::with_title(Level::HELP.secondary_title(escaped(help))))
    }

    fn add_source<'a>(&'a self, group: Group<'a>, source: &'a Arc<Source>) -> Group<'a> {
        let labels = self.labels.iter().filter(|label| Arc::ptr_eq(&label.source, source));
        if source.is_secret() {
            return labels.fold(group, |group, label| {
                let (line, column) = source.position(label.span.start);
                group.element(Origin::path(escaped(source.name())).line(line).char_column(column))
            });
        }
        let labels: Vec<_> = labels.map(|label| (label, visible(source.text(), &label.span))).collect();
        let start = labels.iter().map(|(_, span)| span.start).min().unwrap_or_default();
        let end = labels.iter().map(|(_, span)| span.end).max().unwrap_or_default();
        // The renderer goes through all that it is given.
        let (lines, number) = source.lines_of(&(start..end));
        let mut snippet = Snippet::source(masked(&source.text()[lines.clone()]))
            .path(escaped(source.name()))
            .line_start(number);
        for (index, (label, span)) in labels.into_iter().enumerate() {
            let first = index == 0 && Arc::ptr_eq(&self.labels[0].source, source);
            let kind = if first { AnnotationKind::Primary } else { AnnotationKind::Context };
            let text = (!label.text.is_empty()).then(|| escaped(&label.text));
            let span = span.start - lines.start..span.end - lines.start;
            snippet = snippet.annotation(kind.span(span).label(text));
        }
        group.element(snippet)
    }
}

/// The span within the text, cut at its first line's end: a mapping of forty lines is shown by its first.
fn visible(text: &str, span: &Span) -> Span {
    // Template errors come with spans that may begin or end inside of a character.
    let start = text.floor_char_boundary(span.start);
    let end = text.ceil_char_boundary(span.end.max(start));
    let line = text[start..end].find('\n').map_or(end, |newline| start + newline);
    start..line
}

/// All that is wrong, in the order of the sources.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Report(Vec<Diagnostic>);

impl Report {
    /// Nothing is wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether anything in it stops a build.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there are more errors than are shown, so that looking for further ones leads to nothing.
    pub fn is_full(&self) -> bool {
        self.0.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).nth(MAX_SHOWN).is_some()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The diagnostics, sorted by file and place.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by(|a, b| a.order().cmp(&b.order()));
        all.dedup_by(|a, b| a.order() == b.order());
        all
    }

    /// The whole report for programs, in the same order.
    pub fn listed(&self) -> Vec<Listed> {
        self.sorted().into_iter().map(Diagnostic::listed).collect()
    }

    /// The report for people, errors before warnings where there is no room for all, with colours if `color`.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let show = |one: &&Diagnostic| {
            let groups = [Some(one.group()), one.separate_help()];
            groups.into_iter().flatten().map(|group| renderer.render(&[group])).collect::<Vec<_>>().join("\n")
        };
        let mut all = self.sorted();
        let more = all.len().saturating_sub(MAX_SHOWN);
        if more > 0 {
            // The sort is stable: by place within each severity.
            all.sort_by_key(|diagnostic| diagnostic.severity);
        }
        let mut shown: Vec<_> = all.iter().take(MAX_SHOWN).map(show).collect();
        if more > 0 {
            let (errors, which) = (all[MAX_SHOWN..].iter(), Severity::Error);
            let errors = errors.filter(|diagnostic| diagnostic.severity == which).count();
            let rest = Level::NOTE.primary_title(format!(
                "{more} more problems are not shown, {errors} of them errors: correct these first"
            ));
            shown.push(renderer.render(&[Group::with_title(rest)]));
        }
        shown.join("\n\n")
    }
}

impl From<Diagnostic> for Report {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_file_line_column_and_a_way_on() {
        let source = Source::new("profile.yaml", "cluster: a\nnodes: 1\n");
        let report = Report::from(
            Diagnostic::error("expected a list").at(&source, 18..19, "this is a number").help("write `[]`"),
        );
        let text = report.render(false);
        for part in
            ["error: expected a list", "profile.yaml:2:8", "nodes: 1", "this is a number", "help: write `[]`"]
        {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn of_many_problems_the_first_are_shown_and_the_rest_counted() {
        let text = "- one\n".repeat(60_000);
        let source = Source::new("many.yaml", text.as_str());
        let mut report = Report::from(Diagnostic::warning("a warning").at(&source, 0..1, ""));
        for line in 0..60_000 {
            report.push(Diagnostic::error("an error").at(&source, line * 6 + 2..line * 6 + 5, ""));
        }
        let shown = report.render(false);
        assert_eq!(shown.matches("error: an error").count(), 100);
        assert!(!shown.contains("a warning") && shown.contains("many.yaml:100:3"), "{shown}");
        assert!(shown.contains("note: 59901 more problems are not shown, 59900 of them errors"), "{shown}");
    }

    #[test]
    fn a_secret_source_is_never_quoted() {
        let source = Source::secret("secrets.yaml", "password: hunter2\n");
        let text = Report::from(Diagnostic::error("unknown secret").at(&source, 0..8, "")).render(true);
        assert!(text.contains("secrets.yaml:1:1"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("password"), "{text}");
    }
}
