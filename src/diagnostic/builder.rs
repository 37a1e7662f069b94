//! Builds a tree with positions from the parser's events, and refuses ambiguous YAML.

use std::collections::BTreeMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::document::{NodeValue, YamlKey, YamlNode};
use super::entries::Entries;
use super::report::{Diagnostic, Report};
use super::source::{Source, Span};
use super::syntax;

/// How deep a document may nest: deeper than any honest one, shallower than the stack.
const MAX_DEPTH: usize = 64;
/// How many values all aliases of a document may expand to: aliases of aliases grow without bound.
const MAX_REPEATED: usize = 100_000;
/// The key that takes in the entries of other mappings (<https://yaml.org/type/merge.html>).
const MERGE: &str = "<<";

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
    /// The values that have an anchor, by the parser's number of it.
    anchors: BTreeMap<usize, Anchored>,
    /// How many values aliases have stood for so far.
    repeated: usize,
}

/// A value that aliases can refer to.
struct Anchored {
    node: YamlNode,
    /// How many values it is.
    size: usize,
    /// How deep it nests.
    height: usize,
}

impl<'s> Builder<'s> {
    pub(super) fn new(source: &'s Arc<Source>) -> Self {
        let text = source.text();
        let offsets =
            if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() };
        let parser = Parser::new_from_str(text);
        Self {
            source,
            parser,
            offsets,
            report: Report::new(),
            refused: Vec::new(),
            anchors: BTreeMap::new(),
            repeated: 0,
        }
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
                let slip = syntax::explain(self.source.text(), at, error.info(), self.source.is_secret());
                let mut diagnostic =
                    Diagnostic::error(slip.message).at(self.source, slip.span.clone(), slip.label);
                if let Some((span, label)) = slip.beside {
                    diagnostic = diagnostic.at(self.source, span, label);
                }
                self.report.push(diagnostic.help(slip.help));
                self.refused.push(slip.span);
                Err(Unreadable)
            }
            None => Ok((Event::StreamEnd, 0..0)),
        }
    }

    /// The document's value; `None` if there is no document.
    pub(super) fn root(&mut self) -> Result<Option<YamlNode>, Unreadable> {
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

    fn node(&mut self, event: Event<'s>, span: Span, depth: usize) -> Result<YamlNode, Unreadable> {
        if depth > MAX_DEPTH {
            self.refuse(span, "this is nested too deeply", &format!("at most {MAX_DEPTH} levels are read"));
            return Err(Unreadable);
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                if tag.is_some() {
                    self.refuse(
                        span.clone(),
                        "YAML tags are not supported",
                        "remove the tag: the key determines the type",
                    );
                }
                let value = NodeValue::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                (YamlNode { span, value }, anchor)
            }
            Event::SequenceStart(anchor, _) => (self.sequence(span, depth)?, anchor),
            Event::MappingStart(anchor, _) => (self.mapping(span, depth)?, anchor),
            Event::Alias(anchor) => return self.alias(anchor, span, depth),
            _ => unreachable!("the parser gives no other event where a value is expected"),
        };
        if anchor > 0 {
            let (size, height) = measured(&node);
            self.anchors.insert(anchor, Anchored { node: node.clone(), size, height });
        }
        Ok(node)
    }

    /// The value that an alias refers to. Its parts keep the places where they were written; the value itself is at the alias.
    fn alias(&mut self, anchor: usize, span: Span, depth: usize) -> Result<YamlNode, Unreadable> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            self.refuse(span, "an alias inside the value that it refers to", "write the value out");
            return Err(Unreadable);
        };
        self.repeated += anchored.size;
        if self.repeated > MAX_REPEATED || depth + anchored.height > MAX_DEPTH {
            let help = format!("at most {MAX_REPEATED} values and {MAX_DEPTH} levels are read");
            self.refuse(span, "the aliases up to here expand to too much", &help);
            return Err(Unreadable);
        }
        Ok(YamlNode { span, value: anchored.node.value.clone() })
    }

    fn sequence(&mut self, start: Span, depth: usize) -> Result<YamlNode, Unreadable> {
        let mut items: Vec<YamlNode> = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    let end = items.last().map_or(end.end, |last| last.span.end);
                    let span = start.start..end.max(start.end);
                    return Ok(YamlNode { span, value: NodeValue::Sequence(items) });
                }
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, start: Span, depth: usize) -> Result<YamlNode, Unreadable> {
        let mut entries = Entries::default();
        let mut merged: Option<YamlNode> = None;
        let (mut first, mut last) = (start.start, start.end);
        loop {
            match self.next()? {
                (Event::MappingEnd, end) => {
                    // A mapping in braces ends with its brace; one without, with its last value.
                    let last = if entries.is_empty() { last.max(end.end) } else { last };
                    if let Some(node) = merged {
                        self.merge(&mut entries, node);
                    }
                    return Ok(YamlNode { span: first..last, value: NodeValue::Mapping(entries) });
                }
                (event, span) => {
                    let key = self.node(event, span, depth + 1)?;
                    first = first.min(key.span.start);
                    let (event, span) = self.next()?;
                    let value = self.node(event, span, depth + 1)?;
                    last = last.max(value.span.end);
                    let is_merge =
                        matches!(&key.value, NodeValue::Scalar { text, plain: true } if text == MERGE);
                    if is_merge && merged.is_none() {
                        merged = Some(value);
                    } else {
                        self.add_entry(&mut entries, key, value);
                    }
                }
            }
        }
    }

    /// Adds the entries of one mapping, or of several in a list, whose keys are not there yet.
    fn merge(&mut self, entries: &mut Entries, node: YamlNode) {
        match node.value {
            NodeValue::Mapping(list) => {
                for (key, value) in list {
                    if entries.get(&key.text).is_none() {
                        entries.add(key, value);
                    }
                }
            }
            NodeValue::Sequence(items)
                if items.iter().all(|item| matches!(item.value, NodeValue::Mapping(_))) =>
            {
                for item in items {
                    self.merge(entries, item);
                }
            }
            _ => {
                let help = "write `<<: *NAME`, where `&NAME` is the anchor of a mapping";
                self.refuse(node.span, "`<<` expects a mapping or a list of mappings", help);
            }
        }
    }

    fn add_entry(&mut self, entries: &mut Entries, key: YamlNode, value: YamlNode) {
        let NodeValue::Scalar { text, .. } = key.value else {
            self.refuse(key.span, "a key that is not a single word", "write a word before the colon");
            return;
        };
        if let Some((earlier, _)) = entries.get(&text) {
            let message = if self.source.is_secret() {
                "duplicate key".to_owned()
            } else {
                format!("duplicate key `{text}`")
            };
            let diagnostic = Diagnostic::error(message)
                .at(self.source, key.span.clone(), "again")
                .at(self.source, earlier.span.clone(), "first")
                .help("remove one of the two");
            self.report.push(diagnostic);
            self.refused.push(key.span);
            return;
        }
        entries.add(YamlKey { span: key.span, text }, value);
    }
}

/// How many values a value is, and how deep it nests.
fn measured(node: &YamlNode) -> (usize, usize) {
    let parts: Box<dyn Iterator<Item = &YamlNode>> = match &node.value {
        NodeValue::Scalar { .. } => return (1, 1),
        NodeValue::Sequence(items) => Box::new(items.iter()),
        NodeValue::Mapping(entries) => Box::new(entries.iter().map(|(_, value)| value)),
    };
    let (size, height) =
        parts.map(measured).fold((0, 0), |(size, height), part| (size + part.0, height.max(part.1)));
    (size + 1, height + 1)
}
