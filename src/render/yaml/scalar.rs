//! The forms of a text: plain, in double quotes, as a literal block.

use std::fmt::{self, Display, Formatter, Write as _};

use super::write::indent;

/// Text in a form that fits in a line and can be a key, too.
pub(super) fn plain_or_quoted(text: &str) -> String {
    if is_safe_plain(text) { text.to_owned() } else { Quoted(text).to_string() }
}

/// Whether `text` without quotes is this string to every reader.
///
/// It begins with a letter or a slash, as no number, date or indicator does; it has no character that means
/// something in any place; and it is not a word of YAML 1.1 (types `bool` and `null`).
fn is_safe_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let harmless =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@' | ' ');
    begins_well
        && !text.ends_with(' ')
        && text.chars().all(harmless)
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Text in double quotes, which can hold any character (YAML 1.2.2, 7.3.1; escapes 5.7, the same in 1.1).
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(out, "\\{c}"),
                '\n' => out.write_str("\\n"),
                '\r' => out.write_str("\\r"),
                '\t' => out.write_str("\\t"),
                _ if is_visible(c) => out.write_char(c),
                '\0'..='\u{FF}' => write!(out, "\\x{:02X}", u32::from(c)),
                '\u{100}'..='\u{FFFF}' => write!(out, "\\u{:04X}", u32::from(c)),
                _ => write!(out, "\\U{:08X}", u32::from(c)),
            }?;
        }
        out.write_char('"')
    }
}

/// Whether a character may be written as itself: it is printable to all readers, breaks no line (YAML 1.1 has more
/// line breaks than 1.2), and does not deceive people, as those do that have no width or turn the direction.
pub(super) fn is_visible(c: char) -> bool {
    let deceives = matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}')
        || matches!(c, '\u{2000}'..='\u{200F}' | '\u{2028}'..='\u{202F}' | '\u{2060}'..='\u{206F}')
        || matches!(c, '\u{FFF9}'..='\u{FFFB}');
    let printable =
        matches!(c, ' '..='~' | '\u{A1}'..='\u{D7FF}' | '\u{F900}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}');
    // The last two code points of each plane are not characters (Unicode 23.7).
    printable && !deceives && u32::from(c) & 0xFFFE != 0xFFFE
}

/// Whether text of several lines stays as it is in a literal block, which has no escapes. Not with a line of
/// nothing but spaces: in some places not all readers keep them (the `yaml` package of npm does not), and no
/// reviewer sees them.
pub(super) fn fits_literal_block(text: &str) -> bool {
    let blank = |line: &str| !line.is_empty() && line.trim_matches([' ', '\t']).is_empty();
    text.contains('\n')
        && !text.trim_matches('\n').is_empty()
        && (text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
            || text.chars().all(|c| is_visible(c) || matches!(c, '\n' | '\t')))
        && !text.split('\n').any(blank)
}

/// Writes text of several lines, `depth` steps from the left (YAML 1.2.2, 8.1).
pub(super) fn write_literal_block(out: &mut Formatter<'_>, text: &str, depth: usize) -> fmt::Result {
    // Readers find the indentation from the first line, if that does not begin with more of it.
    let indentation = if text.starts_with([' ', '\t', '\n']) { "2" } else { "" };
    let chomping = match text.len() - text.trim_end_matches('\n').len() {
        0 => "-",
        1 => "",
        _ => "+",
    };
    writeln!(out, " |{indentation}{chomping}")?;
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            indent(out, depth)?;
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_text_to_every_reader_stays_plain() {
        for text in ["etcd", "a b", "/etc/hosts", "user@host", "v3.6.4", "ptrn-1", "nobody", "e3"] {
            assert_eq!(plain_or_quoted(text), text);
        }
        for text in
            ["", "no", "ON", "~", "3.6.4", ".inf", "a: b", "a:b", "a #b", "a ", " a", "é", "- a", "<<", "="]
        {
            assert_eq!(plain_or_quoted(text), format!("\"{text}\""));
        }
    }

    #[test]
    fn what_is_not_visible_is_escaped_and_all_letters_are_not() {
        for (text, form) in [
            ("Привет, 日本 😀", "\"Привет, 日本 😀\""),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\0\u{1b}\u{7f}\u{85}\u{a0}", r#""\x00\x1B\x7F\x85\xA0""#),
            ("\u{200b}\u{202e}\u{2028}\u{feff}\u{ffff}", r#""\u200B\u202E\u2028\uFEFF\uFFFF""#),
            ("\u{e0001}\u{10ffff}", r#""\U000E0001\U0010FFFF""#),
            ("\r\n\t", r#""\r\n\t""#),
        ] {
            assert_eq!(plain_or_quoted(text), form);
        }
    }

    #[test]
    fn only_text_that_people_can_see_whole_becomes_a_literal_block() {
        for text in ["a\nb", "a\n", "\n\ta\n\n", "# a\n b \n", "---\né\n"] {
            assert!(fits_literal_block(text), "{text:?}");
        }
        for text in
            ["a", "", "\n", "\n\n", "a\n  \nb", "a\n\t", "a\r\nb", "a\nb\u{85}", "a\n\u{200b}b", "a\n\0"]
        {
            assert!(!fits_literal_block(text), "{text:?}");
        }
    }
}
