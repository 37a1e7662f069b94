//! `imgbuild pin`: what it takes for a digest, what it refuses, and what it leaves of the pins file.

use imgbuild::digest::Sha256;

use super::support::server::{Answer, Server};
use super::support::workspace::{Run, Workspace};

/// The project's own pins.
const OWN: &str = include_str!("../profiles/releases.yaml");
const FILE: &str = "thing-2.0.0.linux-amd64.tgz";

/// A folder with a pins file whose release `thing` is at `host`.
fn desk(host: &str, checksums: &str) -> Workspace {
    Workspace::new().releases(format!(
        "# my pins\nreleases:\n  thing: # the one\n    version: 1.0.0\n    \
         url: {host}/v{{{{ version }}}}/thing-{{{{ version }}}}.linux-{{{{ arch }}}}.tgz\n    {checksums}\n    \
         problems:\n      - {{description: it leaks, fixed_in: [2.0.0]}}\n      - {{description: it stops, fixed_in: [2.0.1]}}\n    \
         artifacts:\n      amd64:\n        sha256: {} # found\n        size: 5\n        source: by hand\n",
        Sha256::of("old")
    ))
}

/// Runs `imgbuild pin thing` with these arguments.
fn pin(desk: &Workspace, arguments: &[&str]) -> Run {
    desk.run(&[&["pin", "thing"], arguments].concat())
}

fn pins(desk: &Workspace) -> String {
    desk.text("releases.yaml")
}

/// A server that has this checksum file, and the artifact.
fn server(sums: &str) -> Server {
    let sums = sums.to_owned();
    Server::start(move |request, _| match request.target() {
        "/v2.0.0/SUMS" | "/v1.0.0/SUMS" => Answer::ok(sums.as_bytes()),
        target if target.ends_with(".tgz") => Answer::ok(b"new"),
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
    let desk = desk(&server.url(""), &sums(&server));
    let before = pins(&desk);

    let shown = format!(
        "thing 1.0.0 -> 2.0.0 in releases.yaml (not written)\n  amd64 upstream's checksum file over plain http\n        \
         {}\n        sha256 {new}, was {}\n  known problem: it stops, fixed in 2.0.1\n",
        server.url(&format!("/v2.0.0/{FILE}")),
        Sha256::of("old")
    );
    pin(&desk, &["2.0.0", "--dry-run"]).exit(0).stdout(&shown).stderr("");
    assert_eq!(pins(&desk), before);

    let json = pin(&desk, &["2.0.0", "--json"]).exit(0).stderr("").json();
    assert_eq!((&json["written"], &json["to"]["version"]), (&true.into(), &"2.0.0".into()));
    assert_eq!(json["artifacts"]["amd64"]["to"], new.to_string());
    assert_eq!(json["problems"][0]["fixed_in"], "2.0.1", "what is cured is not told any more");
    let expected = before
        .replace("version: 1.0.0", "version: 2.0.0")
        .replace(&Sha256::of("old").to_string(), &new.to_string())
        .replace("        size: 5\n", "")
        .replace("by hand", "upstream's checksum file over plain http");
    assert_eq!(pins(&desk), expected);

    pin(&desk, &["2.0.0"]).exit(0).stdout(
        &shown
            .replace("1.0.0 -> ", "")
            .replace("not written", "nothing changes")
            .replace(&format!("was {}", Sha256::of("old")), "unchanged"),
    );
    assert_eq!(pins(&desk), expected);
}

#[test]
fn a_mirrors_copy_is_called_one() {
    let new = Sha256::of("new");
    let desk = desk("https://h", "checksums: https://h/v{{ version }}/SUMS")
        .file("mirror/h/v2.0.0/SUMS", format!("{new}  {FILE}\n"))
        .option("--mirror", "mirror");
    pin(&desk, &["2.0.0", "--offline"]).exit(0);
    assert!(pins(&desk).contains("source: a copy of upstream's checksum file in a mirror's folder\n"));

    let at = Server::start(move |_, _| Answer::ok(format!("{new}  {FILE}\n").as_bytes()));
    let address = at.url("/m").replace("://", "://ann:s3cret@");
    let desk =
        self::desk("https://h", "checksums: https://h/v{{ version }}/SUMS").option("--mirror", &address);
    pin(&desk, &["2.0.0"]).exit(0).hides("s3cret");
    assert!(pins(&desk).contains("source: a mirror's copy of upstream's checksum file over plain http\n"));
    assert!(!pins(&desk).contains("s3cret"));
    assert!(at.requests()[0].header("authorization").is_some());
}

#[test]
fn without_a_network_nothing_is_known() {
    let desk = desk("https://h", "checksums: https://h/v{{ version }}/SUMS");
    pin(&desk, &["2.0.0", "--offline"]).exit(5).says(&[
        "`https://h/v2.0.0/SUMS` could not be read: it is not in the store, and the network is off",
        "leave `--offline` out",
    ]);
}

#[test]
fn what_proves_nothing_is_refused_and_changes_nothing() {
    let (old, new) = (Sha256::of("old"), Sha256::of("new"));
    let good = format!("{new}  {FILE}\n");
    for (sums, arguments, code, message) in [
        ("<html>portal</html>", &["2.0.0"][..], 4, "it is an HTML page"),
        ("nothing here", &["2.0.0"], 4, "it does not contain a SHA-256 digest"),
        (
            &format!("{new}  other.tgz\n"),
            &["2.0.0"],
            4,
            "it does not contain a digest for `thing-2.0.0.linux-amd64.tgz`",
        ),
        (&format!("{new}\n"), &["2.0.0"], 4, "it does not contain a digest for"),
        (&format!("{good}{old}  x/{FILE}\n"), &["2.0.0"], 4, "two different digests"),
        (&good.replace("2.0.0", "1.0.0"), &["1.0.0"], 4, "has the pinned version, but another digest"),
        (&good, &["3.0.0"], 5, "404 Not Found"),
        (&good, &["v2.0.0"], 2, "is not a valid version"),
        (&good, &["../2"], 2, "is not a valid version"),
        (&good, &["2.0.0", "--bundle", "b"], 2, "the pins of a bundle cannot be changed"),
        (&good, &["2.0.0", "--build", "7"], 2, "no build number"),
        (&good, &["2.0.0", "--sha256", "arm64=0"], 2, "64 hex digits"),
        (&good, &["2.0.0", "--sha256", &format!("arm64={new}")], 2, "has no pin for arm64"),
        (
            &good,
            &["2.0.0", "--sha256", &format!("amd64={new}"), "--sha256", &format!("amd64={old}")],
            2,
            "two digests for amd64",
        ),
    ] {
        let server = server(sums);
        let desk = desk(&server.url(""), &self::sums(&server));
        let before = pins(&desk);
        pin(&desk, arguments).exit(code).stdout("").says(&[message]);
        assert_eq!(pins(&desk), before, "{message}");
    }
}

#[test]
fn what_is_wrong_with_the_pins_file_is_shown_where_it_is() {
    for (from, to, message) in [
        ("{{ arch }}", "{{ arhc }}", "releases.yaml:5:10"),
        ("checksums: https://", "checksums: ftp://", "releases.yaml:6:16"),
        ("https://h", "https://ann:s3cret@h", "the address of `thing` has a user or a password in it"),
        ("source: by hand\n", "source: |\n          by hand\n", "cannot be changed in place"),
        ("version: 1.0.0", "verison: 1.0.0", "did you mean `version`?"),
    ] {
        let desk = desk("https://h", "checksums: https://h/SUMS")
            .file("mirror/h/SUMS", format!("{}  {FILE}\n", Sha256::of("new")));
        let desk = desk.option("--mirror", "mirror");
        let changed = pins(&desk).replace(from, to);
        let desk = desk.file("releases.yaml", &changed);
        pin(&desk, &["2.0.0"]).exit(3).stdout("").says(&[message]).hides("s3cret");
        assert_eq!(pins(&desk), changed);
    }
}

#[test]
fn a_first_use_is_trusted_only_when_asked_and_is_called_that() {
    let server = server("");
    let desk = desk(&server.url(""), "license: MIT");
    pin(&desk, &["2.0.0"]).exit(2).says(&["the pins file has no `checksums` of", "--trust-first-use"]);
    pin(&desk, &["2.0.0", "--trust-first-use"]).exit(0);
    let text = pins(&desk);
    assert!(text.contains(&format!("sha256: {} # found\n        size: 3\n", Sha256::of("new"))), "{text}");
    assert!(
        text.contains("source: trusted at first use on 20") && text.contains(" over plain http\n"),
        "{text}"
    );

    let confirmed =
        text.replace("source: trusted at first use", "source: two of us had looked at it, and on");
    let desk = desk.file("releases.yaml", &confirmed);
    pin(&desk, &["2.0.0", "--trust-first-use"]).exit(0);
    assert_eq!(pins(&desk), confirmed, "a later use is not the first, and no better source");
}

#[test]
fn a_first_use_of_a_page_for_people_is_refused() {
    let server =
        Server::start(|_, _| Answer::ok(b"<!doctype html><p>log in").header("Content-Type: text/html"));
    let desk = desk(&server.url(""), "license: MIT");
    let before = pins(&desk);
    pin(&desk, &["2.0.0", "--trust-first-use"]).exit(4).says(&["it is an HTML page"]);
    assert_eq!(pins(&desk), before);
}

#[test]
fn a_digest_by_hand_needs_no_network() {
    let mine = Sha256::of("mine").to_string();
    let desk = desk("https://h", "checksums: https://h/SUMS");
    pin(&desk, &["2.0.0", "--offline", "--sha256", &format!("amd64={mine}")]).exit(0);
    let text = pins(&desk);
    assert!(text.contains(&mine) && text.contains("source: confirmed by hand\n"), "{text}");
}

#[test]
fn every_release_that_is_built_in_can_be_moved() {
    let digest = Sha256::of("new");
    for (name, version, build, sums) in [
        (
            "node_exporter",
            "1.9.2",
            None,
            "github.com/prometheus/node_exporter/releases/download/v1.9.2/sha256sums.txt",
        ),
        ("etcd", "3.6.9", None, "github.com/etcd-io/etcd/releases/download/v3.6.9/SHA256SUMS"),
        (
            "prometheus",
            "3.5.5",
            None,
            "github.com/prometheus/prometheus/releases/download/v3.5.5/sha256sums.txt",
        ),
        (
            "grafana",
            "12.4.2",
            Some("1"),
            "dl.grafana.com/grafana/release/12.4.2/grafana_12.4.2_1_linux_ARCH.tar.gz.sha256",
        ),
        (
            "grafana",
            "12.4.3",
            Some("2"),
            "dl.grafana.com/grafana/release/12.4.3/grafana_12.4.3_2_linux_ARCH.tar.gz.sha256",
        ),
    ] {
        let desk = Workspace::new().releases(OWN).option("--mirror", "mirror");
        let desk = ["amd64", "arm64"].iter().fold(desk, |desk, arch| {
            // As upstream writes them: lists of all files, one bare digest, one digest with a folder.
            let text = match version {
                "12.4.2" => digest.to_string(),
                "12.4.3" => format!("{digest}  dist/grafana_12.4.3_2_linux_{arch}.tar.gz\n"),
                _ => ["amd64", "arm64"]
                    .map(|arch| {
                        let separator = if name == "etcd" { "-" } else { "." };
                        let v = if name == "etcd" { "v" } else { "" };
                        format!("{digest}  {name}-{v}{version}{separator}linux-{arch}.tar.gz\n")
                    })
                    .concat(),
            };
            desk.file(&format!("mirror/{}", sums.replace("ARCH", arch)), text)
        });
        let mut arguments = vec!["pin", name, version];
        arguments.extend(build.iter().flat_map(|build| ["--build", build]));
        desk.run(&arguments).exit(0).stderr("");
        let text = pins(&desk);
        assert_eq!(text.matches(&digest.to_string()).count(), 2, "{name}");
        assert_eq!(text.matches('#').count(), OWN.matches('#').count(), "{name}: a comment is lost");
        assert_eq!(text.lines().count(), OWN.lines().count() - usize::from(name == "prometheus"), "{name}");
    }
}

#[test]
fn the_built_in_pins_cannot_be_changed() {
    Workspace::new().run(&["pin", "etcd", "3.6.9"]).exit(2).stdout("").stderr(
        "error: the built-in pins cannot be changed\n\
         help: name a pins file with `--releases FILE`, or go to the folder that has `profiles/releases.yaml`\n",
    );
    let checkout = Workspace::new().file("profiles/releases.yaml", OWN);
    let hand = |arch: &str| format!("{arch}={}", Sha256::of("new"));
    checkout
        .run(&["pin", "etcd", "3.6.9", "--sha256", &hand("amd64"), "--sha256", &hand("arm64")])
        .exit(0)
        .stderr("a build takes these pins with `--releases profiles/releases.yaml`\n");
    assert!(checkout.text("profiles/releases.yaml").contains("version: 3.6.9\n"));
}
