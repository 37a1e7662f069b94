//! Audits the pins, as far as the pins themselves allow it.

use std::collections::BTreeMap;

use super::{Arch, Release, Releases};
use crate::diagnostic::{Decoded, Diagnostic, Report, Step};
use crate::digest::Sha256;

/// A pin and its position.
#[derive(Clone)]
struct PinRecord<'a> {
    pins: &'a Decoded<Releases>,
    name: &'a str,
    release: &'a Release,
    arch: Arch,
    url: String,
    sha256: Sha256,
}

/// Reports every pin of `pins` that proves less than it seems to: one without a known source, one whose files come over
/// plain http, one that another pin contradicts. `others` are known good pins from elsewhere.
pub fn audit(pins: &Decoded<Releases>, others: &Decoded<Releases>, report: &mut Report) {
    let theirs = places(others, &mut Report::new());
    let by_title: BTreeMap<_, _> = theirs.iter().map(|place| (place.title(), place.clone())).collect();
    let mut by_url: BTreeMap<_, _> = theirs.into_iter().map(|place| (place.url.clone(), place)).collect();
    let mut by_digest: BTreeMap<(&str, Sha256), PinRecord<'_>> = BTreeMap::new();
    for place in places(pins, report) {
        let rivals = [(by_url.get(&place.url), &place.url), (by_title.get(&place.title()), &place.title())];
        let differs = |(rival, what): (Option<_>, _)| {
            Some((rival.filter(|rival: &&PinRecord<'_>| rival.sha256 != place.sha256)?, what))
        };
        if let Some((rival, what)) = rivals.into_iter().find_map(differs) {
            let help = "compare both with upstream's checksum file: `imgbuild pin RELEASE VERSION` does";
            report.push(place.against(rival, format!("two digests for one file: {what}"), help));
        }
        let digest = (place.name, place.sha256);
        if let Some(first) = by_digest.get(&digest).filter(|first| first.url != place.url) {
            let help = "one of the two was copied: `imgbuild pin RELEASE VERSION` reads both from upstream's checksum file";
            report.push(place.against(first, format!("one digest for two files of `{}`", place.name), help));
        }
        by_digest.insert(digest, place.clone());
        by_url.insert(place.url.clone(), place);
    }
    for (name, release) in pins.value.iter().flat_map(|value| &value.releases) {
        check(pins, name, release, report);
    }
}

impl PinRecord<'_> {
    /// What it is a file of: `grafana 12.1.1 16903967602 amd64`.
    fn title(&self) -> String {
        let Release { version, build, .. } = self.release;
        let build = build.as_ref().map_or(String::new(), |build| format!(" {build}"));
        format!("{} {version}{build} {}", self.name, self.arch)
    }

    fn path(&self) -> [Step; 5] {
        let arch = self.arch.to_string();
        ["releases", self.name, "artifacts", arch.as_str(), "sha256"].map(Step::from)
    }

    fn against(&self, other: &Self, message: String, help: &str) -> Diagnostic {
        let (ours, theirs) = (&self.pins.document, &other.pins.document);
        Diagnostic::error(message)
            .at(&ours.source, ours.span(&self.path()), "this")
            .at(&theirs.source, theirs.span(&other.path()), "and this")
            .help(help)
    }
}

/// Every pin that can be read.
fn places<'a>(pins: &'a Decoded<Releases>, report: &mut Report) -> Vec<PinRecord<'a>> {
    let mut places = Vec::new();
    for (name, release) in pins.value.iter().flat_map(|value| &value.releases) {
        for (&arch, pin) in &release.artifacts {
            let Some(artifact) = pins.artifact(name, arch, report) else { continue };
            places.push(PinRecord { pins, name, release, arch, url: artifact.url, sha256: pin.sha256 });
        }
    }
    places
}

/// What can be said of a release without looking at others.
fn check(pins: &Decoded<Releases>, name: &str, release: &Release, report: &mut Report) {
    let at = |steps: &[&str]| {
        ["releases", name].iter().chain(steps).map(|&step| Step::from(step)).collect::<Vec<_>>()
    };
    for (arch, pin) in &release.artifacts {
        // What is wrong with the url itself was found where it was read.
        let url = pins.url(name, release, *arch).ok();
        let checksums = pins.checksums(name, release, *arch).transpose();
        let checksums = checksums.map_err(|why| report.push(why)).ok().flatten();
        for (key, address) in [("url", url), ("checksums", checksums)] {
            if address.is_some_and(|address| address.starts_with("http://")) {
                let message = format!("`{name}` is not fetched over https");
                let help = "anyone on the network path can read and replace the download";
                report.push(pins.document.error(&at(&[key]), message, "expected `https://...`").help(help));
            }
        }
        if pin.source.contains("plain http") {
            let path = at(&["artifacts", &arch.to_string(), "source"]);
            let message = format!("the digest of `{name}` for {arch} came over plain http");
            let label = "anyone on the network path could have chosen it";
            let help =
                "compare it with upstream's checksum file over TLS: `imgbuild pin RELEASE VERSION` does";
            report.push(pins.document.error(&path, message, label).help(help));
        }
        if pin.source.trim().is_empty() {
            let path = at(&["artifacts", &arch.to_string(), "source"]);
            let message = format!("the source of the digest {} is unknown", pin.sha256);
            report.push(pins.document.error(
                &path,
                message,
                "write in `source` where the digest was published",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Document, Source, decode};

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
                "failed to render this template",
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
                vec![release("own", "https://h/1", &[("amd64", "x")])],
                "two digests for one file: own 1.0.0 amd64",
            ),
            (
                vec![release("a", "https://h/{{ arch }}", &[("amd64", "x"), ("arm64", "x")])],
                "one digest for two files",
            ),
            (
                vec![release("a", "https://h/1", &[("amd64", "x")]).replace("by hand", "''")],
                "the source of the digest ",
            ),
            (
                vec![
                    release("a", "https://h/1", &[("amd64", "x")])
                        .replace("by hand", "trusted at first use on 2026-01-01 over plain http"),
                ],
                "came over plain http",
            ),
        ] {
            let shown = audited(&releases);
            assert!(shown.contains(message), "{message} is missing in\n{shown}");
        }
    }
}
