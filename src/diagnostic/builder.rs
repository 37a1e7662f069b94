//! The parser's events as a tree with positions; what is ambiguous in YAML is refused on the way.

use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::document::{Key, Node, NodeValue};
use super::report::{Diagnostic, Report};
use super::source::{Source, Span};

/// How deep a document may nest: deeper than any honest one, shallower than the stack.
const MAX_DEPTH: usize = 64;

/// The rest of the text cannot be read; the report says why.
pub(super) struct Unreadable;

/// Turns the parser's events into a tree.
pub(super) struct Builder<'s> {
    source: &'s Arc<Source>,
    parser: Parser<'s, saphyr_parser::StrInput<'s>>,
    /// Byte offset of each character, empty for ASCII texts: the parser counts characters.
    offsets: Vec<usize>,
    report: Report,
    refused: Vec<Span>,
}

impl<'s> Builder<'s> {
    pub(super) fn new(source: &'s Arc<Source>) -> Self {
        let text = source.text();
        let offsets =
            if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() };
        let parser = Parser::new_from_str(text);
        Self { source, parser, offsets, report: Report::new(), refused: Vec::new() }
    }

    /// Reports what was refused on the way, and returns its places.
    pub(super) fn finish(self, report: &mut Report) -> Vec<Span> {
        report.extend(self.report);
        self.refused
    }

    fn byte(&self, character: usize) -> usize {
        if self.offsets.is_empty() {
            return character.min(self.source.text().len());
        }
        self.offsets.get(character).copied().unwrap_or(self.source.text().len())
    }

    fn refuse(&mut self, span: Span, message: &str, help: &str) {
        self.report.push(Diagnostic::error(message).at(self.source, span.clone(), "").help(help));
        self.refused.push(span);
    }

    fn next(&mut self) -> Result<(Event<'s>, Span), Unreadable> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                Ok((event, self.byte(span.start.index())..self.byte(span.end.index())))
            }
            Some(Err(error)) => {
                let at = self.byte(error.marker().index());
                let quote = if self.source.is_secret() { "its structure is broken" } else { error.info() };
                let message = format!("this is no YAML: {quote}");
                self.refuse(at..at, &message, "check indentation, quotes and brackets up to here");
                Err(Unreadable)
            }
            None => Ok((Event::StreamEnd, 0..0)),
        }
    }

    /// The document's value; `None` if there is no document.
    pub(super) fn root(&mut self) -> Result<Option<Node>, Unreadable> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(_) if root.is_some() => {
                    self.refuse(span, "a second document in one file", "keep one document, remove the `---`");
                    return Ok(root);
                }
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                event => root = Some(self.node(event, span, 0)?),
            }
        }
    }

    fn node(&mut self, event: Event<'s>, span: Span, depth: usize) -> Result<Node, Unreadable> {
        if depth > MAX_DEPTH {
            self.refuse(span, "this nests too deeply", &format!("at most {MAX_DEPTH} levels are read"));
            return Err(Unreadable);
        }
        let value = match event {
            Event::Scalar(text, style, _, tag) => {
                if tag.is_some() {
                    self.refuse(
                        span.clone(),
                        "YAML tags are not read",
                        "remove the tag: types follow from the key",
                    );
                }
                NodeValue::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }
            }
            Event::SequenceStart(..) => return self.sequence(span, depth),
            Event::MappingStart(..) => return self.mapping(span, depth),
            _ => {
                self.refuse(span.clone(), "YAML aliases are not read", "write the value out");
                NodeValue::Scalar { text: String::new(), plain: true }
            }
        };
        Ok(Node { span, value })
    }

    fn sequence(&mut self, start: Span, depth: usize) -> Result<Node, Unreadable> {
        let mut items: Vec<Node> = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    let end = items.last().map_or(end.end, |last| last.span.end);
                    let span = start.start..end.max(start.end);
                    return Ok(Node { span, value: NodeValue::Sequence(items) });
                }
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, start: Span, depth: usize) -> Result<Node, Unreadable> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        loop {
            match self.next()? {
                (Event::MappingEnd, end) => {
                    let first =
                        entries.first().map_or(start.start, |(key, _)| key.span.start.min(start.start));
                    let end = entries.last().map_or(end.end, |(_, value)| value.span.end);
                    let span = first..end.max(start.end);
                    return Ok(Node { span, value: NodeValue::Mapping(entries) });
                }
                (event, span) => {
                    let key = self.node(event, span, depth + 1)?;
                    let (event, span) = self.next()?;
                    let value = self.node(event, span, depth + 1)?;
                    self.add_entry(&mut entries, key, value);
                }
            }
        }
    }

    fn add_entry(&mut self, entries: &mut Vec<(Key, Node)>, key: Node, value: Node) {
        let NodeValue::Scalar { text, .. } = key.value else {
            self.refuse(key.span, "a key that is no single word", "write a word before the colon");
            return;
        };
        if let Some((earlier, _)) = entries.iter().find(|(other, _)| other.text == text) {
            let quoted =
                if self.source.is_secret() { "a key".to_owned() } else { format!("the key `{text}`") };
            let diagnostic = Diagnostic::error(format!("{quoted} stands here twice"))
                .at(self.source, key.span.clone(), "again")
                .at(self.source, earlier.span.clone(), "first")
                .help("remove one of the two");
            self.report.push(diagnostic);
            self.refused.push(key.span);
            return;
        }
        entries.push((Key { span: key.span, text }, value));
    }
}
