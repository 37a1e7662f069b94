//! YAML that every reader understands as it was meant: cloud-init's `PyYAML` (YAML 1.1), netplan's libyaml, YAML 1.2.
//!
//! Readers disagree about which plain words are numbers, dates and booleans, so only text that is none of these to any
//! of them stays plain; scripts stay readable as literal blocks, and all else is double-quoted.

use std::fmt::{self, Display, Formatter};

mod scalar;
mod write;

use write::{write_comment, write_map};

/// A value of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Yaml {
    /// `true` or `false`.
    Bool(bool),
    /// A number in decimal.
    Integer(i64),
    /// Any text; it is read back as a string whatever it looks like.
    Text(String),
    /// Values in order.
    List(Vec<Yaml>),
    /// Values by name.
    Map(Map),
}

/// Values by name, in the order in which the names came; each name is there once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    comment: String,
    key: String,
    value: Yaml,
}

/// A whole document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What its reader knows it by, a line of its own.
    marker: Option<&'static str>,
    comment: String,
    root: Map,
}

impl Map {
    /// A map of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The map with `value` at `key`, in place of what was there.
    #[must_use]
    pub fn with(self, key: impl Into<String>, value: impl Into<Yaml>) -> Self {
        self.with_comment("", key, value)
    }

    /// The map with `value` at `key`, and a comment of one or more lines above it.
    #[must_use]
    pub fn with_comment(
        mut self,
        comment: impl Into<String>,
        key: impl Into<String>,
        value: impl Into<Yaml>,
    ) -> Self {
        let entry = Entry { comment: comment.into(), key: key.into(), value: value.into() };
        match self.entries.iter_mut().find(|other| other.key == entry.key) {
            Some(other) => *other = entry,
            None => self.entries.push(entry),
        }
        self
    }
}

impl Document {
    /// A document that says nothing of its kind.
    pub fn new(root: Map) -> Self {
        Self { marker: None, comment: String::new(), root }
    }

    /// A cloud-config, which cloud-init knows by its first line.
    pub fn cloud_config(root: Map) -> Self {
        Self { marker: Some("#cloud-config"), ..Self::new(root) }
    }

    /// The document with a comment of one or more lines at its top.
    #[must_use]
    pub fn with_comment(self, comment: impl Into<String>) -> Self {
        Self { comment: comment.into(), ..self }
    }
}

/// The document as text, its last line ended.
impl Display for Document {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if let Some(marker) = self.marker {
            writeln!(out, "{marker}")?;
        }
        write_comment(out, &self.comment, 0)?;
        if self.root.entries.is_empty() {
            out.write_str("{}\n")?;
        }
        write_map(out, &self.root, 0, false)
    }
}

impl From<&str> for Yaml {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Yaml {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Yaml {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Yaml {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<Map> for Yaml {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl<T: Into<Yaml>> From<Vec<T>> for Yaml {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}
