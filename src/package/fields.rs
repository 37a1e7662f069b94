//! Paragraphs of fields (deb822(5)), read one at a time, of which only the wanted fields are kept.

use std::io::{self, BufRead, Read as _};

/// The longest paragraph, in bytes: four times the longest in Debian.
const MAX_PARAGRAPH: u64 = 1 << 20;

/// The fields of a paragraph, as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(Box<str>);

/// Why paragraphs cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FieldsError {
    /// A line that is not part of a field.
    #[error("line {0} is not a field")]
    Odd(u64),
    /// A field of a paragraph twice.
    #[error("line {line} has the field `{name}` a second time")]
    Twice {
        /// The line.
        line: u64,
        /// The field.
        name: String,
    },
    /// A paragraph without an end.
    #[error("the paragraph up to line {0} is longer than {MAX_PARAGRAPH} bytes")]
    TooLong(u64),
    /// The bytes do not come.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Fields {
    /// The value of a field; one of several lines with its line breaks.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut rest = &*self.0;
        loop {
            let (key, tail) = rest.split_once(':')?;
            let goes_on = |at: usize| tail[at + 1..].starts_with([' ', '\t']);
            let end =
                tail.match_indices('\n').map(|(at, _)| at).find(|at| !goes_on(*at)).unwrap_or(tail.len());
            if key.eq_ignore_ascii_case(name) {
                return Some(tail[..end].trim());
            }
            rest = tail.get(end + 1..)?;
        }
    }
}

/// Reads paragraphs.
pub(super) struct Paragraphs<'k, R> {
    input: R,
    /// The names of the fields that are kept; all if there are none.
    kept: &'k [&'k str],
    line: u64,
}

impl<'k, R: BufRead> Paragraphs<'k, R> {
    /// Of this text, with these of their fields, or all.
    pub(super) fn new(input: R, kept: &'k [&'k str]) -> Self {
        Self { input, kept, line: 0 }
    }

    /// The next paragraph, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Fields>, FieldsError> {
        let mut text = String::new();
        let mut line = Vec::new();
        let (mut names, mut read, mut keeps): (Vec<Box<str>>, u64, Option<bool>) = (Vec::new(), 0, None);
        loop {
            line.clear();
            let room = (MAX_PARAGRAPH + 1).saturating_sub(read);
            read += self.input.by_ref().take(room).read_until(b'\n', &mut line)? as u64;
            self.line += 1;
            if read > MAX_PARAGRAPH {
                return Err(FieldsError::TooLong(self.line));
            }
            match line.first() {
                None if keeps.is_none() => return Ok(None),
                Some(b'\n') if keeps.is_none() => read = 0,
                None | Some(b'\n') => return Ok(Some(Fields(text.into()))),
                Some(b' ' | b'\t') => match keeps {
                    Some(true) => self.keep(&line, &mut text)?,
                    Some(false) => {}
                    None => return Err(FieldsError::Odd(self.line)),
                },
                Some(_) => {
                    let name = name(&line).ok_or(FieldsError::Odd(self.line))?;
                    let is_kept =
                        self.kept.is_empty() || self.kept.iter().any(|one| one.eq_ignore_ascii_case(name));
                    if is_kept {
                        if names.iter().any(|one| one.eq_ignore_ascii_case(name)) {
                            return Err(FieldsError::Twice { line: self.line, name: name.to_owned() });
                        }
                        names.push(name.into());
                        self.keep(&line, &mut text)?;
                    }
                    keeps = Some(is_kept);
                }
            }
        }
    }

    fn keep(&self, line: &[u8], text: &mut String) -> Result<(), FieldsError> {
        let line = str::from_utf8(line).ok().filter(|line| !line.contains(['\0', '\r']));
        text.push_str(line.ok_or(FieldsError::Odd(self.line))?);
        Ok(())
    }
}

/// The name at the beginning of a field's first line.
fn name(line: &[u8]) -> Option<&str> {
    let end = line.iter().position(|byte| *byte == b':').filter(|end| *end > 0)?;
    let is_plain = |byte: &u8| byte.is_ascii_graphic();
    str::from_utf8(&line[..end])
        .ok()
        .filter(|name| name.as_bytes().iter().all(is_plain) && !name.starts_with(['#', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, kept: &[&str]) -> Result<Vec<Fields>, FieldsError> {
        let mut paragraphs = Paragraphs::new(text.as_bytes(), kept);
        let mut all = Vec::new();
        while let Some(fields) = paragraphs.next()? {
            all.push(fields);
        }
        Ok(all)
    }

    #[test]
    fn paragraphs_come_one_by_one_with_the_wanted_fields() {
        let text = "\n\nPackage: a\nDescription: x\n .\n more: y\nDepends: b,\n c\n\n\npackage:d\nSize:";
        let found = all(text, &["Package", "Depends"]).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].get("package"), found[0].get("Depends")), (Some("a"), Some("b,\n c")));
        assert_eq!((found[0].get("Description"), found[1].get("Package")), (None, Some("d")));
        let found = all(text, &[]).unwrap();
        assert_eq!((found[0].get("Description"), found[1].get("Size")), (Some("x\n .\n more: y"), Some("")));
        assert!(all("", &[]).unwrap().is_empty() && all("\n\n", &[]).unwrap().is_empty());
    }

    #[test]
    fn what_is_not_a_paragraph_is_refused_with_its_line() {
        for (text, why) in [
            (" a\n", "line 1 is not a field"),
            ("a: 1\nb\n", "line 2 is not a field"),
            ("a: 1\nA: 2\n", "line 2 has the field `A` a second time"),
            ("a: 1\n\n: 2\n", "line 3 is not a field"),
            ("a: \0\n", "line 1 is not a field"),
            ("<!DOCTYPE html>\n", "line 1 is not a field"),
        ] {
            assert_eq!(all(text, &[]).unwrap_err().to_string(), why, "{text:?}");
        }
        let endless = ["a: ", &"x".repeat(2 << 20)].concat();
        assert!(matches!(all(&endless, &["b"]), Err(FieldsError::TooLong(1))));
    }
}
