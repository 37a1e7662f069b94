//! The lock as a text: sorted, one line a package, so that a change shows as what it is.

use std::fmt::Write as _;

use super::lock::{Lock, LockedPackage, LockedSystem};

/// What stands at the top.
const HEAD: &str = "# Made by `imgbuild lock`: which bytes the packages of the cluster are. Keep it with the profile; do not edit it.\n";

/// The text of a lock.
pub fn text(lock: &Lock) -> String {
    let mut text = HEAD.to_owned();
    // Writing to a text cannot fail.
    let _ = writeln!(text, "format: {}\ninputs: {}\nsystems:", lock.format, lock.inputs);
    for (key, system) in &lock.systems {
        let _ = writeln!(text, "  {}:", word(key));
        write_system(&mut text, system);
    }
    if lock.systems.is_empty() {
        text.truncate(text.len() - 1);
        text.push_str(" {}\n");
    }
    text
}

fn write_system(text: &mut String, system: &LockedSystem) {
    let _ = writeln!(text, "    at: {}\n    image: {}\n    releases:", system.at, system.image);
    for one in &system.releases {
        let _ = writeln!(
            text,
            "      - {{archive: {}, suite: {}, date: {}, sha256: {}, signed_by: {}}}",
            word(&one.archive),
            word(&one.suite),
            one.date,
            one.sha256,
            one.signed_by
        );
    }
    text.push_str("    wanted:\n");
    for (component, names) in &system.wanted {
        let _ = writeln!(text, "      {}: {}", word(component), list(names.iter()));
    }
    text.push_str(if system.packages.is_empty() { "    packages: {}\n" } else { "    packages:\n" });
    for (name, package) in &system.packages {
        let _ = writeln!(text, "      {}: {}", word(name.as_str()), line(package));
    }
}

fn line(package: &LockedPackage) -> String {
    let needs = if package.needs.is_empty() {
        String::new()
    } else {
        format!(", needs: {}", list(package.needs.iter()))
    };
    format!(
        "{{version: {}, arch: {}, from: {}, path: {}, size: {}, room: {}, sha256: {}, source: {}{needs}}}",
        word(package.version.as_str()),
        package.arch,
        word(&package.from),
        word(package.path.as_str()),
        package.size,
        package.room,
        package.sha256,
        word(package.source.as_str())
    )
}

fn list(names: impl Iterator<Item = impl ToString>) -> String {
    let names: Vec<_> = names.map(|name| word(&name.to_string())).collect();
    format!("[{}]", names.join(", "))
}

/// A word without quotes where every reader of YAML takes it for a text, or for one that decoding takes for a text.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+.-_/%~".contains(c);
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let means_nothing = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        .contains(&text.to_ascii_lowercase().as_str());
    if begins_well && !means_nothing && text.chars().all(is_plain) { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes (YAML 1.2.2, section 7.3.1).
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            // Writing to a text cannot fail.
            _ => _ = write!(quoted, "\\U{:08x}", u32::from(c)),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Decoded, Document, Report, Source, decode};

    const TEXT: &str = "format: 1\ninputs: 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\nsystems:\n  noble-amd64:\n    \
        at: 20261128T000000Z\n    image: 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\n    releases:\n      \
        - {archive: ubuntu, suite: noble-security, date: 20261127T221103Z, sha256: \
        2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881, signed_by: F6ECB3762474EDA9D21B7022871920D1991BC93C}\n    \
        wanted:\n      patroni: [patroni, python3-etcd]\n    packages:\n      null: {version: \"1:2.8\", arch: all, from: ubuntu/noble/main, \
        path: pool/h.deb, size: 5, room: 7, sha256: 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881, source: src, needs: [patroni]}\n      \
        patroni: {version: 4.0~rc1-1+b1, arch: amd64, from: ubuntu/noble/main, path: pool/p.deb, size: 3, room: 1, \
        sha256: 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881, source: patroni}\n";

    fn read(text: &str) -> (Decoded<Lock>, String) {
        let mut report = Report::new();
        let document = Document::parse(&Source::new("packages.lock", text), &mut report).unwrap();
        let decoded = decode::<Lock>(document, &mut report);
        let _ = decoded.checked(&mut report);
        (decoded, report.render(false))
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (decoded, shown) = read(&TEXT.replace("null:", "\"null\":"));
        assert_eq!(shown, "");
        let lock = decoded.value.unwrap();
        let written = text(&lock);
        assert_eq!(written, [HEAD, &TEXT.replace("null:", "\"null\":")].concat());
        assert_eq!(read(&written).0.value, Some(lock.clone()));
        let system = &lock.systems["noble-amd64"];
        let null = "null".parse().unwrap();
        let names: Vec<_> = system.closure([&null]).into_iter().map(ToString::to_string).collect();
        assert_eq!((names, system.size()), (vec!["null".to_owned(), "patroni".to_owned()], 8));
    }

    #[test]
    fn what_was_edited_is_refused_with_its_place() {
        for (from, to, message, place) in [
            ("format: 1", "format: 2", "the format 2 of the lock is not known", "packages.lock:1:9"),
            ("pool/h.deb", "../h.deb", "leads out of the archive", "packages.lock:12:"),
            ("pool/h.deb", "https://h/h.deb", "leads out of the archive", "packages.lock:12:"),
            ("pool/p.deb", "pool/p.rpm", "is not a valid path of a package", "packages.lock:13:"),
            ("4.0~rc1", "4 0", "is not a valid Debian version", "packages.lock:13:"),
            (
                "needs: [patroni]",
                "needs: [haproxy]",
                "needs `haproxy`, which is not locked",
                "packages.lock:12:",
            ),
            ("      patroni: {", "      Patroni: {", "is not a valid package name", "packages.lock:13:7"),
            ("20261128T", "20261328T", "expected a moment such as", "packages.lock:5:9"),
            ("arch: all", "arch: i386", "is not a valid value", "packages.lock:12:"),
            ("room: 7, ", "", "the key `room` is missing", "packages.lock:12:"),
            ("sha256: 2d", "sha256: 2z", "only hex digits", "packages.lock:8:"),
        ] {
            let (decoded, shown) = read(&TEXT.replacen(from, to, 1));
            assert!(shown.contains(message) && shown.contains(place), "{message}:\n{shown}");
            assert!(
                decoded.checked(&mut Report::new()).is_none() || message.contains("not locked"),
                "{message}"
            );
        }
    }
}
