//! One input text with its name, so that a diagnostic can show the line that it speaks of.

use std::ops::Range;
use std::sync::Arc;

/// A range of bytes in a [`Source`].
pub type Span = Range<usize>;

/// A text that somebody wrote, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
    secret: bool,
}

impl Source {
    /// The text of the file `name`, which diagnostics may quote.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), secret: false })
    }

    /// A text whose lines no diagnostic ever quotes.
    pub fn secret(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), secret: true })
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
        let before = &self.text[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}
