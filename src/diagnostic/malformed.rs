//! Texts are read back where their names promise YAML or JSON.

use std::ops::Range;

use serde::Deserialize as _;
use serde::de::IgnoredAny;

use super::source::line_span;

/// Why a text is not what its name promises.
pub struct Malformed {
    /// `YAML` or `JSON`.
    pub kind: &'static str,
    /// What the reader says, which may quote the text.
    pub reason: String,
    /// The line, counted from 1.
    pub line: usize,
}

impl Malformed {
    /// The first error of a text in a file of this name.
    pub fn find(name: &str, text: &str) -> Option<Self> {
        let name = name.rsplit('/').next()?;
        match name.rsplit_once('.')?.1 {
            "yml" | "yaml" => {
                // A file may have several documents.
                let mut documents = serde_yaml::Deserializer::from_str(text);
                let error = documents.find_map(|one| serde_yaml::Value::deserialize(one).err())?;
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
    pub fn span(&self, text: &str) -> Range<usize> {
        line_span(text, self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_its_name_promises() {
        for (path, text, wrong) in [
            ("/a.yaml", "a: 1\n", None),
            ("/a.yaml", "a: 1\n---\nb: 2\n", None),
            ("/a.yaml", "", None),
            ("/a.yml", "a: [\n", Some("YAML")),
            ("/a.yml", "a: 1\n---\nb: [\n", Some("YAML")),
            ("/a.yaml", "a: 1\na: 2\n", Some("YAML")),
            ("/a.json", "{}\n", None),
            ("/a.json", "{\n", Some("JSON")),
            ("/a.json", "", Some("JSON")),
            ("/a.conf", "a: [\n", None),
            ("/yaml", "a: [\n", None),
        ] {
            let found = Malformed::find(path, text);
            assert_eq!(found.as_ref().map(|found| found.kind), wrong, "{path}: {text:?}");
            assert!(found.is_none_or(|found| text.get(found.span(text)).is_some()), "{text:?}");
        }
    }
}
