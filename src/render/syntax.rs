//! Rendered texts are read back where their names promise YAML or JSON.

use std::ops::Range;

use serde::de::IgnoredAny;

use crate::layer::GuestPath;

/// Why a text is not what its name promises.
pub(super) struct Malformed {
    /// `YAML` or `JSON`.
    pub(super) kind: &'static str,
    /// What the reader says, which may quote the text.
    pub(super) reason: String,
    /// The line, counted from 1.
    pub(super) line: usize,
}

impl Malformed {
    /// What is wrong with a text that stands at `path`, if anything.
    pub(super) fn find(path: &GuestPath, text: &str) -> Option<Self> {
        match path.file_name().rsplit_once('.')?.1 {
            "yml" | "yaml" => {
                let error = serde_yaml::from_str::<serde_yaml::Value>(text).err()?;
                let line = error.location().map_or(1, |at| at.line());
                Some(Self { kind: "YAML", reason: error.to_string(), line })
            }
            "json" => {
                let error = serde_json::from_str::<IgnoredAny>(text).err()?;
                Some(Self { kind: "JSON", reason: error.to_string(), line: error.line() })
            }
            _ => None,
        }
    }

    /// The bytes of the line in `text`.
    pub(super) fn span(&self, text: &str) -> Range<usize> {
        let start = text.split_inclusive('\n').take(self.line.saturating_sub(1)).map(str::len).sum::<usize>();
        start..start + text[start..].lines().next().map_or(0, str::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_its_name_promises() {
        for (path, text, wrong) in [
            ("/a.yaml", "a: 1\n", None),
            ("/a.yml", "a: [\n", Some("YAML")),
            ("/a.yaml", "a: 1\na: 2\n", Some("YAML")),
            ("/a.json", "{}\n", None),
            ("/a.json", "{\n", Some("JSON")),
            ("/a.json", "", Some("JSON")),
            ("/a.conf", "a: [\n", None),
            ("/yaml", "a: [\n", None),
        ] {
            let found = Malformed::find(&path.parse().unwrap(), text);
            assert_eq!(found.as_ref().map(|found| found.kind), wrong, "{path}: {text:?}");
            assert!(found.is_none_or(|found| text.get(found.span(text)).is_some()), "{text:?}");
        }
    }
}
