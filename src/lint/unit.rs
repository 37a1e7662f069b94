//! Unit files as systemd reads them (systemd.syntax(7)): lines with their keys, continuations joined.

use std::ops::Range;

/// An assignment of a unit file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// The section's name.
    pub(super) section: String,
    /// The key.
    pub(super) key: String,
    /// The value, with continuation lines joined by spaces.
    pub(super) value: String,
    /// Where its first line is.
    pub(super) span: Range<usize>,
}

/// Every assignment of a unit file.
pub(super) fn assignments(text: &str) -> Vec<Assignment> {
    let (mut found, mut section) = (Vec::<Assignment>::new(), String::new());
    let (mut at, mut is_continued) = (0, false);
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let content = line.trim_end_matches(['\n', '\r']);
        // Comments may stand between the lines of one value.
        if content.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let (content, continues) =
            content.strip_suffix('\\').map_or((content, false), |before| (before, true));
        if is_continued {
            if let Some(last) = found.last_mut() {
                last.value.push(' ');
                last.value.push_str(content.trim());
            }
        } else if let Some(name) = content.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, value)) = content.split_once('=') {
            let indent = content.len() - content.trim_start().len();
            found.push(Assignment {
                section: section.clone(),
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
                span: start + indent..start + content.trim_end().len(),
            });
        }
        is_continued = continues;
    }
    found
}

/// The program that a command line of `ExecStart=` and the like begins with, where it is an absolute path that no
/// specifier or variable is part of (systemd.service(5), "Command lines").
pub(super) fn program(value: &str) -> Option<String> {
    let word = value.trim_start_matches(|c: char| "@-:+!|".contains(c) || c.is_whitespace());
    let path = match word.chars().next()? {
        quote @ ('"' | '\'') => word[1..].split(quote).next()?,
        _ => word.split_whitespace().next()?,
    };
    plain_path(path)
}

/// An absolute path whose meaning does not depend on the unit's name or the environment.
pub(super) fn plain_path(path: &str) -> Option<String> {
    let is_plain = path.starts_with('/') && !path.replace("%%", "").contains(['%', '$', '\\']);
    is_plain.then(|| path.replace("%%", "%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_systemd_reads_them() {
        let text = "# a\n[Unit]\nDescription=x = y\n\n[Service]\n  ExecStart = /bin/a \\\n# b\n  --c \\\n  d\nUser=\n";
        let found = assignments(text);
        let shown: Vec<_> =
            found.iter().map(|one| (one.section.as_str(), one.key.as_str(), one.value.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("Unit", "Description", "x = y"),
                ("Service", "ExecStart", "/bin/a --c d"),
                ("Service", "User", "")
            ]
        );
        assert_eq!(&text[found[1].span.clone()], "ExecStart = /bin/a");
        assert_eq!(&text[found[2].span.clone()], "User=");
    }

    #[test]
    fn a_program_is_what_a_command_line_begins_with() {
        for (value, expected) in [
            ("/usr/bin/a --b", Some("/usr/bin/a")),
            ("-/usr/bin/a", Some("/usr/bin/a")),
            ("@/usr/bin/a b", Some("/usr/bin/a")),
            ("+!!:/usr/bin/a", Some("/usr/bin/a")),
            ("\"/opt/my program/a\" b", Some("/opt/my program/a")),
            ("/opt/100%%/a", Some("/opt/100%/a")),
            ("/opt/%i/a", None),
            ("/opt/${VERSION}/a", None),
            ("sleep 1", None),
            ("", None),
        ] {
            assert_eq!(program(value).as_deref(), expected, "{value}");
        }
    }
}
