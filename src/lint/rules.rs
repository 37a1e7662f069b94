//! Rule files, as Prometheus reads them (prometheus/model/rulefmt): their keys, expressions, durations and texts.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_yaml::{Mapping, Value};

use super::promql::{self, ExpressionCheck};
use super::{Finding, go_template};
use crate::diagnostic::line_span;

/// What a group can say.
const OF_GROUP: [&str; 6] = ["name", "interval", "query_offset", "limit", "labels", "rules"];
/// What a rule can say.
const OF_RULE: [&str; 7] = ["alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"];

/// All that Prometheus would refuse in a rule file that is YAML.
pub(super) fn check(text: &str) -> Vec<Finding> {
    let Ok(mut value) = serde_yaml::from_str::<Value>(text) else { return Vec::new() };
    let mut reader = Reader { text, findings: Vec::new(), at: 0..0 };
    if value.apply_merge().is_err() {
        reader.error("`<<` expects a mapping".to_owned(), "");
        return reader.findings;
    }
    reader.file(&value);
    reader.findings
}

struct Reader<'t> {
    text: &'t str,
    findings: Vec<Finding>,
    /// What is looked at.
    at: Range<usize>,
}

impl Reader<'_> {
    fn error(&mut self, message: String, help: &str) {
        self.findings.push(Finding::error(self.at.clone(), message, help));
    }

    fn file(&mut self, value: &Value) {
        let file = match value {
            Value::Null => return,
            Value::Mapping(file) => file,
            _ => return self.error("a rule file is a mapping with `groups`".to_owned(), ""),
        };
        self.keys(file, "a rule file", &["groups"]);
        let groups = match file.get("groups") {
            None | Some(Value::Null) => return,
            Some(Value::Sequence(groups)) => groups,
            Some(_) => return self.error("`groups` is not a list".to_owned(), ""),
        };
        let rules = Lines::find(self.text, &["alert", "record"], groups);
        let expressions = Lines::find(self.text, &["expr"], groups);
        let (mut names, mut index) = (BTreeSet::new(), 0);
        for group in groups {
            let Value::Mapping(group) = group else {
                self.error("a group is not a mapping".to_owned(), "a group has `name` and `rules`");
                continue;
            };
            let name = self.group(group);
            if !names.insert(name.clone()) {
                self.error(format!("two groups are called `{name}`"), "rename one of them");
            }
            for rule in group.get("rules").and_then(Value::as_sequence).into_iter().flatten() {
                self.at = rules.span(index);
                self.rule(rule, expressions.span(index));
                index += 1;
            }
            self.at = 0..0;
        }
    }

    fn group(&mut self, group: &Mapping) -> String {
        let name = group.get("name").and_then(scalar).unwrap_or_default();
        if name.is_empty() {
            self.error("a group is missing its `name`".to_owned(), "add `name:`");
        }
        let of = format!("the group `{name}`");
        self.keys(group, &of, &OF_GROUP);
        for key in ["interval", "query_offset"] {
            self.duration(group, key, &of);
        }
        if group.get("rules").is_some_and(|rules| !rules.is_sequence() && !rules.is_null()) {
            self.error(format!("`rules` of {of} is not a list"), "");
        }
        name
    }

    fn rule(&mut self, rule: &Value, expression: Range<usize>) {
        let Value::Mapping(rule) = rule else {
            return self
                .error("a rule is not a mapping".to_owned(), "a rule has `alert` or `record`, and `expr`");
        };
        let text = |key: &str| rule.get(key).and_then(scalar).filter(|text| !text.is_empty());
        let of = match (text("alert"), text("record")) {
            (Some(name), None) => format!("the alert `{name}`"),
            (None, Some(name)) => format!("the record `{name}`"),
            _ => {
                return self.error(
                    "expected either `alert` or `record` in a rule".to_owned(),
                    "give it one of the two",
                );
            }
        };
        self.keys(rule, &of, &OF_RULE);
        for key in ["for", "keep_firing_for"] {
            self.duration(rule, key, &of);
        }
        if text("record").is_some() {
            for key in
                ["for", "keep_firing_for", "annotations"].into_iter().filter(|key| rule.get(*key).is_some())
            {
                self.error(format!("unexpected `{key}` in {of}: only alerts can have it"), "remove it");
            }
        }
        self.texts(rule, "labels", &of);
        self.texts(rule, "annotations", &of);
        match rule.get("expr").map(|value| scalar(value).ok_or(value)) {
            None => self.error(format!("{of} is missing its `expr`"), "add `expr:`"),
            Some(Err(_)) => self.error(format!("`expr` of {of} is not a text"), "quote it"),
            Some(Ok(text)) => self.expression(&text, expression, &of),
        }
    }

    fn expression(&mut self, text: &str, at: Range<usize>, of: &str) {
        match promql::check(text) {
            ExpressionCheck::Sound => {}
            ExpressionCheck::Wrong(why) => {
                let message = format!("`expr` of {of} is not valid PromQL: {why}");
                self.findings.push(Finding::error(at, message, "`promtool check rules FILE` reads it too"));
            }
            ExpressionCheck::Unchecked(why) => {
                let message = format!("`expr` of {of} was not checked: {why}");
                self.findings.push(Finding::undecided(
                    at,
                    message,
                    "check it with `promtool check rules FILE`",
                ));
            }
        }
    }

    /// The values of a mapping of texts, which are Go templates.
    fn texts(&mut self, rule: &Mapping, key: &str, of: &str) {
        let texts = match rule.get(key) {
            None | Some(Value::Null) => return,
            Some(Value::Mapping(texts)) => texts,
            Some(_) => return self.error(format!("`{key}` of {of} is not a mapping"), ""),
        };
        for (name, value) in texts {
            let name = scalar(name).unwrap_or_default();
            if name.is_empty() || (key == "labels" && name == "__name__") {
                self.error(format!("`{name}` is not a valid name in `{key}` of {of}"), "");
            }
            match scalar(value) {
                None => {
                    let message = format!("`{name}` in `{key}` of {of} is {}, not a text", kind(value));
                    self.error(message, "quote the value, in a template with `|tojson`");
                }
                Some(text) => {
                    if let Err(why) = go_template::check(&text) {
                        let message =
                            format!("`{name}` in `{key}` of {of} is not a valid Go template: {why}");
                        self.error(
                            message,
                            "Prometheus expands `{{ }}` there; `{{ \"{{\" }}` writes the braces",
                        );
                    }
                }
            }
        }
    }

    fn keys(&mut self, mapping: &Mapping, of: &str, known: &[&str]) {
        for key in mapping.keys().map(|key| scalar(key).unwrap_or_default()) {
            if !known.contains(&key.as_str()) {
                let meant = crate::diagnostic::nearest(&key, known.iter().copied());
                let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
                let help = format!("{meant}expected one of `{}`", known.join("`, `"));
                self.error(format!("unknown key `{key}` in {of}"), &help);
            }
        }
    }

    fn duration(&mut self, mapping: &Mapping, key: &str, of: &str) {
        let Some(value) = mapping.get(key).filter(|value| !value.is_null()) else { return };
        if !scalar(value).is_some_and(|text| is_duration(&text)) {
            let message = format!("`{key}` of {of} is not a valid duration");
            self.error(message, "write it as Prometheus does, such as `90s`, `5m` or `1h30m`");
        }
    }
}

/// A duration of Prometheus (`model.ParseDuration`): whole numbers with units, from large to small, each once.
fn is_duration(text: &str) -> bool {
    let form =
        "^(?:0|(?:[0-9]+y)?(?:[0-9]+w)?(?:[0-9]+d)?(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?(?:[0-9]+ms)?)$";
    let form = regex_lite::Regex::new(form).expect("a constant expression");
    !text.is_empty() && form.is_match(text)
}

/// What Go's YAML reader takes as a text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Mapping(_) => "a mapping",
        Value::Sequence(_) => "a list",
        _ => "nothing",
    }
}

/// The positions of keys in the rules: YAML's reader does not tell where a value is from.
struct Lines(Vec<Range<usize>>);

impl Lines {
    /// None are known if there are not as many as rules: then some are written in a way of their own.
    fn find(text: &str, keys: &[&str], groups: &[Value]) -> Self {
        let is_key = |line: &str| {
            let line = line.trim_start().trim_start_matches("- ").trim_start();
            keys.iter().any(|key| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))
        };
        let lines = text.lines().enumerate().filter(|(_, line)| is_key(line));
        let spans: Vec<_> = lines.map(|(index, _)| line_span(text, index + 1)).collect();
        let rules = groups.iter().filter_map(|group| group.get("rules")?.as_sequence());
        let is_whole = spans.len() == rules.map(Vec::len).sum::<usize>();
        Self(if is_whole { spans } else { Vec::new() })
    }

    fn span(&self, index: usize) -> Range<usize> {
        self.0.get(index).cloned().unwrap_or(0..0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "\
groups:
  - name: a
    interval: 1m30s
    rules:
      - alert: Down
        expr: up == 0
        for: 5m
        annotations: &texts
          summary: \"{{ $labels.node }} is down\"
        labels: {<<: *texts, severity: 1}
      - record: job:up:sum
        expr: |-
          sum by (job) (up)
";

    #[test]
    fn what_prometheus_takes_is_passed() {
        for text in [SOUND, "", "groups:\n", "groups: []\n", "groups: [{name: a}]\n"] {
            assert_eq!(check(text), [], "{text}");
        }
    }

    #[test]
    fn what_prometheus_refuses_is_found_where_it_stands() {
        for (from, to, message, place) in [
            ("up == 0", "up = 0", "`expr` of the alert `Down` is not valid PromQL", "expr: up = 0"),
            ("sum by (job) (up)", "sum by (job (up)", "`expr` of the record `job:up:sum`", "expr: |-"),
            (
                "for: 5m",
                "for: 5 minutes",
                "`for` of the alert `Down` is not a valid duration",
                "- alert: Down",
            ),
            ("interval: 1m30s", "interval: 30s1m", "`interval` of the group `a`", ""),
            ("for: 5m", "fore: 5m", "unknown key `fore` in the alert `Down`", "- alert: Down"),
            ("rules:", "rule:", "unknown key `rule` in the group `a`", ""),
            ("severity: 1", "severity: {{ 7*7 }}", "is a mapping, not a text", "- alert: Down"),
            ("severity: 1", "severity: [1]", "is a list, not a text", "- alert: Down"),
            ("$labels.node }}", "7*7 }}", "is not a valid Go template", "- alert: Down"),
            ("record: job:up:sum", "recrod: b", "either `alert` or `record`", ""),
            ("record: job:up:sum", "record: b\n        for: 5m", "unexpected `for` in ", "- record: b"),
            ("name: a", "nam: a", "a group is missing its `name`", ""),
            ("        expr: up == 0\n", "", "the alert `Down` is missing its `expr`", "- alert: Down"),
            ("groups:", "group:", "unknown key `group` in a rule file", ""),
        ] {
            let text = SOUND.replacen(from, to, 1);
            assert_ne!(text, SOUND, "{from}");
            let found = check(&text);
            let one = found.iter().find(|one| one.message.contains(message));
            let one = one.unwrap_or_else(|| panic!("{message} is missing in {found:?}"));
            assert_eq!((&text[one.span.clone()], one.is_error), (place, true), "{one:?}");
        }
        let twice = [SOUND, &SOUND["groups:\n".len()..]].concat();
        assert!(check(&twice).iter().any(|one| one.message == "two groups are called `a`"));
    }

    #[test]
    fn what_cannot_be_checked_is_said() {
        let found = check(&SOUND.replace("up == 0", "up > 1_000"));
        assert!(!found[0].is_error && found[0].message.contains("was not checked"), "{found:?}");
    }
}
