//! What is wrong with the archives and systems of a pins file by themselves.

use minijinja::context;

use super::pins::{expand, has_credentials, located};
use super::{Arch, Archive, ListPlace, Releases, System};
use crate::diagnostic::{Decoded, Diagnostic, Report, Step, nearest};

impl Decoded<Releases> {
    /// What is wrong with the archives and systems by themselves.
    pub fn check_archives(&self, report: &mut Report) {
        let Some(releases) = &self.value else { return };
        for (name, archive) in &releases.archives {
            self.check_archive(name, archive, report);
        }
        for (name, system) in &releases.systems {
            self.check_system(name, system, report);
        }
    }

    fn check_archive(&self, name: &str, archive: &Archive, report: &mut Report) {
        let at = |steps: &[Step]| [&["archives".into(), Step::from(name)], steps].concat();
        for (index, template) in archive.urls.iter().enumerate() {
            let path = at(&["urls".into(), index.into()]);
            if has_credentials(template) {
                report.push(self.indiscreet(name, &path));
                continue;
            }
            let names = context! { at => "20260101T000000Z", arch => "amd64" };
            match expand(template, names) {
                Ok(url) if url.starts_with("https://") || url.starts_with("http://") => {}
                Ok(url) => {
                    let message = format!("`{}` is not a web address", url.escape_debug());
                    report.push(self.document.error(&path, message, "expected `https://...`"));
                }
                Err(error) => {
                    report.push(located(&error, &self.document, &path).help("`at` and `arch` can be used"));
                }
            }
        }
        for (key, list) in [("suites", &archive.suites), ("components", &archive.components)] {
            for (index, word) in list.iter().enumerate().filter(|(_, word)| !is_path(word)) {
                let message = format!("`{}` is not a valid name of one of the `{key}`", word.escape_debug());
                let label = "expected letters, digits, `-`, `.` and `/`";
                report.push(self.document.error(&at(&[key.into(), index.into()]), message, label));
            }
        }
        let lists =
            [("urls", archive.urls.len()), ("keys", archive.keys.len()), ("suites", archive.suites.len())];
        for (key, length) in lists.into_iter().chain([("components", archive.components.len())]) {
            if length == 0 && !self.lossy {
                let message = format!("`{key}` of the archive `{name}` is empty");
                report.push(self.document.error(&at(&[key.into()]), message, "expected at least one"));
            }
        }
        for (index, key) in archive.keys.iter().enumerate() {
            let place = |field: &str| at(&["keys".into(), index.into(), field.into()]);
            self.check_file(&key.file, &place("file"), report);
            if key.source.trim().is_empty() {
                let message = format!("nobody knows where the key {} is from", key.fingerprint);
                report.push(self.document.error(&place("source"), message, "say where it is known from"));
            }
        }
    }

    fn check_system(&self, name: &str, system: &System, report: &mut Report) {
        let at = |steps: &[Step]| [&["systems".into(), Step::from(name)], steps].concat();
        let Some(releases) = &self.value else { return };
        for (index, archive) in system.archives.iter().enumerate() {
            if !releases.archives.contains_key(archive) && !self.lossy {
                let known = releases.archives.keys().map(String::as_str);
                let path = at(&["archives".into(), index.into()]);
                report.push(self.unknown("archive", archive, known, &path));
            }
        }
        if system.archives.is_empty() && !self.lossy {
            let message = format!("the system `{name}` has no archives");
            report.push(self.document.error(&at(&["archives".into()]), message, "expected at least one"));
        }
        if let Some(image) = system.image.as_ref().filter(|image| !releases.releases.contains_key(*image))
            && !self.lossy
        {
            let known = releases.releases.keys().map(String::as_str);
            report.push(self.unknown("release", image, known, &at(&["image".into()])));
        }
        let path = at(&["packages".into()]);
        match system.list(Arch::Amd64) {
            Ok(ListPlace::File(file)) => self.check_file(&file, &path, report),
            Ok(ListPlace::Url(_)) if has_credentials(&system.packages) => {
                report.push(self.indiscreet(name, &path));
            }
            Ok(ListPlace::Url(url)) if !url.starts_with("http://") && !url.starts_with("https://") => {
                let message = format!("`{}` is not a web address", url.escape_debug());
                report.push(self.document.error(&path, message, "expected `https://...` or a file"));
            }
            Ok(ListPlace::Url(_)) if system.artifacts.is_empty() && !self.lossy => {
                let message = format!("the list of packages of `{name}` has no digest");
                let help = "add `artifacts: {amd64: {sha256: ..., source: ...}}`";
                report.push(self.document.error(&path, message, "").help(help));
            }
            Ok(ListPlace::Url(_)) => {}
            Err(error) => report.push(located(&error, &self.document, &path).help("`arch` can be used")),
        }
    }

    fn check_file(&self, file: &str, path: &[Step], report: &mut Report) {
        let is_inside = file.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if !is_inside || file.contains(['\0', '\\']) {
            let message = format!("`{}` is not a file beside the pins file", file.escape_debug());
            report.push(self.document.error(
                path,
                message,
                "expected a relative path, such as `keys/debian.asc`",
            ));
        }
    }

    fn unknown<'a>(
        &self,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'a str> + Clone,
        path: &[Step],
    ) -> Diagnostic {
        let meant = nearest(name, known.clone());
        let label = meant.map_or_else(|| "not known".to_owned(), |meant| format!("did you mean `{meant}`?"));
        let known: Vec<_> = known.collect();
        let help = match known[..] {
            [] => format!("the pins file has no {what}s"),
            _ => format!("the {what}s are `{}`", known.join("`, `")),
        };
        self.document.error(path, format!("unknown {what} `{}`", name.escape_debug()), label).help(help)
    }
}

/// Whether a word can be a part of an archive's paths.
fn is_path(word: &str) -> bool {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"-._~+".contains(&c);
    word.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Document, Source, decode};

    const GOOD: &str = "releases: {}\narchives:\n  debian:\n    urls: ['https://h/{{ at }}/']\n    keys:\n    \
                        - {fingerprint: 04B54C3CDCA79751B16BC6B5225629DF75B188BD, file: keys/debian.asc, source: its package}\n    \
                        suites: [trixie]\n    components: [main]\n    only: ['lib*-dev', haproxy]\nsystems:\n  trixie:\n    \
                        packages: trixie-{{ arch }}.txt\n    archives: [debian]\n";

    fn checked(text: &str) -> (Option<Releases>, String) {
        let mut report = Report::new();
        let document = Document::parse(&Source::new("releases.yaml", text), &mut report).unwrap();
        let decoded = decode::<Releases>(document, &mut report);
        decoded.check_archives(&mut report);
        (decoded.value, report.render(false))
    }

    #[test]
    fn an_archive_has_addresses_for_each_moment() {
        let (releases, shown) = checked(GOOD);
        assert_eq!(shown, "");
        let releases = releases.unwrap();
        let archive = &releases.archives["debian"];
        let at = "2026-11-28T05:06:07Z".parse().unwrap();
        assert_eq!(archive.addresses(at, Arch::Amd64).unwrap(), ["https://h/20261128T050607Z"]);
        assert!(archive.has_snapshots());
        for (name, is_offered) in
            [("libx-dev", true), ("lib-dev", true), ("libx", false), ("haproxy", true), ("xhaproxy", false)]
        {
            assert_eq!(archive.offers(name), is_offered, "{name}");
        }
        let list = releases.systems["trixie"].list(Arch::Arm64).unwrap();
        assert_eq!(list, ListPlace::File("trixie-arm64.txt".into()));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (from, to, message, place) in [
            ("https://h", "ftp://h", "is not a web address", "releases.yaml:4:12"),
            ("https://h", "https://ann:s3cret@h", "has a user or a password", "releases.yaml:4:"),
            ("{{ at }}", "{{ when }}", "failed to render", "releases.yaml:4:12"),
            (
                "['https://h/{{ at }}/']",
                "[]",
                "`urls` of the archive `debian` is empty",
                "releases.yaml:4:11",
            ),
            ("04B54C3C", "04B5", "expected a fingerprint of 40 hex digits, got 36", "releases.yaml:6:"),
            ("04B54C3C", "ZZZZZZZZ", "not all of them hex digits", "releases.yaml:6:"),
            ("keys/debian.asc", "../debian.asc", "is not a file beside the pins file", "releases.yaml:6:"),
            ("[trixie]", "[../trixie]", "is not a valid name of one of the `suites`", "releases.yaml:7:"),
            ("archives: [debian]", "archives: [debiam]", "did you mean `debian`?", "releases.yaml:13:"),
            (
                "archives: [debian]",
                "image: ubuntu\n    archives: [debian]",
                "unknown release `ubuntu`",
                "releases.yaml:13:",
            ),
            ("trixie-{{ arch }}.txt", "https://h/list", "has no digest", "releases.yaml:12:"),
            ("components:", "componets:", "did you mean `components`?", "releases.yaml:8:5"),
        ] {
            let (_, shown) = checked(&GOOD.replacen(from, to, 1));
            assert!(shown.contains(message) && shown.contains(place), "{message}:\n{shown}");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}
