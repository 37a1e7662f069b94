//! A text by its lines, and by the quotes and brackets that are open in it.

use crate::diagnostic::Span;

/// What of quotes and brackets is open at a place.
#[derive(Default)]
pub(super) struct OpenDelimiters {
    /// Where a text in quotes opens that is not closed.
    pub(super) quote: Option<usize>,
    /// The last text in quotes.
    pub(super) quoted: Option<Span>,
    /// The brackets that are open.
    pub(super) brackets: Vec<(char, usize)>,
}

impl OpenDelimiters {
    pub(super) fn at(text: &str, end: usize) -> Self {
        let mut state = Self::default();
        let mut characters = text[..end].char_indices().peekable();
        // What came before, but for spaces: quotes and brackets mean something only where a value can begin.
        let mut before = '\n';
        let mut last = '\n';
        while let Some((at, c)) = characters.next() {
            if let Some(open) = state.quote {
                let kind = if text[open..].starts_with('"') { '"' } else { '\'' };
                match c {
                    '\\' if kind == '"' => _ = characters.next(),
                    '\'' if kind == '\'' && characters.peek().is_some_and(|(_, next)| *next == '\'') => {
                        characters.next();
                    }
                    _ if c == kind => {
                        state.quoted = Some(open..at + 1);
                        state.quote = None;
                        before = 'x';
                    }
                    _ => {}
                }
                last = c;
                continue;
            }
            let begins_value = "\n:-,[{?".contains(before);
            match c {
                '#' if last.is_whitespace() => while characters.next_if(|(_, c)| *c != '\n').is_some() {},
                '"' | '\'' if begins_value => state.quote = Some(at),
                '[' | '{' if begins_value => state.brackets.push((c, at)),
                ']' | '}' => _ = state.brackets.pop(),
                _ => {}
            }
            if !c.is_whitespace() || c == '\n' {
                before = c;
            }
            last = c;
        }
        state
    }
}

/// A text by its lines.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    pub(super) fn number(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at) - 1
    }

    pub(super) fn start(&self, number: usize) -> usize {
        self.starts[number]
    }

    pub(super) fn text(&self, number: usize) -> &'t str {
        let end = self.starts.get(number + 1).copied().unwrap_or(self.text.len());
        self.text[self.starts[number]..end].trim_end_matches(['\n', '\r'])
    }

    pub(super) fn indent(&self, number: usize) -> usize {
        self.text(number).len() - self.text(number).trim_start_matches(' ').len()
    }

    /// The bytes of a line less its indentation.
    pub(super) fn content(&self, number: usize) -> Span {
        let start = self.start(number);
        start + self.indent(number)..start + self.text(number).trim_end().len()
    }

    /// The key that a line begins with.
    pub(super) fn key(&self, number: usize) -> Option<&'t str> {
        let key = self.text(number).trim_start().split_once(':')?.0;
        key.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c)).then_some(key)
    }

    fn says_something(&self, number: usize) -> bool {
        let line = self.text(number).trim();
        !line.is_empty() && !line.starts_with('#')
    }

    /// The line before that says something.
    pub(super) fn before(&self, number: usize) -> Option<usize> {
        (0..number).rev().find(|number| self.says_something(*number))
    }

    pub(super) fn is_first_of_its_level(&self, number: usize) -> bool {
        self.before(number).is_none_or(|before| {
            self.indent(before) >= self.indent(number) || self.text(before).ends_with(':')
        })
    }

    /// The levels that are open above a line, each with its last line.
    pub(super) fn levels(&self, number: usize) -> Vec<(usize, usize)> {
        let mut levels: Vec<(usize, usize)> = Vec::new();
        for line in (0..number).filter(|line| self.says_something(*line)) {
            let depth = self.indent(line);
            levels.retain(|(level, _)| *level < depth);
            levels.push((depth, line));
            let rest = self.text(line)[depth..].strip_prefix('-').filter(|rest| rest.starts_with(' '));
            if let Some(rest) = rest {
                levels.push((depth + 1 + rest.len() - rest.trim_start().len(), line));
            }
        }
        levels
    }
}
