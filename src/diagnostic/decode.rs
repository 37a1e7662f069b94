//! Decodes a document into a typed value and reports every mismatch, not only the first.

use schemars::{JsonSchema, schema_for};
use serde::de::DeserializeOwned;

use super::deserialize::{DecodeError, DecodeProblem, HELP};
use super::document::{Document, NodeValue, Path, Step, YamlNode};
use super::report::{Diagnostic, Report};
use super::suggest::nearest;

/// How many mismatches of one document are reported before the rest is left for the next run.
const MAX_PROBLEMS: usize = 99;

/// What could be read.
#[derive(Clone, Debug)]
pub struct Decoded<T> {
    /// The value, without the parts that did not fit; `None` if too little is left of it.
    pub value: Option<T>,
    /// The document, without those parts: positions of `value` are looked up here.
    pub document: Document,
    /// Whether a part was left out that means something: then what follows from the whole is not worth saying.
    pub lossy: bool,
}

/// Reads `document` as a `T`.
///
/// serde stops at the first mismatch. So that one run reports them all, the part that does not fit is taken
/// out of the tree and the rest is read again, until it fits.
pub fn decode<T: DeserializeOwned + JsonSchema>(mut document: Document, report: &mut Report) -> Decoded<T> {
    if document.is_empty && T::deserialize(&document.root).is_err() {
        let message = format!("`{}` is empty", document.source.name());
        let help = "docs/ and `imgbuild schema` say what belongs there";
        report.push(Diagnostic::error(message).at(&document.source, 0..0, "").help(help));
        return Decoded { value: None, document, lossy: true };
    }
    let mut lossy = !document.refused.is_empty();
    let mut known_missing: Vec<(usize, String)> = Vec::new();
    for _ in 0..MAX_PROBLEMS {
        let error = match T::deserialize(&document.root) {
            Ok(value) => return Decoded { value: Some(value), document, lossy },
            Err(error) => error,
        };
        lossy |= !matches!(error.problem, DecodeProblem::UnknownField(..));
        let place = document.span(&error.path);
        let follows = matches!(&error.problem, DecodeProblem::MissingField(name)
            if known_missing.contains(&(place.start, (*name).to_owned())));
        if error.path.is_empty() && matches!(error.problem, DecodeProblem::MissingField(_)) {
            // Nothing can be taken out here, so that all that is missing is said at once.
            let said = |name: &String| known_missing.contains(&(place.start, name.clone()));
            for name in missing_at_the_top::<T>(&document).iter().filter(|name| !said(name)) {
                report.push(missing(&document, &error.path, name));
            }
            return Decoded { value: None, document, lossy: true };
        }
        if !follows && !document.refused.contains(&place) {
            report.push(diagnostic(&document, &error));
        }
        if let Some((Step::Key(key), above)) = error.path.split_last() {
            let above = document.span(above).start;
            if let DecodeProblem::UnknownField(name, known) = &error.problem {
                known_missing
                    .extend(nearest(name, known.iter().copied()).map(|meant| (above, meant.to_owned())));
            }
            known_missing.push((above, key.clone()));
        }
        if error.path.is_empty() || !remove(&mut document.root, &error.path) {
            return Decoded { value: None, document, lossy: true };
        }
    }
    let message =
        format!("`{}` has too many problems: only the first of them are shown", document.source.name());
    report.push(Diagnostic::error(message).help("correct these first"));
    Decoded { value: None, document, lossy: true }
}

/// The required keys of `T` that are missing in this document, in the order of `T`.
fn missing_at_the_top<T: JsonSchema>(document: &Document) -> Vec<String> {
    let schema = schema_for!(T);
    let required = schema.get("required").and_then(serde_json::Value::as_array).into_iter().flatten();
    let NodeValue::Mapping(entries) = &document.root.value else { return Vec::new() };
    let required = required.filter_map(serde_json::Value::as_str);
    required.filter(|name| entries.iter().all(|(key, _)| key.text != *name)).map(str::to_owned).collect()
}

fn missing(document: &Document, path: &Path, name: &str) -> Diagnostic {
    let message = format!("the key `{name}` is missing");
    document.error(path, message, format!("in {}", describe(path))).help(format!("add `{name}:`"))
}

fn diagnostic(document: &Document, error: &DecodeError) -> Diagnostic {
    if document.source.is_secret() {
        let message = "invalid entry in the secrets file";
        return document.error(&error.path, message, "").help("write one `name: value` per line");
    }
    let place = describe(&error.path);
    match &error.problem {
        DecodeProblem::UnknownField(name, known) => {
            let label = nearest(name, known.iter().copied())
                .map_or_else(|| "not known here".to_owned(), |meant| format!("did you mean `{meant}`?"));
            let mut help = format!("expected one of {}", listed(known));
            if OF_CLOUD_INIT.contains(&name.as_str()) {
                help += "; a component of your own can add it: a folder in `--overlays DIR`, see docs/reference/component.md";
            }
            Diagnostic::error(format!("unknown key `{}`", name.escape_debug()))
                .at(&document.source, document.key_span(&error.path), label)
                .help(help)
        }
        DecodeProblem::UnknownVariant(name, known) => {
            let label = nearest(name, known.iter().copied())
                .map_or_else(|| "not one of them".to_owned(), |meant| format!("did you mean `{meant}`?"));
            document
                .error(
                    &error.path,
                    format!("`{}` is not a valid value of {place}", name.escape_debug()),
                    label,
                )
                .help(format!("expected {}", listed(known)))
        }
        DecodeProblem::MissingField(name) => missing(document, &error.path, name),
        DecodeProblem::Invalid(text) => {
            let (message, help) = text.split_once(HELP).map_or((text.as_str(), None), |(m, h)| (m, Some(h)));
            let span = if error.is_key { document.key_span(&error.path) } else { document.span(&error.path) };
            let diagnostic = Diagnostic::error(message).at(&document.source, span, place);
            match help {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            }
        }
    }
}

/// Keys of cloud-init that a profile does not have: a component does their job.
const OF_CLOUD_INIT: [&str; 16] = [
    "apt",
    "bootcmd",
    "ca_certs",
    "ca_certificates",
    "chrony",
    "disks",
    "fqdn",
    "groups",
    "mounts",
    "ntp",
    "packages",
    "proxy",
    "runcmd",
    "snap",
    "users",
    "write_files",
];

fn listed(words: &[&str]) -> String {
    if words.is_empty() { "none".to_owned() } else { format!("`{}`", words.join("`, `")) }
}

/// A path as people write it: `nodes[0].address`.
fn describe(path: &Path) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Index(index) => text.extend(["[", &index.to_string(), "]"]),
        }
    }
    if text.is_empty() { "the document".to_owned() } else { format!("`{text}`") }
}

fn remove(node: &mut YamlNode, path: &[Step]) -> bool {
    match (path, &mut node.value) {
        ([Step::Key(key)], NodeValue::Mapping(entries)) => entries.remove(key),
        ([Step::Index(index)], NodeValue::Sequence(items)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        ([Step::Key(key), rest @ ..], NodeValue::Mapping(entries)) => {
            entries.value_mut(key).is_some_and(|value| remove(value, rest))
        }
        ([Step::Index(index), rest @ ..], NodeValue::Sequence(items)) => {
            items.get_mut(*index).is_some_and(|item| remove(item, rest))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::diagnostic::Source;

    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    #[serde(deny_unknown_fields, expecting = "a mapping")]
    struct Cluster {
        name: String,
        #[serde(default)]
        nodes: Vec<Member>,
        #[serde(default)]
        #[schemars(with = "BTreeMap<String, serde_json::Value>")]
        extra: BTreeMap<String, serde_yaml::Value>,
    }

    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Member {
        address: std::net::Ipv4Addr,
        #[serde(default)]
        on: Option<bool>,
        port: Option<u16>,
    }

    fn read(text: &str) -> (Decoded<Cluster>, String) {
        let mut report = Report::new();
        let document = Document::parse(&Source::new("t.yaml", text), &mut report).unwrap();
        (decode(document, &mut report), report.render(false))
    }

    #[test]
    fn texts_stay_as_written() {
        let (decoded, shown) =
            read("name: 1.30\nextra: {a: 0644, b: no, c: 12, d: 1_000, e: -0.5, f: true, g: '7'}\n");
        assert_eq!(shown, "");
        let value = decoded.value.unwrap();
        assert_eq!(value.name, "1.30");
        let extra = serde_json::to_string(&value.extra).unwrap();
        assert_eq!(extra, r#"{"a":"0644","b":"no","c":12,"d":"1_000","e":-0.5,"f":true,"g":"7"}"#);
    }

    #[test]
    fn all_mismatches_are_reported_in_one_run_and_the_rest_is_kept() {
        let text = "name: a\nnodes:\n- adress: 10.0.0.1\n- address: 10.0.0.300\n- {address: 10.0.0.2, on: yes}\n\
                    - {address: 10.0.0.3, port: 70000}\nextra: [1]\nnode: 1\n";
        let (decoded, shown) = read(text);
        for part in [
            "unknown key `adress`",
            "t.yaml:3:3",
            "did you mean `address`?",
            "invalid IPv4 address syntax",
            "t.yaml:4:12",
            "`nodes[0].address`",
            "expected `true` or `false`, got the text `yes`",
            "expected a whole number from 0 to 65535",
            "expected a mapping, got a list",
            "unknown key `node`",
            "did you mean `nodes`?",
        ] {
            assert!(shown.contains(part), "{part} is missing in\n{shown}");
        }
        assert!(!shown.contains("is missing"), "what follows from another mismatch is not said\n{shown}");
        assert!(decoded.lossy);
        assert_eq!(decoded.value.unwrap().nodes.len(), 2);
    }

    #[test]
    fn a_document_of_another_kind_ends_with_one_report() {
        let (decoded, shown) = read("- 1\n- 2\n");
        assert!(decoded.value.is_none());
        assert!(shown.contains("expected a mapping, got a list"), "{shown}");
    }
}
