//! One input text with its name, so that a diagnostic can show the line it refers to.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A range of bytes in a [`Source`].
pub type Span = Range<usize>;

/// An input text and its name.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
    secret: bool,
    /// The byte with which each line begins, found when a line is first asked for.
    lines: OnceLock<Vec<usize>>,
}

impl Source {
    /// The text of the file `name`, which diagnostics may quote.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), secret: false, lines: OnceLock::new() })
    }

    /// A text whose lines no diagnostic ever quotes.
    pub fn secret(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), secret: true, lines: OnceLock::new() })
    }

    /// What the user calls it: a path, most often.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether its lines must not be quoted.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// Line and column of a byte, both counted from 1, columns in characters.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let mut at = byte.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let line = self.line(at);
        (line + 1, self.text[self.lines()[line]..at].chars().count() + 1)
    }

    /// The lines that a range of bytes touches, and the number of the first, counted from 1.
    pub fn lines_of(&self, span: &Span) -> (Span, usize) {
        let (first, last) = (self.line(span.start), self.line(span.end));
        let end = self.lines().get(last + 1).copied().unwrap_or(self.text.len());
        (self.lines()[first]..end, first + 1)
    }

    /// The line of a byte, counted from 0.
    fn line(&self, byte: usize) -> usize {
        self.lines().partition_point(|start| *start <= byte) - 1
    }

    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect()
        })
    }
}

/// The bytes of a line of a text, counted from 1, less its indentation; nothing at the end of a text that has fewer.
pub(crate) fn line_span(text: &str, line: usize) -> Span {
    let start = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    let content = text[start..].lines().next().unwrap_or_default();
    start + content.len() - content.trim_start().len()..start + content.len()
}
