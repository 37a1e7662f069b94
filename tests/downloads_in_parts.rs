//! Downloads that break off: what is there is continued, and never with bytes of another file.

use std::collections::BTreeSet;
use std::sync::Mutex;

use imgbuild::digest::Sha256;
use imgbuild::fetch::Outcome::{Fetched, Resumed};
use imgbuild::fetch::{ArtifactRequest, FetchOptions};
use imgbuild::store::ErrorClass::{Integrity, Network};

use super::support::depot::{Depot, ETAG, PATIENCE, artifact, request, told};
use super::support::server::{Answer, Request, Server};
use super::support::trial::Comes::{Fails, Here};
use super::support::trial::check;

#[test]
fn what_is_there_is_continued_if_it_fits() {
    check(
        true,
        [
            ("cut once", |r, n| cut(n, file(r)), Here(Resumed { from: 300 }), 2),
            (
                "cut for ever",
                |_, _| good().cut(300),
                Fails(Network, "truncated: received 300 of 1000 bytes"),
                5,
            ),
            ("cut, known by its date", |r, n| cut(n, dated(r)), Here(Resumed { from: 300 }), 2),
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
    );
}

fn good() -> Answer {
    Answer::ok(&artifact())
}

/// The first answer breaks off.
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
        Answer::ok(&[0; 700]).status("206 Partial Content").header("Content-Range: bytes 300-999/1000");
    if before == 1 { rest.header(&format!("ETag: {tag}")) } else { cut(before, file(request)) }
}

#[test]
fn a_page_in_between_costs_nothing_of_what_is_there() {
    let depot = Depot::new();
    let server = Server::start(|request, before| match before {
        0 => file(request).cut(300),
        1 => Answer::ok(b"<html>Please log in</html>"),
        _ => file(request),
    });
    let (class, text) = told(&depot.fetch(&server.url("/a")).unwrap_err());
    assert!(text.contains("expected 1000 bytes, got 26 (it is an HTML page)"), "{text}");
    assert_eq!(class, Integrity);
    assert_eq!(depot.fetch(&server.url("/a")).unwrap(), Resumed { from: 300 });
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
    let (depot, options) = (Depot::new(), FetchOptions { retry: PATIENCE, ..FetchOptions::default() });
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
    let options = FetchOptions { retry: PATIENCE, ..FetchOptions::default() };
    Depot::new().store().fetch_all(&[wanted], &options, &|_| {}).unwrap();
    assert!(server.requests().len() >= 8, "more tries than a line gets that brings nothing");
}

#[test]
fn a_file_that_never_gets_further_is_given_up() {
    let server = Server::start(|_, _| Answer::ok(&vec![0; 3 << 20]).cut(2 << 20));
    let wanted = ArtifactRequest { size: None, ..request(&server.url("/a")) };
    let options = FetchOptions { retry: PATIENCE, ..FetchOptions::default() };
    Depot::new().store().fetch_all(&[wanted], &options, &|_| {}).unwrap_err();
    assert_eq!(server.requests().len(), 5);
}
