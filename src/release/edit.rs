//! Updates a release's pins in the text of a pins file, and leaves every other byte as it is.

use std::ops::Range;

use super::{Arch, Pin, Release, Releases};
use crate::diagnostic::{Decoded, Diagnostic, Document, Report, Source, Step, decode};

/// The text of the pins file with the release `name` as `to` has it: its version, its build number and its pins.
///
/// What comes of it is read again and compared, so that it is the text for these pins or an error.
pub fn moved(pins: &Decoded<Releases>, name: &str, to: &Release) -> Result<String, Diagnostic> {
    let base = ["releases", name].map(Step::from);
    edited(pins, name, to, &base).ok_or_else(|| {
        Diagnostic::error("this entry is written in a way that cannot be changed in place")
            .at(&pins.document.source, pins.document.key_span(&base), "")
            .help("write `version`, `build`, `sha256`, `size` and `source` each as `KEY: VALUE` on one line")
    })
}

fn edited(pins: &Decoded<Releases>, name: &str, to: &Release, base: &[Step]) -> Option<String> {
    let mut expected = pins.value.clone()?;
    let from = expected.releases.insert(name.to_owned(), to.clone())?;
    let editor = Editor { document: &pins.document, text: pins.document.source.text() };
    let mut edits = Vec::new();
    if from.version != to.version {
        edits.push(editor.replace(base, "version", &scalar(&to.version)));
    }
    if let Some(build) = to.build.as_ref().filter(|_| from.build != to.build) {
        edits.push(editor.replace(base, "build", &format!("\"{build}\"")));
    }
    for (arch, pin) in &to.artifacts {
        edits.extend(editor.pin(base, *arch, from.artifacts.get(arch)?, pin));
    }
    edits.sort_by_key(|(span, _)| std::cmp::Reverse((span.start, span.end)));
    let mut text = editor.text.to_owned();
    for (span, new) in edits {
        text.get(span.clone())?;
        text.replace_range(span, &new);
    }
    reads_as(&text, &expected).then_some(text)
}

fn reads_as(text: &str, expected: &Releases) -> bool {
    let mut report = Report::new();
    let document = Document::parse(&Source::new("", text), &mut report);
    let read = document.and_then(|document| decode::<Releases>(document, &mut report).value);
    report.is_empty() && read.as_ref() == Some(expected)
}

/// A version without quotes where no YAML reader takes it for a number or a date.
fn scalar(version: &str) -> String {
    if version.matches('.').count() > 1 { version.to_owned() } else { format!("\"{version}\"") }
}

type Edit = (Range<usize>, String);

struct Editor<'a> {
    document: &'a Document,
    text: &'a str,
}

impl Editor<'_> {
    /// The span of a value. The parser counts what follows a quoted one, a comment too, as part of it.
    fn value(&self, path: &[Step]) -> Range<usize> {
        let span = self.document.span(path);
        let text = self.text.get(span.clone()).unwrap_or_default();
        let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return span };
        let mut escaped = false;
        for (at, c) in text.char_indices().skip(1) {
            if c == quote && !escaped && !(quote == '\'' && text[at + 1..].starts_with('\'')) {
                return span.start..span.start + at + 1;
            }
            // Within single quotes, two of them mean one.
            escaped = !escaped && (quote == '"' && c == '\\' || quote == '\'' && c == '\'');
        }
        span
    }

    fn replace(&self, base: &[Step], key: &str, value: &str) -> Edit {
        (self.value(&[base, &[Step::from(key)]].concat()), value.to_owned())
    }

    fn pin(&self, base: &[Step], arch: Arch, from: &Pin, to: &Pin) -> Vec<Edit> {
        let base = [base, &[Step::from("artifacts"), Step::from(&arch.to_string())]].concat();
        let size = [&base[..], &[Step::from("size")]].concat();
        let mut edits = Vec::new();
        if from.sha256 != to.sha256 {
            edits.push(self.replace(&base, "sha256", &to.sha256.to_string()));
        }
        if from.source != to.source {
            // The sources that are recorded have no character that means something in YAML.
            edits.push(self.replace(&base, "source", &to.source));
        }
        match (from.size, to.size) {
            (from, to) if from == to => {}
            (_, Some(bytes)) if self.document.has(&size) => {
                edits.push(self.replace(&base, "size", &bytes.to_string()));
            }
            (_, Some(bytes)) => edits.push(self.add_size(&base, bytes)),
            (_, None) => edits.push((self.entry(&size), String::new())),
        }
        edits
    }

    /// Adds a size after the digest: on a line of its own, or within the braces.
    fn add_size(&self, base: &[Step], bytes: u64) -> Edit {
        let path = [base, &[Step::from("sha256")]].concat();
        let (key, value) = (self.document.key_span(&path), self.value(&path));
        match self.indent(key.start) {
            Some(indent) => {
                let end = self.line_end(value.end);
                (end..end, format!("{indent}size: {bytes}\n"))
            }
            None => (value.end..value.end, format!(", size: {bytes}")),
        }
    }

    /// An entry with what separates it from others: its line, or within braces a comma.
    fn entry(&self, path: &[Step]) -> Range<usize> {
        let (key, value) = (self.document.key_span(path), self.value(path));
        if let Some(indent) = self.indent(key.start) {
            return key.start - indent.len()..self.line_end(value.end);
        }
        let after = self.text.get(value.end..).unwrap_or_default();
        if let Some(rest) = after.trim_start().strip_prefix(',') {
            return key.start..self.text.len() - rest.trim_start_matches(' ').len();
        }
        let before = self.text.get(..key.start).unwrap_or_default().trim_end();
        before.strip_suffix(',').map_or(key.start, str::len)..value.end
    }

    /// The indentation of a key, if only space precedes it on its line.
    fn indent(&self, key: usize) -> Option<&str> {
        let before = self.text.get(..key)?;
        let line = &before[before.rfind('\n').map_or(0, |newline| newline + 1)..];
        line.trim().is_empty().then_some(line)
    }

    /// Where the line after this place begins.
    fn line_end(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.find('\n').map_or(self.text.len(), |newline| at + newline + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256;

    fn try_move(text: &str, version: &str, size: Option<u64>) -> Result<String, String> {
        let mut report = Report::new();
        let document = Document::parse(&Source::new("releases.yaml", text), &mut report).unwrap();
        let decoded = decode::<Releases>(document, &mut report);
        assert_eq!(report.render(false), "");
        let mut to = decoded.value.as_ref().unwrap().releases["a"].clone();
        version.clone_into(&mut to.version);
        to.build = to.build.map(|_| "77".to_owned());
        for pin in to.artifacts.values_mut() {
            *pin = Pin { sha256: Sha256::of("new"), size, source: "somebody's word".into() };
        }
        moved(&decoded, "a", &to).map_err(|why| Report::from(why).render(false))
    }

    /// What changes, as lines that are gone and lines that are new.
    fn difference(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
        let only = |these: &str, others: &str| {
            these
                .lines()
                .filter(|line| !others.lines().any(|other| other == *line))
                .map(str::to_owned)
                .collect()
        };
        (only(old, new), only(new, old))
    }

    #[test]
    fn comments_order_and_other_releases_stay() {
        let (old, new) = (Sha256::of("old"), Sha256::of("new"));
        let text = format!(
            "# ключ\nreleases:\n  b: {{version: 1.0.0, url: x, artifacts: {{amd64: {{sha256: {old}, size: 5, source: s}}}}}}\n  \
             # about a\n  a:\n    url: x # where\n    build: '5' # number\n    version: 1.0.0 # here\n    artifacts:\n      \
             # about amd64\n      amd64:\n        sha256: {old} # digest\n        size: 5\n        source: 'it''s # found' # y\n"
        );
        let moved = try_move(&text, "1.0.1", None).unwrap();
        let (gone, added) = difference(&text, &moved);
        assert_eq!(gone.len(), 5, "{gone:?}");
        let expected = [
            "    build: \"77\" # number".to_owned(),
            "    version: 1.0.1 # here".to_owned(),
            format!("        sha256: {new} # digest"),
            "        source: somebody's word # y".to_owned(),
        ];
        assert_eq!(added, expected);
        let sized = try_move(&text, "1.10", Some(7)).unwrap();
        assert!(sized.contains("        size: 7\n") && sized.contains("version: \"1.10\" # here"), "{sized}");
    }

    #[test]
    fn a_size_comes_and_goes_in_every_style() {
        let old = Sha256::of("old");
        let with = |pin: &str| {
            format!("releases:\n  a:\n    version: 1.0.0\n    url: x\n    artifacts:\n      amd64: {pin}\n")
        };
        for (pin, size, expected) in [
            (
                format!("{{sha256: {old}, size: 5, source: s}}"),
                None,
                "{sha256: DIGEST, source: somebody's word}",
            ),
            (
                format!("{{sha256: {old}, source: s, size: 5}}"),
                None,
                "{sha256: DIGEST, source: somebody's word}",
            ),
            (
                format!("{{size: 5, sha256: {old}, source: s}}"),
                None,
                "{sha256: DIGEST, source: somebody's word}",
            ),
            (
                format!("{{sha256: {old}, source: s}}"),
                Some(7),
                "{sha256: DIGEST, size: 7, source: somebody's word}",
            ),
            (
                format!("\n        sha256: {old} # x\n        source: s"),
                Some(7),
                "\n        sha256: DIGEST # x\n        size: 7\n        source: somebody's word",
            ),
        ] {
            let moved = try_move(&with(&pin), "1.0.0", size).unwrap();
            assert_eq!(moved, with(&expected.replace("DIGEST", &Sha256::of("new").to_string())));
        }
    }

    #[test]
    fn what_cannot_be_changed_in_place_is_refused() {
        let old = Sha256::of("old");
        let text = format!(
            "releases:\n  a:\n    version: 1.0.0\n    url: x\n    artifacts:\n      amd64:\n        source: |\n          s\n        sha256: {old}\n"
        );
        let shown = try_move(&text, "1.0.1", None).unwrap_err();
        assert!(
            shown.contains("cannot be changed in place") && shown.contains("releases.yaml:2:3"),
            "{shown}"
        );
    }
}
