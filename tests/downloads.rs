//! Servers that misbehave in their answers: each row says what the server does, and what must come of it.
#![expect(clippy::disallowed_methods, reason = "a test looks at files and at the clock")]

use std::time::{Duration, Instant};

use imgbuild::digest::Sha256;
use imgbuild::fetch::Outcome::{Fetched, Resumed};
use imgbuild::fetch::{FetchOptions, Pace, RetryPolicy};
use imgbuild::store::ErrorClass::{Integrity, Network};

use super::support::depot::{Depot, ETAG, HASTY, PATIENCE, artifact, request, told};
use super::support::server::{Answer, Request, Server};
use super::support::trial::Comes::{Fails, Here};
use super::support::trial::{check, come_to};

fn good() -> Answer {
    Answer::ok(&artifact())
}

fn error(status: &str) -> Answer {
    Answer::error(status)
}

#[test]
fn answers_that_bring_no_file() {
    check(
        true,
        [
            ("403", |_, _| error("403 No"), Fails(Network, "status 403 Forbidden"), 1),
            ("404", |_, _| error("404 No"), Fails(Network, "status 404 Not Found"), 1),
            ("an odd status", |_, _| error("299 Odd"), Fails(Network, "status 299"), 1),
            ("redirect to nowhere", |_, _| error("302 Found"), Fails(Network, "status 302 Found"), 1),
            ("500 for ever", |_, _| error("500 Oh"), Fails(Network, "Internal Server Error (5 tries)"), 5),
            (
                "a long wait is asked",
                |_, _| busy("3600"),
                Fails(Network, "status 429 Too Many Requests (Retry-After: 3600 s)"),
                1,
            ),
            (
                "a date far ahead",
                |_, _| busy(LATER),
                Fails(Network, "status 429 Too Many Requests (Retry-After: "),
                1,
            ),
            ("no HTTP", |_, _| good().status("\r\n"), Fails(Network, "invalid HTTP"), 5),
            ("nothing", |_, _| good().reset(0), Fails(Network, "the connection to `127.0.0.1"), 5),
            ("a proxy's 407", |_, _| error("407 No"), Fails(Network, "requires a user and a password"), 1),
        ],
    );
}

/// The time by the clock of a server that is far ahead, and a second later.
const NOW: &str = "Date: Fri, 31 Dec 2100 23:59:59 GMT";
const LATER: &str = "Sat, 01 Jan 2101 00:00:00 GMT";

fn busy(retry_after: &str) -> Answer {
    error("429 Too Many Requests").header(&format!("Retry-After: {retry_after}"))
}

#[test]
fn failures_that_pass() {
    check(
        true,
        [
            ("500, then good", |_, n| failing(n, error("500 Oh")), Here(Fetched), 2),
            ("502, then good", |_, n| failing(n, error("502 Bad Gateway")), Here(Fetched), 2),
            ("408, then good", |_, n| failing(n, error("408 Request Timeout")), Here(Fetched), 2),
            ("425, then good", |_, n| failing(n, error("425 Too Early")), Here(Fetched), 2),
            ("429, then good", |_, n| failing(n, busy("0")), Here(Fetched), 2),
            ("429 until a date", |_, n| failing(n, busy(LATER).header(NOW)), Here(Fetched), 2),
            (
                "403 with a wait",
                |_, n| failing(n, error("403 Forbidden").header("Retry-After: 0")),
                Here(Fetched),
                2,
            ),
        ],
    );
}

/// The first answer is another than the others.
fn failing(before: usize, first: Answer) -> Answer {
    if before == 0 { first } else { good() }
}

#[test]
fn retry_after_is_waited_for() {
    let depot = Depot::new();
    let server = Server::start(|_, n| failing(n, busy("1")));
    let began = Instant::now();
    assert_eq!(depot.fetch(&server.url("/a")).unwrap(), Fetched);
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[test]
fn redirects() {
    check(
        true,
        [
            ("a good one", |_, n| failing(n, Answer::redirect("b/c")), Here(Fetched), 2),
            ("a loop", |_, _| Answer::redirect("/a"), Fails(Network, "more than 10 in a row"), 11),
            ("a file", |_, _| Answer::redirect("file:///a"), Fails(Network, "neither http nor https"), 1),
        ],
    );
}

#[test]
fn bytes_that_are_not_the_artifact() {
    check(
        true,
        [
            ("right length", |_, _| Answer::ok(&other()), Fails(Integrity, "digest mismatch"), 1),
            ("too long", |_, _| Answer::ok(&longer()), Fails(Integrity, "1000 bytes, got 1001"), 1),
            (
                "too long, unannounced",
                |_, _| open(&longer()),
                Fails(Integrity, "larger than its limit of 1000 bytes"),
                1,
            ),
            ("too short", |_, _| Answer::ok(&other()[1..]), Fails(Integrity, "1000 bytes, got 999"), 1),
            ("a page", |_, _| Answer::ok(PAGE), Fails(Integrity, "it is an HTML page"), 1),
            ("a page, unannounced", |_, _| open(PAGE), Fails(Integrity, "it is an HTML page"), 1),
            ("encoded", |_, _| zipped(&other()), Fails(Integrity, "encoded as `gzip`"), 1),
            ("only said to be encoded", |_, _| zipped(&artifact()), Here(Fetched), 1),
            ("in chunks", |_, _| chunked("chunked", &artifact()), Here(Fetched), 1),
            (
                "in chunks, too long",
                |_, _| chunked("chunked", &longer()),
                Fails(Integrity, "its limit of 1000"),
                1,
            ),
            (
                "compressed chunks",
                |_, _| chunked("gzip, chunked", &other()),
                Fails(Integrity, "digest mismatch"),
                1,
            ),
            ("chunks without an end", |_, _| endless(), Fails(Network, "truncated: received 1000 of"), 5),
        ],
    );
}

#[test]
fn bytes_whose_number_no_pin_knows() {
    check(
        false,
        [
            ("other bytes", |_, _| Answer::ok(&other()), Fails(Integrity, "digest mismatch"), 1),
            ("too long", |_, _| Answer::ok(&longer()), Fails(Integrity, "digest mismatch"), 1),
            ("a page", |_, _| open(PAGE), Fails(Integrity, "it is an HTML page"), 1),
            ("no length", |_, _| open(&artifact()), Here(Fetched), 1),
            ("far too big", |_, _| huge(), Fails(Integrity, "its limit of 4294967296 bytes"), 1),
        ],
    );
}

const PAGE: &[u8] = b"<!DOCTYPE html>\n<html><body>Please log in</body></html>";

fn other() -> Vec<u8> {
    artifact().iter().map(|byte| !byte).collect()
}

fn longer() -> Vec<u8> {
    [artifact(), b"x".to_vec()].concat()
}

/// A file whose length is not announced.
fn open(body: &[u8]) -> Answer {
    Answer::until_close(body)
}

fn zipped(body: &[u8]) -> Answer {
    Answer::ok(body).header("Content-Encoding: gzip")
}

/// A file in one chunk, encoded for the transfer as it is said.
fn chunked(encoding: &str, body: &[u8]) -> Answer {
    let body = [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat();
    open(&body).header(&format!("Transfer-Encoding: {encoding}"))
}

/// The same, cut before the last chunk says that it is the last.
fn endless() -> Answer {
    let answer = chunked("chunked", &artifact());
    let end = answer.len();
    answer.reset(end - "0\r\n\r\n".len())
}

fn huge() -> Answer {
    open(b"").header("Content-Length: 4294967297")
}

#[test]
fn who_can_not_be_reached_is_named() {
    let (gone, depot) = (Server::start(|_, _| good()).url("/a"), Depot::new());
    // A label of more than 63 letters is no name: the resolver says so without asking anybody.
    let nameless = format!("http://{}.invalid/a", "a".repeat(64));
    for (url, text) in [
        (gone.as_str(), "the connection to `127.0.0.1:"),
        (gone.as_str(), "was refused (5 tries)"),
        (&nameless, "aaa.invalid`: "),
        (&format!("http://127.0.0.1/{}", "a".repeat(70_000)), "its URL is not valid: "),
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
fn silence_is_not_waited_out() {
    let for_ever = Server::start(|_, _| error("100 Continue").stall(0));
    come_to("for ever", &for_ever, (true, HASTY), Fails(Network, " for 1 s (5 tries)"));
    let once = Server::start(|_, n| failing(n, good().stall(0)));
    come_to("once", &once, (true, HASTY), Here(Fetched));
    let within = Server::start(|r, n| if n == 0 { file(r).stall(300) } else { file(r) });
    come_to("within the file", &within, (true, HASTY), Here(Resumed { from: 300 }));

    let options = FetchOptions { retry: HASTY, ..FetchOptions::default() };
    let no_tls = request(&for_ever.url("/a").replace("http:", "https:"));
    let (class, told) = told(&Depot::new().fetch_with(&no_tls, &options).unwrap_err());
    assert!(class == Network && told.contains("no connection to `127.0.0.1:"), "{told}");
}

#[test]
fn a_server_that_drips_is_given_up() {
    let pace = Pace { bytes: 1000, window: Duration::from_millis(300) };
    let (slow, limits) = (Answer::drip, RetryPolicy { stall: Duration::from_secs(20), pace, ..HASTY });
    let for_ever = Server::start(move |_, _| slow(good(), Duration::from_millis(50)));
    let said = "sent less than 1000 bytes per second for 0.3 s (5 tries)";
    come_to("for ever", &for_ever, (true, limits), Fails(Network, said));
    let once =
        Server::start(
            move |request, n| {
                if n == 0 { slow(file(request), Duration::from_millis(50)) } else { file(request) }
            },
        );
    let depot = Depot::new();
    let options = FetchOptions { retry: limits, ..FetchOptions::default() };
    let outcome = depot.fetch_with(&request(&once.url("/a")), &options).unwrap();
    assert!(matches!(outcome, Resumed { .. }), "what had come is kept: {outcome:?}");
}

#[test]
fn one_cause_is_said_once() {
    let server = Server::start(|_, _| error("404 Not Found"));
    let requests: Vec<_> = ["b", "c"]
        .into_iter()
        .map(|name| {
            let mut request = request(&server.url(&format!("/{name}")));
            (request.name, request.sha256) = (name.to_owned(), Sha256::of(name));
            request
        })
        .collect();
    let error = Depot::new().store().fetch_all(&requests, &FetchOptions::default(), &|_| {}).unwrap_err();
    let address = server.address();
    let (_, text) = told(&error);
    let expected = format!(
        "failed to fetch 2 of 2 artifacts; nothing was written\n\
         `{address}` answered with status 404 Not Found:\n  \
           b\n    \
             url: http://{address}/b\n    \
             sha256: 3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d\n  \
           c\n    \
             url: http://{address}/c\n    \
             sha256: 2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6\n"
    );
    assert!(text.starts_with(&expected), "{text}");
}

#[test]
fn an_answer_without_a_length_may_have_been_cut() {
    for (body, said) in [
        (
            &artifact()[..999],
            "(the server sent no Content-Length, so a truncated transfer cannot be detected: received 999 bytes)",
        ),
        (&[], "(it is empty)"),
    ] {
        let body = body.to_vec();
        let server = Server::start(move |_, _| Answer::until_close(&body));
        come_to(said, &server, (false, PATIENCE), Fails(Integrity, said));
    }
}

fn file(request: &Request) -> Answer {
    Answer::file(&artifact(), ETAG, request)
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
    let options = FetchOptions { retry: PATIENCE, ..FetchOptions::default() };
    let error = depot.store().fetch_all(&requests, &options, &|_| {}).unwrap_err();
    let address = server.address();
    let (class, text) = told(&error);
    assert_eq!(class, Integrity, "the gravest decides");
    assert_eq!(
        text,
        format!(
            "failed to fetch 2 of 3 artifacts; nothing was written\n\
             b: `{address}` answered with status 404 Not Found\n  \
               url: http://{address}/b\n  \
               sha256: 3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d\n\
             c: size mismatch: expected 1000 bytes, got 999\n  \
               url: http://{address}/c\n  \
               sha256: 2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6\n\
             help: give a copy of the files with `--mirror DIR|URL`, or use `--offline` with a store that \
             `imgbuild fetch --store DIR` filled elsewhere; the next run continues what came so far, where the server can\n\
             wrong bytes are never kept; compare the pin with upstream's checksum file before you change it"
        )
    );
    assert!(depot.blob().exists(), "a is here");
}
