//! Servers that misbehave: each row says what the server does, and what must come of it.
//!
//! After each, no file has a name that its bytes do not bear out, and the next run succeeds without cleaning.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use imgbuild::digest::Sha256;
use imgbuild::store::{ArtifactRequest, ErrorClass, FetchOptions, Outcome};

use super::support::depot::{Depot, ETAG, PATIENCE, artifact, request, told};
use super::support::server::{Answer, Request, Server};

use ErrorClass::{Integrity, Network};
use Outcome::{Fetched, Resumed};

/// What must come of a fetch.
enum Comes {
    /// A verified artifact.
    Here(Outcome),
    /// An error of this class, with this in its text.
    Fails(ErrorClass, &'static str),
}
use Comes::{Fails, Here};

type Script = fn(&Request, usize) -> Answer;

/// What the server does, what it answers to a request and the number of those before, what comes of it, and how
/// many requests that takes.
type Row = (&'static str, Script, Comes, usize);

#[track_caller]
fn check(rows: Vec<Row>, pinned: bool) {
    for (fact, script, comes, requests) in rows {
        let depot = Depot::new();
        let server = Server::start(script);
        let mut request = request(&server.url("/a"));
        request.size = request.size.filter(|_| pinned);
        let options = FetchOptions { patience: PATIENCE, ..FetchOptions::default() };
        match (depot.fetch_with(&request, &options), comes) {
            (Ok(outcome), Here(expected)) => assert_eq!(outcome, expected, "{fact}"),
            (Err(error), Fails(class, text)) => {
                let (got, told) = told(&error);
                assert!(told.contains(text), "{fact}: {told}");
                assert!(got == class, "{fact}: {got:?}: {told}");
                assert!(!depot.blob().exists(), "{fact}");
            }
            (result, _) => panic!("{fact}: {result:?}"),
        }
        assert_eq!(server.requests().len(), requests, "{fact}");
        depot.recovers();
    }
}

fn other() -> Vec<u8> {
    artifact().iter().map(|byte| !byte).collect()
}

fn page() -> &'static [u8] {
    b"<!DOCTYPE html>\n<html><body>Please log in</body></html>"
}

#[test]
fn answers_that_bring_no_file() {
    check(
        vec![
            ("403", |_, _| Answer::error("403 Forbidden"), Fails(Network, "status 403 Forbidden"), 1),
            ("404", |_, _| Answer::error("404 Not Found"), Fails(Network, "status 404 Not Found"), 1),
            ("an odd one", |_, _| Answer::error("299 Odd"), Fails(Network, "status 299"), 1),
            (
                "a redirect to nowhere",
                |_, _| Answer::error("302 Found"),
                Fails(Network, "status 302 Found"),
                1,
            ),
            (
                "500 for ever",
                |_, _| Answer::error("500 Oh"),
                Fails(Network, "500 Internal Server Error (5 tries)"),
                5,
            ),
            ("a long wait is asked", too_busy, Fails(Network, "status 429 Too Many Requests"), 1),
            ("no HTTP", |_, _| Answer::ok(b"").status("\r\n"), Fails(Network, "invalid HTTP"), 5),
            ("nothing", |_, _| Answer::ok(b"").reset(0), Fails(Network, "the connection to `127.0.0.1"), 5),
            (
                "silence",
                |_, _| Answer::ok(b"").stall(0).status("100 Continue"),
                Fails(Network, "for 0.4 s"),
                5,
            ),
            (
                "a proxy's 407",
                |_, _| Answer::error("407 No"),
                Fails(Network, "asks for a user and a password"),
                1,
            ),
        ],
        true,
    );
}

fn too_busy(_: &Request, _: usize) -> Answer {
    Answer::error("429 Too Many Requests").header("Retry-After: 3600")
}

#[test]
fn failures_that_pass() {
    check(
        vec![
            ("500, then good", |_, n| failing(n, "500 Oh"), Here(Fetched), 2),
            ("502, then good", |_, n| failing(n, "502 Bad Gateway"), Here(Fetched), 2),
            ("408, then good", |_, n| failing(n, "408 Request Timeout"), Here(Fetched), 2),
            ("425, then good", |_, n| failing(n, "425 Too Early"), Here(Fetched), 2),
            ("429, then good", |_, n| failing(n, "429 Too Many Requests"), Here(Fetched), 2),
            ("silence, then good", |_, n| if n == 0 { good().stall(0) } else { good() }, Here(Fetched), 2),
        ],
        true,
    );
}

fn good() -> Answer {
    Answer::ok(&artifact())
}

fn failing(before: usize, status: &str) -> Answer {
    if before == 0 { Answer::error(status) } else { good() }
}

#[test]
fn retry_after_is_waited_for() {
    let depot = Depot::new();
    let server = Server::start(|_, n| failing(n, "503 Busy").header("Retry-After: 1"));
    let began = Instant::now();
    assert_eq!(depot.fetch(&server.url("/a")).unwrap(), Fetched);
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[test]
fn redirects() {
    check(
        vec![
            (
                "a good one",
                |r, _| if r.target() == "/a" { Answer::redirect("b/c") } else { good() },
                Here(Fetched),
                2,
            ),
            ("a loop", |_, _| Answer::redirect("/a"), Fails(Network, "more than 10 in a row"), 11),
            (
                "a file",
                |_, _| Answer::redirect("file:///etc/passwd"),
                Fails(Network, "no http or https URL"),
                1,
            ),
        ],
        true,
    );
}

#[test]
fn bytes_that_are_not_the_artifact() {
    check(
        vec![
            (
                "right length",
                |_, _| Answer::ok(&other()),
                Fails(Integrity, "its digest is wrong: expected"),
                1,
            ),
            ("too long", |_, _| longer(), Fails(Integrity, "expected 1000 bytes, got 1001"), 1),
            (
                "too long, unannounced",
                |_, _| longer_unannounced(),
                Fails(Integrity, "more than the 1000 bytes"),
                1,
            ),
            (
                "too short",
                |_, _| Answer::ok(&artifact()[..999]),
                Fails(Integrity, "expected 1000 bytes, got 999"),
                1,
            ),
            ("a page", |_, _| Answer::ok(page()), Fails(Integrity, "it is an HTML page"), 1),
            (
                "a page, unannounced",
                |_, _| Answer::until_close(page()),
                Fails(Integrity, "it is an HTML page"),
                1,
            ),
            ("encoded", |_, _| zipped(&other()), Fails(Integrity, "encoded as `gzip`"), 1),
            ("said to be encoded", |_, _| zipped(&artifact()), Here(Fetched), 1),
        ],
        true,
    );
    check(
        vec![
            (
                "other bytes",
                |_, _| Answer::ok(&other()),
                Fails(Integrity, "its digest is wrong: expected"),
                1,
            ),
            ("too long", |_, _| longer(), Fails(Integrity, "its digest is wrong: expected"), 1),
            ("a page", |_, _| Answer::until_close(page()), Fails(Integrity, "it is an HTML page"), 1),
            ("no length", |_, _| Answer::until_close(&artifact()), Here(Fetched), 1),
            ("far too big", |_, _| huge(), Fails(Integrity, "more than the 4294967296 bytes"), 1),
        ],
        false,
    );
}

fn longer() -> Answer {
    Answer::ok(&[artifact(), b"x".to_vec()].concat())
}

fn longer_unannounced() -> Answer {
    Answer::until_close(&[artifact(), b"x".to_vec()].concat())
}

fn zipped(body: &[u8]) -> Answer {
    Answer::ok(body).header("Content-Encoding: gzip")
}

fn huge() -> Answer {
    Answer::until_close(b"").header("Content-Length: 4294967297")
}

#[test]
fn files_that_come_in_parts() {
    check(
        vec![
            ("cut once", |r, n| cut(n, file(r)), Here(Resumed { from: 300 }), 2),
            (
                "stalled once",
                |r, n| if n == 0 { file(r).stall(300) } else { file(r) },
                Here(Resumed { from: 300 }),
                2,
            ),
            ("cut for ever", |_, _| good().cut(300), Fails(Network, "truncated: 300 of 1000 bytes came"), 5),
            ("cut, by its date", |r, n| cut(n, dated(r)), Here(Resumed { from: 300 }), 2),
            ("cut, no validator", |_, n| cut(n, good()), Here(Fetched), 2),
            ("cut, weak validator", |_, n| cut(n, good().header("ETag: W/\"one\"")), Here(Fetched), 2),
            ("cut, no length", |r, n| cut(n, unmeasured(r)), Here(Resumed { from: 300 }), 2),
            ("range ignored", |_, n| cut(n, good().header("ETag: \"one\"")), Here(Fetched), 2),
            ("another range", |r, n| ranged(r, n, "bytes 299-999/1000"), Here(Fetched), 3),
            ("no range", |r, n| ranged(r, n, "bytes */1000"), Here(Fetched), 3),
            ("a range of another file", |r, n| ranged(r, n, "bytes 300-1000/1001"), Here(Fetched), 3),
            ("416", |r, n| refusing_ranges(r, n), Here(Fetched), 3),
            ("changed, as its tag says", |r, n| changed(r, n, "\"two\""), Here(Fetched), 3),
            ("changed, and nothing says so", |r, n| changed(r, n, ETAG), Here(Fetched), 3),
        ],
        true,
    );
}

fn cut(before: usize, answer: Answer) -> Answer {
    if before == 0 { answer.cut(300) } else { answer }
}

fn file(request: &Request) -> Answer {
    Answer::file(&artifact(), ETAG, request)
}

/// The part that is asked for, if the date is the one that was given out.
fn dated(request: &Request) -> Answer {
    let date = "Wed, 21 Oct 2026 07:28:00 GMT";
    let good = good().header(&format!("Last-Modified: {date}"));
    match request.range() {
        Some(300) if request.header("if-range") == Some(date) => part("bytes 300-999/1000"),
        _ => good,
    }
}

fn part(range: &str) -> Answer {
    Answer::ok(&artifact()[300..]).status("206 Partial Content").header(&format!("Content-Range: {range}"))
}

fn unmeasured(request: &Request) -> Answer {
    match request.range() {
        Some(_) => file(request),
        None => Answer::until_close(&artifact()).header("ETag: \"one\""),
    }
}

/// The first request is cut, the second gets a part with this range, the others are served.
fn ranged(request: &Request, before: usize, range: &str) -> Answer {
    if before == 1 { part(range) } else { cut(before, file(request)) }
}

fn refusing_ranges(request: &Request, before: usize) -> Answer {
    let refusal = Answer::error("416 Range Not Satisfiable").header("Content-Range: bytes */1000");
    if request.range().is_some() { refusal } else { cut(before, file(request)) }
}

/// The first request is cut, the second gets the rest of another file.
fn changed(request: &Request, before: usize, tag: &str) -> Answer {
    let rest =
        Answer::ok(&other()[300..]).status("206 Partial Content").header("Content-Range: bytes 300-999/1000");
    if before == 1 { rest.header(&format!("ETag: {tag}")) } else { cut(before, file(request)) }
}

#[test]
fn a_reset_at_any_byte_is_survived() {
    let small = |path: &str| format!("{path}: some bytes that are worth to be continued").into_bytes();
    let whole = Answer::ok(&small("/100")).header("ETag: \"one\"").len();
    let seen = Mutex::new(BTreeSet::new());
    let server = Server::start(move |request, _| {
        let answer = Answer::file(&small(request.target()), ETAG, request);
        let first = seen.lock().unwrap().insert(request.target().to_owned());
        // The path says after how many bytes.
        if first { answer.reset(request.target()[1..].parse::<usize>().unwrap() - 100) } else { answer }
    });
    let requests = (100..100 + whole).map(|path| {
        let bytes = small(&format!("/{path}"));
        let (sha256, size) = (Sha256::of(&bytes), Some(bytes.len() as u64));
        ArtifactRequest { name: path.to_string(), url: server.url(&format!("/{path}")), sha256, size }
    });
    let requests: Vec<_> = requests.collect();
    let (depot, options) = (Depot::new(), FetchOptions { patience: PATIENCE, ..FetchOptions::default() });
    depot.store().fetch_all(&requests, &options, &|_| {}).unwrap();
    assert_eq!(server.requests().len(), whole * 2);
    depot.recovers();
}

#[test]
fn a_line_that_breaks_all_the_time_still_brings_a_big_file() {
    let big: Vec<u8> = (0..12_u32 << 20).map(|i| u8::try_from(i / 7 % 256).unwrap_or_default()).collect();
    let mut wanted = request("");
    (wanted.sha256, wanted.size) = (Sha256::of(&big), Some(big.len() as u64));
    let server = Server::start(move |request, _| Answer::file(&big, ETAG, request).cut_if_longer(3 << 19));
    wanted.url = server.url("/big");
    let options = FetchOptions { patience: PATIENCE, ..FetchOptions::default() };
    Depot::new().store().fetch_all(&[wanted], &options, &|_| {}).unwrap();
    assert!(server.requests().len() >= 8, "more tries than a line gets that brings nothing");
}

#[test]
fn who_can_not_be_reached_is_named() {
    let (gone, depot) = (Server::start(|_, _| good()).url("/a"), Depot::new());
    // A label of more than 63 letters is no name: the resolver says so without asking anybody.
    let nameless = format!("http://{}.invalid/a", "a".repeat(64));
    let silent = Server::start(|_, _| good().stall(0));
    for (url, text) in [
        (gone.as_str(), "the connection to `127.0.0.1:"),
        (gone.as_str(), "was refused (5 tries)"),
        (&nameless, "aaa.invalid` can not be resolved: "),
        (&silent.url("/a"), " for 0.4 s (5 tries)"),
        (&silent.url("/a").replace("http:", "https:"), "no connection to `127.0.0.1:"),
        ("ftp://127.0.0.1/a", "begins with `ftp:`"),
        ("https://ann:s3cret@h:port/", "its URL is not valid: invalid port number"),
    ] {
        let (_, told) = told(&depot.fetch(url).unwrap_err());
        assert!(told.contains(text), "{url}: {told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
    depot.recovers();
}

#[test]
fn all_that_failed_is_reported_and_the_rest_is_kept() {
    let server = Server::start(|request, _| match request.target() {
        "/a" => good(),
        "/b" => Answer::error("404 Not Found"),
        _ => Answer::ok(&other()[1..]),
    });
    let depot = Depot::new();
    let requests: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .map(|name| {
            let mut request = request(&server.url(&format!("/{name}")));
            name.clone_into(&mut request.name);
            if name != "a" {
                request.sha256 = Sha256::of(name);
            }
            request
        })
        .collect();
    let options = FetchOptions { patience: PATIENCE, ..FetchOptions::default() };
    let error = depot.store().fetch_all(&requests, &options, &|_| {}).unwrap_err();
    let address = server.address();
    let (class, text) = told(&error);
    assert_eq!(class, Integrity, "the gravest decides");
    assert_eq!(
        text,
        format!(
            "2 of 3 artifacts could not be had, so no output was written\n\
             b: `{address}` answered with status 404 Not Found\n  \
               url: http://{address}/b\n  \
               sha256: 3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d\n\
             c: its size is wrong: expected 1000 bytes, got 999\n  \
               url: http://{address}/c\n  \
               sha256: 2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6\n\
             help: give a copy of the files with `--mirror DIR|URL`, or use `--offline` with a store that \
             `imgbuild fetch --store DIR` filled elsewhere; a next run goes on where this one ended\n\
             what came was deleted; compare the pin with upstream's checksum file before you change it"
        )
    );
    assert!(depot.blob().exists(), "a is here");
}
