//! Looks for holes in the pins, as far as the pins themselves tell.

use std::collections::BTreeMap;

use super::{Arch, Releases};
use crate::diagnostic::{Decoded, Diagnostic, Document, Path, Report, Step};
use crate::digest::Sha256;

/// A pin and where it stands.
struct Place<'a> {
    release: &'a str,
    document: &'a Document,
    path: Path,
    sha256: Sha256,
}

/// Reports every pin of `pins` that proves less than it seems to: one without a known source, one whose files come over
/// plain http, one that another pin contradicts. `others` are pins of somebody else, known to be good.
pub fn audit(pins: &Decoded<Releases>, others: &Decoded<Releases>, report: &mut Report) {
    let Some(releases) = &pins.value else { return };
    let mut by_url: BTreeMap<String, Place<'_>> = BTreeMap::new();
    let mut ignored = Report::new();
    for (url, place) in places(others, &mut ignored) {
        by_url.insert(url, place);
    }
    let mut by_digest: BTreeMap<(String, Sha256), (String, Place<'_>)> = BTreeMap::new();
    for (url, place) in places(pins, report) {
        match by_url.get(&url) {
            Some(first) if first.sha256 != place.sha256 => report.push(two(
                format!("two digests for one file: {url}"),
                &place,
                first,
                "compare both with upstream's checksum file: `imgbuild pin RELEASE VERSION` does",
            )),
            _ => {}
        }
        match by_digest.get(&(place.release.to_owned(), place.sha256)) {
            Some((other, first)) if *other != url => report.push(two(
                format!("one digest for two files of `{}`", place.release),
                &place,
                first,
                "one of the two was copied: `imgbuild pin RELEASE VERSION` reads both from upstream's checksum file",
            )),
            _ => {}
        }
        let copy = Place { path: place.path.clone(), ..place };
        by_digest.insert((place.release.to_owned(), place.sha256), (url.clone(), copy));
        by_url.insert(url, place);
    }
    for name in releases.releases.keys() {
        release(name, releases, &pins.document, report);
    }
}

/// Every pin by the URL of its file.
fn places<'a>(pins: &'a Decoded<Releases>, report: &mut Report) -> Vec<(String, Place<'a>)> {
    let mut places = Vec::new();
    for (name, release) in pins.value.iter().flat_map(|value| &value.releases) {
        for arch in release.artifacts.keys() {
            let Some(artifact) = pins.artifact(name, *arch, report) else { continue };
            let path = vec![
                Step::from("releases"),
                Step::from(name),
                Step::from("artifacts"),
                Step::from(&arch.to_string()),
                Step::from("sha256"),
            ];
            let place = Place { release: name, document: &pins.document, path, sha256: artifact.sha256 };
            places.push((artifact.url, place));
        }
    }
    places
}

fn release(name: &str, releases: &Releases, document: &Document, report: &mut Report) {
    let release = &releases.releases[name];
    let base = [Step::from("releases"), Step::from(name)];
    for (key, address) in [("url", Some(&release.url)), ("checksums", release.checksums.as_ref())] {
        let path = [&base[..], &[Step::from(key)]].concat();
        if address.is_some_and(|address| !address.trim_start().to_ascii_lowercase().starts_with("https://")) {
            let message = format!("`{name}` is not fetched over https");
            let help = "whoever is on the way sees what is fetched, and can answer in upstream's place";
            report.push(document.error(&path, message, "expected `https://...`").help(help));
        }
    }
    if let Some(checksums) = &release.checksums
        && let Err(error) = release.expand(checksums, Arch::Amd64)
    {
        let path = [&base[..], &[Step::from("checksums")]].concat();
        report.push(super::pins::located(&error, document, &path));
    }
    for (arch, pin) in release.artifacts.iter().filter(|(_, pin)| pin.source.trim().is_empty()) {
        let path =
            [&base[..], &["artifacts".into(), Step::from(&arch.to_string()), "source".into()]].concat();
        let message = format!("nobody knows where the digest {} is from", pin.sha256);
        report.push(document.error(&path, message, "say where it is known from"));
    }
}

fn two(message: String, place: &Place<'_>, first: &Place<'_>, help: &str) -> Diagnostic {
    Diagnostic::error(message)
        .at(&place.document.source, place.document.span(&place.path), "this")
        .at(&first.document.source, first.document.span(&first.path), "and this")
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Source, decode};

    fn read(name: &str, text: &str) -> Decoded<Releases> {
        let mut report = Report::new();
        let document = Document::parse(&Source::new(name, text), &mut report).unwrap();
        let decoded = decode(document, &mut report);
        assert_eq!(report.render(false), "");
        decoded
    }

    fn release(name: &str, url: &str, pins: &[(&str, &str)]) -> String {
        let pins: Vec<_> = pins
            .iter()
            .map(|(arch, bytes)| format!("{arch}: {{sha256: {}, source: by hand}}", Sha256::of(bytes)))
            .collect();
        format!("  {name}:\n    version: 1.0.0\n    url: {url}\n    artifacts: {{{}}}\n", pins.join(", "))
    }

    fn audited(releases: &[String]) -> String {
        let own = ["releases:\n".to_owned(), release("own", "https://own/1", &[("amd64", "own")])].concat();
        let mut report = Report::new();
        let text = format!("releases:\n{}", releases.concat());
        audit(&read("mine.yaml", &text), &read("own.yaml", &own), &mut report);
        report.render(false)
    }

    #[test]
    fn pins_without_a_hole_are_passed() {
        let both = release("a", "https://h/{{ arch }}", &[("amd64", "x"), ("arm64", "y")]);
        let same = release("b", "https://h/amd64", &[("amd64", "x")]);
        let own = release("own", "https://own/1", &[("amd64", "own")]);
        assert_eq!(audited(&[both, same, own]), "");
    }

    #[test]
    fn every_hole_is_found() {
        for (releases, message) in [
            (vec![release("a", "http://h/{{ arch }}", &[("amd64", "x")])], "is not fetched over https"),
            (
                vec![release("a", "https://h/1\n    checksums: http://h/sums", &[("amd64", "x")])],
                "is not fetched over https",
            ),
            (
                vec![release("a", "https://h/1\n    checksums: https://h/{{ nothing }}", &[("amd64", "x")])],
                "does not render",
            ),
            (
                vec![
                    release("a", "https://h/1", &[("amd64", "x")]),
                    release("b", "https://h/1", &[("amd64", "y")]),
                ],
                "two digests for one file",
            ),
            (vec![release("a", "https://own/1", &[("amd64", "x")])], "own.yaml"),
            (
                vec![release("a", "https://h/{{ arch }}", &[("amd64", "x"), ("arm64", "x")])],
                "one digest for two files",
            ),
            (
                vec![release("a", "https://h/1", &[("amd64", "x")]).replace("by hand", "''")],
                "nobody knows where",
            ),
        ] {
            let shown = audited(&releases);
            assert!(shown.contains(message), "{message} is missing in\n{shown}");
        }
    }
}
