//! YAML that its readers take as it was meant: cloud-init's `PyYAML` (YAML 1.1), libyaml, those of YAML 1.2.
//!
//! Readers disagree about which plain words are numbers, dates and booleans, so only text that is none of
//! these to any of them stays plain; scripts stay readable as literal blocks, and all else is double-quoted.

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
    Map(YamlMap),
}

/// Values by name, in the order in which the names came; each name is there once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct YamlMap {
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
pub struct YamlDocument {
    /// What its reader knows it by, a line of its own.
    marker: Option<&'static str>,
    comment: String,
    root: YamlMap,
}

impl YamlMap {
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

    /// The names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Yaml)> {
        self.entries.iter().map(|entry| (entry.key.as_str(), &entry.value))
    }
}

impl YamlDocument {
    /// A document that says nothing of its kind.
    pub fn new(root: YamlMap) -> Self {
        Self { marker: None, comment: String::new(), root }
    }

    /// A cloud-config, which cloud-init knows by its first line.
    pub fn cloud_config(root: YamlMap) -> Self {
        Self { marker: Some("#cloud-config"), ..Self::new(root) }
    }

    /// The document with a comment of one or more lines at its top.
    #[must_use]
    pub fn with_comment(self, comment: impl Into<String>) -> Self {
        Self { comment: comment.into(), ..self }
    }
}

/// The document as text, its last line ended.
impl Display for YamlDocument {
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

macro_rules! from_integers {
    ($($integer:ty)+) => {$(
        impl From<$integer> for Yaml {
            fn from(number: $integer) -> Self {
                Self::Integer(number.into())
            }
        }
    )+};
}
from_integers!(i64 i32 u32 u16);

impl From<YamlMap> for Yaml {
    fn from(map: YamlMap) -> Self {
        Self::Map(map)
    }
}

impl<T: Into<Yaml>> From<Vec<T>> for Yaml {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_looks_as_people_write_them() {
        let script = "#!/bin/sh\nset -eu\n\n\techo 'ready: $1'\n";
        let file = YamlMap::new()
            .with("path", "/usr/local/sbin/first-boot")
            .with("permissions", "0755")
            .with("content", script);
        let disk = YamlMap::new().with_comment("Found by its label.", "label", "CIDATA");
        let root = YamlMap::new()
            .with("hostname", "ptrn-1")
            .with_comment("Two lines:\nthe second.\n", "ssh_pwauth", false)
            .with("write_files", vec![file])
            .with("disks", vec![disk])
            .with("ports", vec![2379_u16, 2380])
            .with("mac", "52:54:00:12:34:56")
            .with("runcmd", vec![vec!["systemctl", "start", "a b"], vec!["true"]])
            .with("users", Vec::<Yaml>::new())
            .with("chpasswd", YamlMap::new().with("expire", false).with("users", YamlMap::new()));
        let text = YamlDocument::cloud_config(root).with_comment("Node ptrn-1\n\nof patroni").to_string();
        assert_eq!(
            text,
            "\
#cloud-config
# Node ptrn-1
#
# of patroni
hostname: ptrn-1
# Two lines:
# the second.
ssh_pwauth: false
write_files:
- path: /usr/local/sbin/first-boot
  permissions: \"0755\"
  content: |
    #!/bin/sh
    set -eu

    \techo 'ready: $1'
disks:
-
  # Found by its label.
  label: CIDATA
ports:
- 2379
- 2380
mac: \"52:54:00:12:34:56\"
runcmd:
- - systemctl
  - start
  - a b
- - \"true\"
users: []
chpasswd:
  expire: false
  users: {}
"
        );
    }

    #[test]
    fn a_document_of_nothing_is_an_empty_map() {
        assert_eq!(YamlDocument::new(YamlMap::new()).to_string(), "{}\n");
    }

    #[test]
    fn a_key_is_there_once_and_keeps_its_place() {
        let root = YamlMap::new().with_comment("old", "a", 1).with("b", 2).with("a", 3);
        assert_eq!(YamlDocument::new(root).to_string(), "a: 3\nb: 2\n");
    }

    #[test]
    fn nothing_breaks_out_of_a_comment() {
        let root = YamlMap::new().with_comment("a\r\nb\rc\u{85}d\u{2028}e\0", "key", 1);
        assert_eq!(
            YamlDocument::new(root).to_string(),
            "# a\n# b\u{FFFD}c\u{FFFD}d\u{FFFD}e\u{FFFD}\nkey: 1\n"
        );
    }
}
