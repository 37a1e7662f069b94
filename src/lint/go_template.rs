//! The Go templates in the texts of alerts (text/template and Prometheus' template functions): whether they lex, whether
//! blocks end, and whether functions and variables exist. Prometheus does not start with one that does not parse.

use std::collections::BTreeSet;

/// Words that are part of the language, and its functions.
const OF_GO: [&str; 34] = [
    "and", "block", "break", "call", "continue", "define", "else", "end", "eq", "false", "ge", "gt", "html",
    "if", "index", "js", "le", "len", "lt", "ne", "nil", "not", "or", "print", "printf", "println", "range",
    "slice", "template", "true", "urlquery", "with", "args", "tmpl",
];

/// What Prometheus adds (template/template.go).
const OF_PROMETHEUS: [&str; 28] = [
    "externalURL",
    "first",
    "graphLink",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "label",
    "match",
    "now",
    "parseDuration",
    "pathPrefix",
    "query",
    "reReplaceAll",
    "safeHtml",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "tableLink",
    "title",
    "toDuration",
    "toLower",
    "toTime",
    "toUpper",
    "urlQueryEscape",
    "value",
];

/// Says why Prometheus would not parse a text as a template, as far as that can be told.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut variables: BTreeSet<&str> = ["$", "$labels", "$externalLabels", "$externalURL", "$value"].into();
    let mut open = 0_usize;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let (action, next) = action(after)?;
        rest = next;
        let Some(action) = action else { continue };
        let tokens = tokens(action)?;
        match tokens.first() {
            None => return Err("`{{ }}` is empty".to_owned()),
            Some(&("if" | "range" | "with" | "define" | "block")) => open += 1,
            Some(&"end") => open = open.checked_sub(1).ok_or("unexpected `{{ end }}`")?,
            Some(_) => {}
        }
        for (index, token) in tokens.iter().enumerate() {
            let declares = matches!(tokens.get(index + 1), Some(&(":=" | ",")));
            if token.starts_with('$') && declares {
                variables.insert(token);
            }
            known(token, &variables)?;
        }
    }
    if open > 0 { Err("a block is not closed: missing `{{ end }}`".to_owned()) } else { Ok(()) }
}

fn known(token: &str, variables: &BTreeSet<&str>) -> Result<(), String> {
    if token.starts_with('$') && !variables.contains(token) {
        return Err(format!("the variable `{token}` is not defined"));
    }
    let is_word = token.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if is_word && !OF_GO.contains(&token) && !OF_PROMETHEUS.contains(&token) {
        return Err(format!("unknown function `{token}`"));
    }
    Ok(())
}

/// The text of an action, and what follows it; `None` for a comment.
fn action(after: &str) -> Result<(Option<&str>, &str), String> {
    let unclosed = || "a `{{` has no `}}`".to_owned();
    let inside = after.strip_prefix("- ").unwrap_or(after);
    if let Some(comment) = inside.strip_prefix("/*") {
        let (_, rest) = comment.split_once("*/").ok_or_else(unclosed)?;
        let rest = rest.strip_prefix(" -").unwrap_or(rest);
        return rest.strip_prefix("}}").map(|rest| (None, rest)).ok_or_else(unclosed);
    }
    let mut at = 0;
    while let Some(c) = inside[at..].chars().next() {
        match c {
            '"' | '`' | '\'' => at += quoted(&inside[at..])?,
            '}' if inside[at..].starts_with("}}") => {
                let action = inside[..at].strip_suffix(" -").unwrap_or(&inside[..at]);
                return Ok((Some(action), &inside[at + 2..]));
            }
            _ => at += c.len_utf8(),
        }
    }
    Err(unclosed())
}

/// The length of a quoted text with its quotes.
fn quoted(text: &str) -> Result<usize, String> {
    let mut chars = text.char_indices();
    let quote = chars.next().map_or('"', |(_, quote)| quote);
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok(at + c.len_utf8()),
            '\\' if quote != '`' => _ = chars.next(),
            '\n' if quote != '`' => break,
            _ => {}
        }
    }
    Err(format!("a {quote} is not closed"))
}

/// The words of an action.
fn tokens(action: &str) -> Result<Vec<&str>, String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut rest = action.trim();
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' | '`' | '\'' => quoted(rest)?,
            '(' | ')' | '|' | ',' | '=' => 1,
            ':' if rest.starts_with(":=") => 2,
            '$' => 1 + rest[1..].find(|c| !is_word(c)).unwrap_or(rest.len() - 1),
            '.' => 1 + rest[1..].find(|c| !is_word(c)).unwrap_or(rest.len() - 1),
            '+' | '-' if rest[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
                1 + rest[1..].find(|c| !is_word(c) && c != '.').unwrap_or(rest.len() - 1)
            }
            _ if c.is_ascii_digit() => rest.find(|c| !is_word(c) && c != '.').unwrap_or(rest.len()),
            _ if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => return Err(format!("unexpected `{}` in `{{{{ }}}}`", c.escape_debug())),
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::check;

    /// What promtool of Prometheus 3.5.3 said of each.
    #[test]
    fn texts_are_judged_as_promtool_judges_them() {
        for text in [
            "",
            "plain } text {",
            "{{ $labels.node }} has {{ $value }}",
            "{{- $value | humanizePercentage -}}",
            "{{ printf \"%.1f }}\" $value }}",
            "{{ with query \"up{job='a'}\" }}{{ . | first | value | humanize }}{{ end }}",
            "{{ range $i, $x := query `up` }}{{ $x.Labels.a }}{{ else }}none{{ end }}",
            "{{ $a := 1 }}{{ $a }}",
            "{{/* a comment */}}",
            "{{ if gt $value 1.5 }}much{{ end }}",
            "{{ \"{{\" }} 7*7 }}",
            "{{ reReplaceAll \"a\" \"b\" .Labels.x }}",
            "{{ (index .Values 0).Value }}",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in [
            "{{ 7*7 }}",
            "{{ $labels.node",
            "{{ }}",
            "{{ $lables.node }}",
            "{{ humanise $value }}",
            "{{ if $value }}",
            "{{ end }}",
            "{{ \"a }}",
            "{{ $labels.node }",
            "{{ /* }}",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
