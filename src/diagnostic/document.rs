//! A YAML text as a tree that keeps every position; ambiguous YAML is refused.

use std::fmt;
use std::sync::Arc;

use super::builder::Builder;
use super::entries::Entries;
use super::report::{Diagnostic, Report};
use super::source::{Source, Span};

/// One step down a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into the value of a key.
    Key(String),
    /// Into an item of a list, counted from 0.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<&String> for Step {
    fn from(key: &String) -> Self {
        Self::Key(key.clone())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The way from a document's root to one of its values.
pub type Path = Vec<Step>;

/// A value and its span.
#[derive(Clone, Debug, PartialEq)]
pub struct YamlNode {
    /// The bytes of the value.
    pub span: Span,
    /// The value.
    pub value: NodeValue,
}

/// The three kinds of YAML value. Aliases are replaced and tags refused when the text is read.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeValue {
    /// Text; `plain` when it had no quotes, so that it may be a number, a boolean or null.
    Scalar {
        /// The text, without quotes.
        text: String,
        /// Whether it was written without quotes.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<YamlNode>),
    /// Keys and values, in the order of the text, each key once.
    Mapping(Entries),
}

/// A key and its span.
#[derive(Clone, Debug, PartialEq)]
pub struct YamlKey {
    /// The bytes of the key.
    pub span: Span,
    /// The key.
    pub text: String,
}

impl YamlNode {
    /// Whether this is `null`, `~` or nothing at all.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, NodeValue::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }
}

impl fmt::Display for NodeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar { .. } => "a single value",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
        })
    }
}

/// A parsed text.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it was read from.
    pub source: Arc<Source>,
    /// What it says.
    pub root: YamlNode,
    /// The places of what was refused, with something else in their stead or nothing.
    pub refused: Vec<Span>,
    /// Whether there is nothing in it, or nothing but comments.
    pub is_empty: bool,
}

impl Document {
    /// Reads a text with exactly one YAML document; what is wrong goes into `report`.
    ///
    /// There is a document even if something in it was refused, so that the rest can be checked too.
    pub fn parse(source: &Arc<Source>, report: &mut Report) -> Option<Self> {
        let mut builder = Builder::new(source);
        let root = builder.root();
        let refused = builder.finish(report);
        let nothing = || YamlNode { span: 0..0, value: NodeValue::Mapping(Entries::default()) };
        let root = root.ok()?.filter(|node| !node.is_null());
        let is_empty = root.is_none();
        Some(Self { source: Arc::clone(source), root: root.unwrap_or_else(nothing), refused, is_empty })
    }

    /// The span of the value at `path`, or of the nearest value above it.
    pub fn span(&self, path: &[Step]) -> Span {
        let mut node = &self.root;
        let mut span = node.span.clone();
        for step in path {
            let next = match (step, &node.value) {
                (Step::Key(key), NodeValue::Mapping(entries)) => {
                    entries.get(key).map(|(name, value)| (&name.span, value))
                }
                (Step::Index(index), NodeValue::Sequence(items)) => items.get(*index).map(|v| (&v.span, v)),
                _ => None,
            };
            let Some((fallback, value)) = next else { break };
            span = if value.span.is_empty() { fallback.clone() } else { value.span.clone() };
            node = value;
        }
        span
    }

    /// The span of the last key of `path`, rather than of its value.
    pub fn key_span(&self, path: &[Step]) -> Span {
        let Some((Step::Key(last), above)) = path.split_last() else { return self.span(path) };
        let span = self.span(path);
        let Some(NodeValue::Mapping(entries)) = self.node(above).map(|node| &node.value) else { return span };
        entries.get(last).map_or(span, |(key, _)| key.span.clone())
    }

    /// Whether there is a value at `path`.
    pub fn has(&self, path: &[Step]) -> bool {
        self.node(path).is_some()
    }

    fn node(&self, path: &[Step]) -> Option<&YamlNode> {
        path.iter().try_fold(&self.root, |node, step| match (step, &node.value) {
            (Step::Key(key), NodeValue::Mapping(entries)) => entries.get(key).map(|(_, value)| value),
            (Step::Index(index), NodeValue::Sequence(items)) => items.get(*index),
            _ => None,
        })
    }

    /// A diagnostic about the value at `path`.
    pub fn error(&self, path: &[Step], message: impl Into<String>, label: impl Into<String>) -> Diagnostic {
        Diagnostic::error(message).at(&self.source, self.span(path), label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Option<Document>, String) {
        let mut report = Report::new();
        let document = Document::parse(&Source::new("t.yaml", text), &mut report);
        (document, report.render(false))
    }

    fn path(steps: &[&str]) -> Path {
        steps.iter().map(|step| step.parse().map_or_else(|_| Step::from(*step), Step::Index)).collect()
    }

    #[test]
    fn every_value_knows_its_place() {
        let text = "# имя\ncluster: \"кластер\"\nnodes:\n  - {name: a, address: 10.0.0.1}\n  - name: b\n";
        let document = parse(text).0.unwrap();
        for (steps, expected) in [
            (&["cluster"][..], "\"кластер\""),
            (&["nodes", "0", "address"], "10.0.0.1"),
            (&["nodes", "1", "name"], "b"),
        ] {
            assert_eq!(&text[document.span(&path(steps))], expected, "{steps:?}");
        }
        assert_eq!(&text[document.key_span(&path(&["nodes", "0", "address"]))], "address");
        assert!(text[document.span(&path(&["nodes", "1", "absent"]))].starts_with("name: b"));
    }

    #[test]
    fn what_is_ambiguous_is_refused_with_its_place() {
        for (text, message, place) in [
            ("a: 1\nb: 2\na: 3\n", "duplicate key `a`", "t.yaml:3:1"),
            ("a: &x [1, *x]\n", "an alias inside the value", "t.yaml:1:11"),
            ("a: *x\n", "unknown anchor `x`", "t.yaml:1:4"),
            ("a: &x 1\n<<: *x\n", "`<<` expects a mapping", "t.yaml:2:5"),
            ("a: !!int 1\n", "YAML tags are not supported", "t.yaml:1:4"),
            ("a: [1\nb: 2\n", "the `[` that opens here is not closed", "t.yaml:1:4"),
            ("a: 1\n---\nb: 2\n", "a second document", "t.yaml:2:1"),
            ("{[1]: 2}\n", "a key that is not a single word", "t.yaml:1:2"),
        ] {
            let (_, shown) = parse(text);
            assert!(shown.contains(message) && shown.contains(place), "{text:?} gave\n{shown}");
        }
    }

    #[test]
    fn aliases_and_merge_keys_stand_for_what_was_written_elsewhere() {
        let text =
            "a: &a {x: 1, y: {z: 2}}\nb: {<<: *a, x: 3}\nc: *a\nd: {<<: [*a, {w: 4, x: 5}]}\n\"<<\": 6\n";
        let (document, shown) = parse(text);
        assert_eq!(shown, "");
        let document = document.unwrap();
        for (steps, value, place) in [
            (&["b", "x"][..], "3", text.find('3').unwrap()),
            (&["b", "y", "z"], "2", text.find('2').unwrap()),
            (&["c", "x"], "1", text.find('1').unwrap()),
            (&["d", "x"], "1", text.find('1').unwrap()),
            (&["d", "w"], "4", text.find('4').unwrap()),
            (&["<<"], "6", text.find('6').unwrap()),
        ] {
            let span = document.span(&path(steps));
            assert_eq!((&text[span.clone()], span.start), (value, place), "{steps:?}");
        }
        assert_eq!(document.span(&path(&["c"])).start, text.rfind("*a\nd").unwrap());
    }

    #[test]
    fn aliases_that_grow_without_bound_are_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let alias = format!("*a{}", level - 1);
            text.extend([format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(", "))]);
        }
        let (_, shown) = parse(&text);
        assert!(shown.contains("the aliases up to here expand to too much"), "{shown}");
    }

    #[test]
    fn a_bottomless_document_is_refused() {
        for brackets in [100, 10_000] {
            let (_, shown) = parse(&"[".repeat(brackets));
            assert!(shown.contains("too deeply") || shown.contains("recursion limit"), "{shown}");
        }
    }

    #[test]
    fn an_empty_text_is_an_empty_mapping() {
        assert_eq!(parse("# nothing\n").0.unwrap().root.value, NodeValue::Mapping(Entries::default()));
    }
}
