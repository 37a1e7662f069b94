//! The text that may reach a terminal (pure): whatever others wrote is escaped here, and nowhere else.
//!
//! A terminal obeys what it is shown: it can be made to hide lines, to set its title or to type. So the console prints text
//! that has no such characters, or [`Styled`] text, whose colours this program has set itself.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a terminal would obey a character in place of showing it, or show its neighbours in another order: C0 and C1 controls
/// and DEL, all but tab and the end of a line; bidirectional controls (Unicode Standard Annex #9, section 2); separators that
/// some take for the end of a line.
fn is_obeyed(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text, with every character that a terminal would obey as its number: `\u{1b}`.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_obeyed(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// The same for bytes that may be no text.
pub(crate) fn escaped_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&escaped(chunk.valid()));
        for byte in chunk.invalid() {
            write!(shown, "\\x{byte:02x}").expect("memory takes what is written");
        }
    }
    shown
}

/// The same for JSON, which has a form of its own for them and nothing but strings to have them in.
pub(crate) fn escaped_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_obeyed) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        // None of them lies beyond the plane that four digits can name.
        if is_obeyed(c) {
            write!(shown, "\\u{:04x}", u32::from(c)).expect("memory takes what is written");
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// The text with replacements of the same number of bytes, so that offsets in it stay valid.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let stand_in = |c: char| match c.len_utf8() {
        _ if !is_obeyed(c) => c,
        1 => '?',
        2 => '\u{bf}',
        _ => char::REPLACEMENT_CHARACTER,
    };
    Cow::Owned(text.chars().map(stand_in).collect())
}

/// Text that has colours of this program's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Styled(String);

impl Styled {
    /// Of text whose only escape sequences are this program's: those that choose colours (Select Graphic Rendition, ECMA-48
    /// section 8.3.117) stay, everything else is escaped.
    pub(crate) fn new(text: &str) -> Self {
        let mut styled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\u{1b}') {
            styled.push_str(&escaped(&rest[..at]));
            rest = &rest[at..];
            let length = graphic_rendition(rest).unwrap_or(1);
            let (sequence, behind) = rest.split_at(length);
            styled.push_str(&if length > 1 { Cow::Borrowed(sequence) } else { escaped(sequence) });
            rest = behind;
        }
        styled.push_str(&escaped(rest));
        Self(styled)
    }

    /// The text, as a terminal may have it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The length of the sequence that chooses colours, if the text begins with one.
fn graphic_rendition(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[end..].starts_with('m').then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBEYED: [&str; 14] = [
        "\u{0}", "\u{7}", "\u{8}", "\r", "\u{1b}", "\u{7f}", "\u{80}", "\u{9b}", "\u{9f}", "\u{61c}",
        "\u{200e}", "\u{2028}", "\u{202e}", "\u{2067}",
    ];

    #[test]
    fn what_a_terminal_would_obey_is_shown_as_its_number() {
        for obeyed in OBEYED {
            let text = format!("a{obeyed}[31mb\tc\n");
            let number = u32::from(obeyed.chars().next().unwrap());
            assert_eq!(escaped(&text), format!("a\\u{{{number:x}}}[31mb\tc\n"));
            assert_eq!(escaped_bytes(text.as_bytes()), escaped(&text));
            assert_eq!(escaped_json(&text), format!("a\\u{number:04x}[31mb\tc\n"));
            assert_eq!(masked(&text).len(), text.len());
            assert_eq!(escaped(&masked(&text)), masked(&text));
            assert_eq!(
                Styled::new(&text).as_str(),
                if obeyed == "\u{1b}" { text } else { escaped(&text).into_owned() }
            );
        }
        assert!(matches!(escaped("tab\tand ünïcödé 日本 \u{1f600}\n"), Cow::Borrowed(_)));
        assert_eq!(escaped_bytes(b"a\x9b\xff\xc3\xa9"), "a\\x9b\\xff\u{e9}");
    }

    #[test]
    fn styled_text_keeps_colours_and_nothing_else() {
        let text = "\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m: a\u{1b}]0;title\u{7}b\u{1b}[2Jc\u{1b}[31\u{1b}";
        let kept =
            "\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m: a\\u{1b}]0;title\\u{7}b\\u{1b}[2Jc\\u{1b}[31\\u{1b}";
        assert_eq!(Styled::new(text).as_str(), kept);
    }
}
