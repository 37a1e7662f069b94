//! Explains YAML syntax errors at the place of the mistake: the parser stops where it can go on no further, which is often a
//! line or more after the slip.

mod lines;

use lines::{Lines, OpenDelimiters};

use super::source::Span;

/// A slip in the syntax, and where it was made.
pub(super) struct Slip {
    pub(super) message: String,
    pub(super) span: Span,
    pub(super) label: String,
    /// A second place that shows what is wrong with the first.
    pub(super) beside: Option<(Span, String)>,
    pub(super) help: String,
}

impl Slip {
    fn new(message: impl Into<String>, span: Span, help: impl Into<String>) -> Self {
        Self { message: message.into(), span, label: String::new(), beside: None, help: help.into() }
    }
}

/// What is most likely wrong in `text`, whose parser stopped at byte `at` and gave the reason `info`. Nothing of the text is
/// quoted if it is `secret`.
pub(super) fn explain(text: &str, at: usize, info: &str, secret: bool) -> Slip {
    let lines = Lines::new(text);
    let state = OpenDelimiters::at(text, at);
    let found = alias(text, at, info, secret)
        .or_else(|| quote(text, at, info, &state, &lines))
        .or_else(|| tab(&lines, at, info))
        .or_else(|| bracket(at, &state, &lines))
        .or_else(|| comma(text, at, info, secret))
        .or_else(|| foreign(&lines, at))
        .or_else(|| first_character(text, at, info))
        .or_else(|| colon(&lines, at, info, secret))
        .or_else(|| space(&lines, at, info, secret))
        .or_else(|| indentation(&lines, at, secret));
    found.unwrap_or_else(|| {
        let reason = if secret { "its structure is broken" } else { info };
        let message = format!("this is not valid YAML: {reason}");
        Slip::new(message, at..at, "check indentation, quotes and brackets up to here")
    })
}

fn alias(text: &str, at: usize, info: &str, secret: bool) -> Option<Slip> {
    if !info.contains("unknown anchor") {
        return None;
    }
    let name: String =
        text[at..].chars().skip(1).take_while(|c| !c.is_whitespace() && !",]}".contains(*c)).collect();
    let span = at..at + 1 + name.len();
    let named = if secret { String::new() } else { format!(" `{name}`") };
    let help = "write `&NAME` before the value that `*NAME` repeats, or quote a text that begins with `*`";
    Some(Slip::new(format!("unknown anchor{named}"), span, help))
}

fn quote(text: &str, at: usize, info: &str, state: &OpenDelimiters, lines: &Lines<'_>) -> Option<Slip> {
    let open = if info.contains("quoted scalar") { Some(at) } else { state.quote };
    let help =
        "close it on the same line; within a text in double quotes write `\\\"`, in single quotes `''`";
    if let Some(open) = open.filter(|open| text[*open..].starts_with(['"', '\''])) {
        return Some(Slip::new("the quote that opens here is not closed", open..open + 1, help));
    }
    // One that took in whole lines until the next quote closed it.
    let (start, end) = state.quoted.clone().map(|span| (span.start, span.end))?;
    let (first, last, here) = (lines.number(start), lines.number(end), lines.number(at));
    let mut slip =
        Slip::new("the quote that opens here is not closed where it should be", start..start + 1, help);
    slip.beside = Some((end - 1..end, "this quote closes it".to_owned()));
    (first < last && here == last).then_some(slip)
}

fn tab(lines: &Lines<'_>, at: usize, info: &str) -> Option<Slip> {
    let here = lines.number(at);
    let is_indented_by_tab = |number: &usize| {
        let line = lines.text(*number);
        line[..line.len() - line.trim_start().len()].contains('\t')
    };
    let near = if info.contains("tab") { here..(here + 3).min(lines.len()) } else { here..here + 1 };
    let number = near.clone().find(is_indented_by_tab)?;
    let start = lines.start(number) + lines.text(number).find('\t')?;
    Some(Slip::new(
        "this line is indented with a tab",
        start..start + 1,
        "indent with spaces: YAML does not allow tabs there",
    ))
}

fn bracket(at: usize, state: &OpenDelimiters, lines: &Lines<'_>) -> Option<Slip> {
    let (open, start) = *state.brackets.last()?;
    if lines.number(start) == lines.number(at) {
        return None;
    }
    let close = if open == '[' { ']' } else { '}' };
    let message = format!("the `{open}` that opens here is not closed");
    Some(Slip::new(message, start..start + 1, format!("add the `{close}`")))
}

fn comma(text: &str, at: usize, info: &str, secret: bool) -> Option<Slip> {
    if !info.contains("did not find expected ','") {
        return None;
    }
    // The parser stops at the colon of a key.
    let before = text[..at].trim_end();
    let key = before.rfind(|c: char| c.is_whitespace() || ",[{".contains(c)).map_or(0, |space| space + 1);
    let key = if text[at..].starts_with(':') { key..before.len() } else { at..at + 1 };
    let named = if secret || key.is_empty() {
        String::new()
    } else {
        format!(" before `{}`", text.get(key.clone())?)
    };
    Some(Slip::new(format!("a comma is missing{named}"), key, "separate the parts in brackets by commas"))
}

/// Characters that look like YAML's own.
fn foreign(lines: &Lines<'_>, at: usize) -> Option<Slip> {
    const ALIKE: [(char, &str, &str); 10] = [
        ('：', ": ", "a full-width colon"),
        ('，', ", ", "a full-width comma"),
        ('［', "[", "a full-width bracket"),
        ('］', "]", "a full-width bracket"),
        ('｛', "{", "a full-width brace"),
        ('｝', "}", "a full-width brace"),
        ('“', "\"", "a typographic quote"),
        ('”', "\"", "a typographic quote"),
        ('\u{a0}', " ", "a no-break space"),
        ('\u{3000}', " ", "a full-width space"),
    ];
    let here = lines.number(at);
    let near = (here.saturating_sub(3)..=here).rev();
    near.filter(|number| !lines.text(*number).trim_start().starts_with('#')).find_map(|number| {
        let line = lines.text(number);
        let alike = |c: char| ALIKE.iter().find(|(alike, ..)| *alike == c);
        let (offset, (found, meant, name)) =
            line.char_indices().find_map(|(offset, c)| Some((offset, alike(c)?)))?;
        let start = lines.start(number) + offset;
        let message = format!("{name} (U+{:04X}) where YAML expects a plain one", u32::from(*found));
        let help = "type it again on a plain keyboard layout";
        let mut slip = Slip::new(message, start..start + found.len_utf8(), help);
        slip.label = format!("expected `{meant}`");
        Some(slip)
    })
}

fn first_character(text: &str, at: usize, info: &str) -> Option<Slip> {
    let first =
        text[at..].chars().next().filter(|c| "@`%".contains(*c) && info.contains("unexpected character"))?;
    let message = format!("a text without quotes cannot begin with {first}");
    Some(Slip::new(message, at..at + 1, "quote the text"))
}

/// Two keys in a line.
fn colon(lines: &Lines<'_>, at: usize, info: &str, secret: bool) -> Option<Slip> {
    if !info.contains("mapping values are not allowed") {
        return None;
    }
    let number = lines.number(at);
    let (start, line) = (lines.start(number), lines.text(number));
    let first = line[..at - start].find(": ")?;
    let value = first + 2 + (line[first + 2..].len() - line[first + 2..].trim_start().len());
    let end = line.trim_end().len();
    let help = if secret || line[value..end].contains('"') {
        "quote the value".to_owned()
    } else {
        format!("quote the value: `\"{}\"`", &line[value..end])
    };
    Some(Slip::new("a second `: ` in one line", start + value..start + end, help))
}

/// A line that was meant as a key and its value.
fn space(lines: &Lines<'_>, at: usize, info: &str, secret: bool) -> Option<Slip> {
    let is_about_keys = ["mapping values are not allowed", "simple key", "expected key"];
    if !is_about_keys.iter().any(|part| info.contains(part)) {
        return None;
    }
    let number = lines.before(lines.number(at))?;
    let line = lines.text(number);
    let content = line.trim_start().trim_start_matches("- ");
    let content = content.split(" #").next().unwrap_or(content).trim_end();
    if content.contains(": ")
        || content.ends_with(':')
        || content.starts_with(['"', '\'', '[', '{', '|', '>'])
    {
        return None;
    }
    let start = lines.start(number) + line.find(content)?;
    let span = start..start + content.len();
    match content.split_once(':') {
        Some((key, value)) if !secret => {
            let help = format!("write `{key}: {value}`");
            Some(Slip::new("a space is missing after the colon", span, help))
        }
        Some(_) => Some(Slip::new("a space is missing after the colon", span, "write `NAME: VALUE`")),
        // A continuation line is not a mistake.
        None if lines.is_first_of_its_level(number) && !line.trim_start().starts_with("- ") => {
            Some(Slip::new("a key without a value", span, "write `KEY: VALUE`"))
        }
        None => None,
    }
}

/// A line that belongs to none of the levels above it.
fn indentation(lines: &Lines<'_>, at: usize, secret: bool) -> Option<Slip> {
    let number = lines.number(at);
    let depth = lines.indent(number);
    let levels = lines.levels(number);
    if levels.iter().any(|(level, _)| *level == depth) {
        return None;
    }
    let (_, neighbour) =
        *levels.iter().min_by_key(|(level, line)| (level.abs_diff(depth), usize::MAX - line))?;
    let beside = lines.indent(neighbour);
    let message = match (secret, lines.key(number), lines.key(neighbour)) {
        (false, Some(key), Some(other)) => {
            format!("`{key}` is indented by {}, its neighbour `{other}` by {beside}", spaces(depth))
        }
        _ => format!("this line is indented by {}, its neighbour by {beside}", spaces(depth)),
    };
    let help = "indent what belongs together by the same number of spaces";
    let mut slip = Slip::new(message, lines.content(number), help);
    slip.label = format!("indented by {}", spaces(depth));
    slip.beside = Some((lines.content(neighbour), format!("indented by {}", spaces(beside))));
    Some(slip)
}

fn spaces(count: usize) -> String {
    format!("{count} space{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::explain;

    /// The message and the text that it points at.
    fn slip(text: &str, at: &str, info: &str) -> (String, String) {
        let slip = explain(text, text.find(at).unwrap(), info, false);
        (slip.message, text[slip.span].to_owned())
    }

    #[test]
    fn a_line_that_is_on_no_level_is_compared_with_its_neighbour() {
        let info = "did not find expected key";
        for (text, at, message) in [
            ("a:\n  b: 1\n   c: 2\n", "c:", "`c` is indented by 3 spaces, its neighbour `b` by 2"),
            ("a:\n  b: 1\n c: 2\n", "c:", "`c` is indented by 1 space, its neighbour `b` by 2"),
            ("a:\n   b: 1\n  c: 2\n", "c:", "`c` is indented by 2 spaces, its neighbour `b` by 3"),
            ("a:\n  - b\n   - c\n", "- c", "this line is indented by 3 spaces, its neighbour by 2"),
            ("a:\n  - b\n - c\n", "- c", "this line is indented by 1 space, its neighbour by 2"),
        ] {
            assert_eq!(slip(text, at, info).0, message, "{text}");
        }
    }

    #[test]
    fn what_opens_and_does_not_close_is_pointed_at() {
        let (message, place) = slip("a: \"b\nc: \"d\"\n", "d\"", "did not find expected key");
        assert_eq!(
            (message.as_str(), place.as_str()),
            ("the quote that opens here is not closed where it should be", "\"")
        );
        let (message, place) = slip("a: [b, c\nd: [e]\n", ": [e", "illegal placement");
        assert_eq!((message.as_str(), place.as_str()), ("the `[` that opens here is not closed", "["));
        assert_eq!(slip("a: {b: 1 c: 2}\n", ": 2", "did not find expected ',' or '}'").1, "c");
    }

    #[test]
    fn nothing_secret_is_quoted() {
        let text = "hunter2: \"a\n   hunter2: b\n hunter2:c\n";
        for at in 0..text.len() {
            for info in ["mapping values are not allowed", "did not find expected ','", "unknown anchor", ""]
            {
                let slip = explain(text, at, info, true);
                let said = [
                    slip.message,
                    slip.label,
                    slip.help,
                    slip.beside.map_or(String::new(), |beside| beside.1),
                ];
                assert!(!said.concat().contains("hunter2"), "{said:?}");
            }
        }
    }

    #[test]
    fn any_place_in_any_text_has_an_explanation() {
        for text in ["", "\"", "é: \"ü\n  ： - [\n\t{", "a:\n -b\n  - \u{a0}c: d: 'e\n"] {
            for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                for info in [
                    "quoted scalar",
                    "tab",
                    "unknown anchor",
                    "unexpected character",
                    "expected key",
                    ",",
                    "mapping values are not allowed",
                    "did not find expected ','",
                ] {
                    let slip = explain(text, at, info, false);
                    assert!(slip.span.start <= slip.span.end, "{text:?} {at} {info}");
                }
            }
        }
    }
}
