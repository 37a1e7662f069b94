//! The documents' examples are followed step by step: files are written, commands run, and what they print is what the page shows.
#![expect(clippy::disallowed_methods, reason = "edge: follows the documents in folders of their own")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use imgbuild::release::{Arch, Releases};
use tempfile::TempDir;

use crate::support::markdown::{Block, Document};
use crate::support::oracle::{oracle, stdout};
use crate::support::releases;

const PINS: &str = include_str!("../../profiles/releases.yaml");
const COMPONENT_PAGE: &str = "docs/how-to/add-a-component.md";

#[test]
fn every_page_can_be_followed() {
    if oracle("bash").is_none() {
        return;
    }
    let mirror = TempDir::new().unwrap();
    releases::synthetic(mirror.path(), PINS, &components());
    let pages = Document::all().into_iter().filter(|page| page.blocks().iter().any(|block| block.has("run")));
    let pages: Vec<_> = pages.collect();
    std::thread::scope(|scope| {
        for page in &pages {
            scope.spawn(|| follow(page, mirror.path()));
        }
    });
    let followed = pages.iter().map(|page| page.name().to_owned()).collect::<Vec<_>>();
    for page in ["README.md", "docs/tutorial.md", COMPONENT_PAGE] {
        assert!(followed.iter().any(|name| name == page), "{page} has nothing to follow");
    }
}

/// Follows a page in a folder of its own.
fn follow(page: &Document, mirror: &Path) {
    let work = TempDir::new().unwrap();
    for block in page.blocks() {
        let reader = Reader { page, block: &block, work: work.path(), mirror };
        if let Some(path) = block.value("file") {
            reader.writes(path);
        } else if block.has("run") && block.language() == "console" {
            reader.sees();
        } else if block.has("run") {
            reader.runs(&block.text);
        }
    }
    only_their_owner_reads_secrets(work.path());
    if page.name() == COMPONENT_PAGE {
        the_component_is_there(work.path());
    }
}

/// Somebody who does what a block says, with a mirror of tiny releases in place of the release hosts.
struct Reader<'a> {
    page: &'a Document,
    block: &'a Block<'a>,
    work: &'a Path,
    mirror: &'a Path,
}

impl Reader<'_> {
    fn place(&self) -> String {
        format!("{}:{}", self.page.name(), self.block.line)
    }

    fn writes(&self, path: &str) {
        let path = self.work.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &self.block.text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn bash(&self, commands: &str) -> Output {
        let binary = Path::new(env!("CARGO_BIN_EXE_imgbuild"));
        let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", commands]).current_dir(self.work).env_clear();
        bash.env("PATH", path).env("HOME", self.work);
        // Where the block is of a machine without a network, it has no mirror either, nor a store that is filled.
        if self.block.has("offline") {
            bash.env("XDG_CACHE_HOME", self.work.join("empty")).env("IMGBUILD_OUT", "offline");
        } else {
            bash.env("IMGBUILD_MIRROR", self.mirror)
                .env("IMGBUILD_RELEASES", self.mirror.join("releases.yaml"));
        }
        bash.output().unwrap()
    }

    fn runs(&self, commands: &str) {
        let output = self.bash(commands);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {}\n{errors}", self.place(), output.status);
    }

    /// Runs each line that begins with `$ `, and compares what it prints on both streams with the lines below it.
    fn sees(&self) {
        let text = format!("\n{}", self.block.text);
        for step in text.split("\n$ ").skip(1) {
            let (command, shown) = step.split_once('\n').unwrap_or((step, ""));
            let output = self.bash(&format!("{{ {command}\n}} 2>&1"));
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(shows(shown, &printed), "{}: `{command}` prints\n{printed}", self.place());
        }
    }
}

/// Whether a page shows what was printed: line by line, with `...` for what is left out.
fn shows(shown: &str, printed: &str) -> bool {
    let shown: Vec<_> = shown.trim_end().lines().collect();
    let printed: Vec<_> = printed.trim_end().lines().collect();
    lines_fit(&shown, &printed)
}

fn lines_fit(shown: &[&str], printed: &[&str]) -> bool {
    match (shown, printed) {
        ([], []) => true,
        (["...", rest @ ..], _) => (0..=printed.len()).any(|skipped| lines_fit(rest, &printed[skipped..])),
        ([one, shown @ ..], [other, printed @ ..]) => line_fits(one, other) && lines_fit(shown, printed),
        _ => false,
    }
}

fn line_fits(shown: &str, printed: &str) -> bool {
    let Some((first, rest)) = shown.split_once("...") else { return shown == printed };
    let Some(mut printed) = printed.strip_prefix(first) else { return false };
    let parts: Vec<_> = rest.split("...").collect();
    let (last, middle) = parts.split_last().unwrap();
    for part in middle {
        let Some((_, after)) = printed.split_once(part) else { return false };
        printed = after;
    }
    printed.ends_with(last)
}

#[test]
fn what_is_shown_may_leave_out_lines_and_words() {
    for (shown, printed, expected) in [
        ("a\nb", "a\nb\n", true),
        ("a\nb", "a\nc", false),
        ("a\n...\nd", "a\nb\nc\nd", true),
        ("...\nd", "d", true),
        ("a\n...", "a", true),
        ("a ... c, ...", "a b c, d", true),
        ("a ... c", "a b", false),
        ("a", "a\nb", false),
    ] {
        assert_eq!(shows(shown, printed), expected, "{shown:?} {printed:?}");
    }
}

/// What holds secrets, or their digests, has mode 0600 in every folder that a page's steps have built.
fn only_their_owner_reads_secrets(work: &Path) {
    let manifests = fs::read_dir(work).unwrap().flat_map(|folder| {
        let nodes = fs::read_dir(folder.unwrap().path()).into_iter().flatten();
        nodes.map(|node| node.unwrap().path().join("manifest.json")).collect::<Vec<PathBuf>>()
    });
    for manifest in manifests.filter(|manifest| manifest.is_file()) {
        let is_private = fs::read_to_string(&manifest).unwrap().contains("\"secrets\": true");
        for file in ["user-data", "seed.iso", "manifest.json"] {
            let file = manifest.with_file_name(file);
            let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, if is_private { 0o600 } else { 0o644 }, "{}", file.display());
        }
    }
}

/// The example's program, unit, scrape job and alert are where it says, and its secret in user-data alone.
fn the_component_is_there(work: &Path) {
    let (store, watch) = (overlay(work, "store-1"), overlay(work, "watch-1"));
    for path in ["usr/local/bin/postgres_exporter", "etc/systemd/system/postgres_exporter.service"] {
        assert!(store.contains_key(path) && !watch.contains_key(path), "{path}");
    }
    assert!(store["etc/systemd/system/postgres_exporter.service"].contains("DATA_SOURCE_USER=metrics\n"));
    let scraped = &watch["opt/prometheus/prometheus.yml"];
    assert!(scraped.contains("\"postgres_exporter\"") && scraped.contains("store-3:9187"), "{scraped}");
    assert!(watch["opt/prometheus/rules/postgres_exporter.yml"].contains("PostgresDown"));
    let secrets = fs::read_to_string(work.join("secrets.yaml")).unwrap();
    let line = secrets.lines().find(|line| line.starts_with("postgres_exporter_password")).unwrap();
    let secret = line.split('"').nth(1).unwrap();
    let documents = fs::read_to_string(work.join("shop/store-1/user-data")).unwrap();
    assert!(documents.contains(secret) && store.values().all(|file| !file.contains(secret)));
}

/// The files of a built node's overlay.
fn overlay(work: &Path, node: &str) -> BTreeMap<String, String> {
    let file = fs::File::open(work.join(format!("shop/{node}/overlay.tar.gz"))).unwrap();
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(file));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        files.insert(name, String::from_utf8_lossy(&bytes).into_owned());
    }
    files
}

/// The component.yaml files of the project and of the page that makes one.
fn components() -> Vec<String> {
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("overlays")).unwrap();
    let built_in =
        folders.map(|entry| fs::read_to_string(entry.unwrap().path().join("component.yaml")).unwrap());
    built_in.chain([written("/component.yaml")]).collect()
}

/// The text of the file that the component's page has under such a name.
fn written(name: &str) -> String {
    let page = Document::read(COMPONENT_PAGE);
    let blocks = page.blocks();
    blocks.into_iter().find(|block| block.value("file").is_some_and(|file| file.contains(name))).unwrap().text
}

#[test]
fn promtool_accepts_the_components_alert() {
    let Some(mut promtool) = oracle("promtool") else { return };
    let room = TempDir::new().unwrap();
    let file = room.path().join("rules.yml");
    fs::write(&file, written("/rules/")).unwrap();
    stdout(promtool.args(["check", "rules", "--lint=all", "--lint-fatal"]).arg(&file));
}

#[test]
fn the_components_pin_is_the_one_of_the_pins_file() {
    let pins: Releases = serde_yaml::from_str(PINS).unwrap();
    let page = Document::read(COMPONENT_PAGE);
    let blocks = page.blocks();
    let block = blocks.iter().find(|block| block.value("pin").is_some()).unwrap();
    let shown: Releases = serde_yaml::from_str(&format!("releases:\n{}", block.text)).unwrap();
    let name = block.value("pin").unwrap();
    let (shown, pinned) = (&shown.releases[name], &pins.releases[name]);
    assert_eq!((&shown.version, &shown.url, &shown.folder), (&pinned.version, &pinned.url, &pinned.folder));
    assert_eq!(shown.artifacts[&Arch::Amd64].sha256, pinned.artifacts[&Arch::Amd64].sha256);
}
