//! A server that misbehaves, and what must come of it.
#![expect(clippy::disallowed_methods, reason = "a test looks at files and at the clock")]

use imgbuild::fetch::{FetchOptions, Outcome, RetryPolicy};
use imgbuild::store::ErrorClass;

use super::depot::{Depot, PATIENCE, request, told};
use super::server::{Answer, Request, Server};

/// What must come of a fetch.
pub enum Comes {
    /// A verified artifact.
    Here(Outcome),
    /// An error of this class, with this in its text.
    Fails(ErrorClass, &'static str),
}

type Script = fn(&Request, usize) -> Answer;

/// What the server does, what it answers to a request and the number of those before, what comes of it, and how
/// many requests that takes.
pub type Row = (&'static str, Script, Comes, usize);

/// Tries each row on a store of its own, the artifact's size pinned or not.
#[track_caller]
pub fn check<const N: usize>(pinned: bool, rows: [Row; N]) {
    for (fact, script, comes, requests) in rows {
        let server = Server::start(script);
        come_to(fact, &server, (pinned, PATIENCE), comes);
        assert_eq!(server.requests().len(), requests, "{fact}");
    }
}

/// Fetches from a server that misbehaves, the artifact's size pinned or not.
///
/// Whatever comes, no file may have a name that its bytes do not bear out, and the next run, with a good server,
/// must succeed without cleaning.
#[track_caller]
pub fn come_to(fact: &str, server: &Server, (pinned, retry): (bool, RetryPolicy), comes: Comes) {
    let depot = Depot::new();
    let mut request = request(&server.url("/a"));
    request.size = request.size.filter(|_| pinned);
    let options = FetchOptions { retry, ..FetchOptions::default() };
    match (depot.fetch_with(&request, &options), comes) {
        (Ok(outcome), Comes::Here(expected)) => assert_eq!(outcome, expected, "{fact}"),
        (Err(error), Comes::Fails(class, text)) => {
            let (got, told) = told(&error);
            assert!(told.contains(text), "{fact}: {told}");
            assert!(got == class, "{fact}: {got:?}: {told}");
            assert!(!depot.blob().exists(), "{fact}");
        }
        (result, _) => panic!("{fact}: {result:?}"),
    }
    depot.recovers();
}
