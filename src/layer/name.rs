//! The name of an archive's member, made comparable: it is matched, and never used as a path of this machine.

/// A member's name without `.` parts, doubled slashes and a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MemberName {
    /// The parts with one slash between them; empty for the archive's root.
    pub text: String,
    /// What makes the name unfit to lead to a file, if anything does.
    pub flaw: Option<NameFlaw>,
    /// Whether it ended in a slash, by which archives from before POSIX mark a directory.
    pub is_folder: bool,
}

/// What makes a member's name unfit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFlaw {
    /// It begins with `/`.
    #[error("is absolute")]
    Absolute,
    /// It has a `..` part.
    #[error("has a `..` part")]
    Parent,
    /// It has a control character.
    #[error("has a control character")]
    Control,
    /// Its bytes are not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
}

impl MemberName {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let raw = String::from_utf8_lossy(bytes);
        let parts: Vec<_> = raw.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        let flaw = if raw.starts_with('/') {
            Some(NameFlaw::Absolute)
        } else if parts.contains(&"..") {
            Some(NameFlaw::Parent)
        } else if raw.chars().any(char::is_control) {
            Some(NameFlaw::Control)
        } else if std::str::from_utf8(bytes).is_err() {
            Some(NameFlaw::NotUtf8)
        } else {
            None
        };
        Self { text: parts.join("/"), flaw, is_folder: raw.ends_with('/') }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_and_their_flaws_kept() {
        use NameFlaw::{Absolute, Control, NotUtf8, Parent};
        for (bytes, text, flaw, is_folder) in [
            (&b"./etcd/etcd"[..], "etcd/etcd", None, false),
            (b"etcd//./bin/", "etcd/bin", None, true),
            (b"./", "", None, true),
            (b"", "", None, false),
            (b"/etc/passwd", "etc/passwd", Some(Absolute), false),
            (b"etcd/../../root", "etcd/../../root", Some(Parent), false),
            (b"etcd/..hidden", "etcd/..hidden", None, false),
            (b"a\x1b[2J", "a\x1b[2J", Some(Control), false),
            (b"caf\xe9", "caf\u{fffd}", Some(NotUtf8), false),
        ] {
            let expected = MemberName { text: text.to_owned(), flaw, is_folder };
            assert_eq!(MemberName::parse(bytes), expected);
        }
    }
}
