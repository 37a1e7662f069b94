//! `imgbuild pin`: what it takes for a digest, what it refuses, and what it leaves of the pins file.
#![expect(clippy::disallowed_methods, reason = "tests write pins files and look at them from outside")]

use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;
use imgbuild::diagnostic::{Document, Report, Source, decode};
use imgbuild::digest::Sha256;
use imgbuild::release::{Releases, audit, digest_for, moved};
use proptest::prelude::*;
use tempfile::TempDir;

use super::support::server::{Answer, Server};

const FILE: &str = "thing-2.0.0.linux-amd64.tgz";

/// A folder with a pins file whose release `thing` is at `host`.
struct Desk(TempDir);

impl Desk {
    fn new(host: &str, checksums: &str) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let text = format!(
            "# my pins\nreleases:\n  thing: # the one\n    version: 1.0.0\n    url: {host}/v{{{{ version }}}}/thing-{{{{ version }}}}.linux-{{{{ arch }}}}.tgz\n    {checksums}\n    artifacts:\n      amd64:\n        sha256: {} # found\n        size: 5\n        source: by hand\n",
            Sha256::of("old")
        );
        fs::write(desk.pins(), text).unwrap();
        desk
    }

    fn pins(&self) -> PathBuf {
        self.0.path().join("pins.yaml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.pins()).unwrap()
    }

    /// Runs `imgbuild pin thing` with these arguments; its exit code and all that it said.
    fn pin(&self, arguments: &[&str]) -> (i32, String) {
        let output =
            imgbuild().args(["pin", "--releases"]).arg(self.pins()).arg("thing").args(arguments).output();
        said(&output.unwrap())
    }
}

fn imgbuild() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imgbuild"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("IMGBUILD_")) {
        command.env_remove(name);
    }
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(proxy).env_remove(proxy.to_lowercase());
    }
    command
}

fn said(output: &std::process::Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// A server that has this checksum file, and the artifact.
fn server(sums: &str) -> Server {
    let sums = sums.to_owned();
    Server::start(move |request, _| match request.target() {
        "/v2.0.0/SUMS" | "/v1.0.0/SUMS" => Answer::ok(sums.as_bytes()),
        target if target.ends_with(FILE) => Answer::ok(b"new"),
        _ => Answer::error("404 Not Found"),
    })
}

fn sums(of: &Server) -> String {
    format!("checksums: {}", of.url("/v{{ version }}/SUMS"))
}

#[test]
fn a_release_moves_to_the_digest_of_upstreams_checksum_file() {
    let new = Sha256::of("new");
    let server = server(&format!("{new}  {FILE}\n"));
    let desk = Desk::new(&server.url(""), &sums(&server));
    let before = desk.text();

    let (code, text) = desk.pin(&["2.0.0", "--dry-run"]);
    assert_eq!((code, desk.text()), (0, before.clone()), "{text}");
    assert!(text.contains("thing 1.0.0 -> 2.0.0") && text.contains("not written"), "{text}");

    let (code, text) = desk.pin(&["2.0.0", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &json["written"], &json["to"]["version"]), (0, &true.into(), &"2.0.0".into()));
    assert_eq!(json["artifacts"]["amd64"]["to"], new.to_string());
    let expected = before
        .replace("version: 1.0.0", "version: 2.0.0")
        .replace(&Sha256::of("old").to_string(), &new.to_string())
        .replace("        size: 5\n", "")
        .replace("by hand", "upstream's checksum file over plain http");
    assert_eq!(desk.text(), expected);

    let (code, text) = desk.pin(&["2.0.0"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("nothing changes"), "{text}");
}

#[test]
fn a_mirrors_copy_is_called_one() {
    let new = Sha256::of("new");
    let mirror = tempfile::tempdir().unwrap();
    fs::create_dir_all(mirror.path().join("h/v2.0.0")).unwrap();
    fs::write(mirror.path().join("h/v2.0.0/SUMS"), format!("{new}  {FILE}\n")).unwrap();
    let desk = Desk::new("https://h", "checksums: https://h/v{{ version }}/SUMS");
    let (code, text) = desk.pin(&["2.0.0", "--offline", "--mirror", mirror.path().to_str().unwrap()]);
    assert_eq!(code, 0, "{text}");
    assert!(
        desk.text().contains("source: a copy of upstream's checksum file in a mirror's folder\n"),
        "{}",
        desk.text()
    );

    let (code, text) = desk.pin(&["2.0.1", "--offline"]);
    assert_eq!(code, 5, "{text}");
    assert!(
        text.contains("`https://h/v2.0.1/SUMS` could not be read") && text.contains("leave `--offline` out"),
        "{text}"
    );
}

#[test]
fn what_proves_nothing_is_refused_and_changes_nothing() {
    let (old, new) = (Sha256::of("old"), Sha256::of("new"));
    let good = format!("{new}  {FILE}\n");
    for (sums, arguments, code, message) in [
        ("<html>portal</html>", &["2.0.0"][..], 4, "it is an HTML page"),
        ("nothing here", &["2.0.0"], 1, "no line with a SHA-256 digest"),
        (&format!("{new}  other.tgz\n"), &["2.0.0"], 1, "no digest for `thing-2.0.0.linux-amd64.tgz`"),
        (&format!("{new}\n"), &["2.0.0"], 1, "no digest for"),
        (&format!("{good}{old}  x/{FILE}\n"), &["2.0.0"], 1, "two different digests"),
        (&good.replace("2.0.0", "1.0.0"), &["1.0.0"], 4, "another digest than its pin says"),
        (&good, &["3.0.0"], 5, "404 Not Found"),
        (&good, &["v2.0.0"], 2, "is no version"),
        (&good, &["2.0.0", "--build", "7"], 2, "no build number"),
        (&good, &["2.0.0", "--sha256", "arm64=0"], 2, "64 hex digits"),
        (&good, &["2.0.0", "--sha256", &format!("arm64={new}")], 2, "has no pin for arm64"),
    ] {
        let server = server(sums);
        let desk = Desk::new(&server.url(""), &self::sums(&server));
        let before = desk.text();
        let (got, text) = desk.pin(arguments);
        assert!(got == code && text.contains(message), "{code} and {message}, not {got}:\n{text}");
        assert_eq!(desk.text(), before, "{message}");
    }
}

#[test]
fn a_first_use_is_trusted_only_when_asked_and_is_called_that() {
    let server = server("");
    let desk = Desk::new(&server.url(""), "license: MIT");
    let (code, text) = desk.pin(&["2.0.0"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("names no checksum file") && text.contains("--trust-first-use"), "{text}");
    let (code, text) = desk.pin(&["2.0.0", "--trust-first-use"]);
    assert_eq!(code, 0, "{text}");
    let pins = desk.text();
    assert!(pins.contains(&format!("sha256: {} # found\n        size: 3\n", Sha256::of("new"))), "{pins}");
    assert!(
        pins.contains("source: trusted at first use on 20") && pins.contains(" over plain http\n"),
        "{pins}"
    );
}

#[test]
fn a_first_use_of_a_page_for_people_is_refused() {
    let server =
        Server::start(|_, _| Answer::ok(b"<!doctype html><p>log in").header("Content-Type: text/html"));
    let desk = Desk::new(&server.url(""), "license: MIT");
    let before = desk.text();
    let (code, text) = desk.pin(&["2.0.0", "--trust-first-use"]);
    assert!(code == 4 && text.contains("it is an HTML page"), "{code}: {text}");
    assert_eq!(desk.text(), before);
}

#[test]
fn a_digest_by_hand_needs_no_network() {
    let desk = Desk::new("https://h", "checksums: https://h/SUMS");
    let (code, text) =
        desk.pin(&["2.0.0", "--offline", "--sha256", &format!("amd64={}", Sha256::of("mine"))]);
    assert_eq!(code, 0, "{text}");
    assert!(
        desk.text().contains(&Sha256::of("mine").to_string())
            && desk.text().contains("source: confirmed by hand\n")
    );
}

#[test]
fn the_built_in_pins_cannot_be_changed() {
    let nowhere = tempfile::tempdir().unwrap();
    let output = imgbuild().current_dir(nowhere.path()).args(["pin", "etcd", "3.6.9"]).output().unwrap();
    let (code, text) = said(&output);
    assert!(code == 2 && text.contains("the built-in pins cannot be changed"), "{text}");
}

#[test]
fn the_own_pins_have_no_hole_and_a_hole_is_invalid_input() {
    let (code, text) = said(&imgbuild().args(["pin", "--check"]).output().unwrap());
    assert!(code == 0 && text.contains("no hole in the pins"), "{text}");

    let own = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/releases.yaml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pins.yaml");
    for (hole, message) in [
        (own.replace("url: https://dl.grafana", "url: http://dl.grafana"), "not fetched over https"),
        (own.replace("4d5f3101", "4d5f3102"), "two digests for one file"),
        (own.replace("      amd64:\n        sha256: 825a", "      arm65:\n        sha256: 825a"), "arm65"),
    ] {
        fs::write(&path, hole).unwrap();
        let output = imgbuild().args(["pin", "--check", "--releases"]).arg(&path).output().unwrap();
        let (code, text) = said(&output);
        assert!(code == 3 && text.contains(message), "{code}, {message} is missing in\n{text}");
    }
}

/// The project's own pins, the worst of which anybody's may be a few strokes away from.
const OWN: &str = include_str!("../profiles/releases.yaml");

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_pins_file_makes_imgbuild_panic(
        strokes in prop::collection::vec((0..OWN.len(), 0..40_usize, "[-{}:,'\"#|& \n\taz1é]{0,3}"), 1..6),
        version in "[0-9]{1,3}(\\.[0-9a-z]{0,3}){0,3}",
    ) {
        let mut text = OWN.to_owned();
        for (at, gone, new) in strokes {
            let start = text.floor_char_boundary(at.min(text.len()));
            let end = text.floor_char_boundary((start + gone).min(text.len()));
            text.replace_range(start..end, &new);
        }
        let mut report = Report::new();
        let Some(document) = Document::parse(&Source::new("pins.yaml", text), &mut report) else {
            return Ok(());
        };
        let pins = decode::<Releases>(document, &mut report);
        audit(&pins, &pins, &mut report);
        for (name, release) in pins.value.iter().flat_map(|value| &value.releases) {
            let mut to = release.clone();
            to.version.clone_from(&version);
            for pin in to.artifacts.values_mut() {
                (pin.sha256, pin.size) = (Sha256::of("new"), pin.size.map_or(Some(1), |_| None));
            }
            // Only the text for these pins may come of it; it is an error otherwise.
            let _ = pins.value.as_ref().map(|value| moved(&pins.document, value, name, &to));
        }
        report.render(true);
    }

    #[test]
    fn a_checksum_file_gives_a_digest_that_it_has(text in "([0-9a-f]{64}|[0-9A-Fx]{0,65}|[ *\t\r\né]|a\\.tgz){0,12}") {
        if let Ok(digest) = digest_for("a.tgz", "a.tgz.sha256", &text) {
            prop_assert!(text.to_lowercase().contains(&digest.to_string()));
        }
    }
}
