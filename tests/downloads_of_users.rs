//! Downloads that fail, as who runs the program sees it: the message, the exit code, and what a good run makes of it.
#![expect(clippy::disallowed_methods, reason = "a test looks at files and at the clock")]

use std::thread;

use imgbuild::digest::Sha256;

use super::support::authority::{Authority, self_signed};
use super::support::depot::{ETAG, artifact, good_server};
use super::support::server::{Answer, Request, Server};
use super::support::workspace::{Run, Workspace};

const PROFILE: &str = "cluster: small\nnetwork: {subnet: 10.0.0.0/24}\nroles: {all: [thing]}\n\
                       nodes: [{name: one, address: 10.0.0.1, roles: [all]}]\n";
const COMPONENT: &str =
    "description: a thing\nrelease: thing\ninstall: [{from: thing, to: /usr/local/bin/thing}]\n";

/// What a server does, and what must come of it.
struct Case {
    fact: &'static str,
    code: i32,
    says: &'static str,
    mirror: String,
    environment: Vec<(&'static str, String)>,
    /// Runs as long as the case.
    server: Option<Server>,
}

type Script = fn(&Request, usize) -> Answer;

/// The server answers by `script`.
fn case((fact, script, code, says): (&'static str, Script, i32, &'static str)) -> Case {
    at(Server::start(script), (fact, code, says))
}

fn at(server: Server, (fact, code, says): (&'static str, i32, &'static str)) -> Case {
    // Nothing that is said may have the password.
    let mirror = server.url("/m").replace("://", "://ann:s3cret@");
    Case { fact, code, says, mirror, environment: Vec::new(), server: Some(server) }
}

#[test]
fn every_failure_has_its_exit_code_and_harms_nothing() {
    let (authority, plain) = (Authority::new("ours").unwrap(), good_server());
    let cases = answers().into_iter().map(case).chain(unreachable()).chain(insecure(&authority, &plain));
    let pem = authority.pem();
    // Some wait for seconds before they try again: all at once.
    thread::scope(|scope| {
        let runs: Vec<_> = cases.map(|case| scope.spawn(|| check(case, &pem))).collect();
        for run in runs {
            run.join().unwrap();
        }
    });
    assert!(plain.requests().is_empty(), "plain http was asked after https");
}

fn check(case: Case, pem: &str) {
    let workspace = Workspace::new()
        .profile(PROFILE)
        .component("thing/component.yaml", COMPONENT)
        .releases(format!(
            "releases:\n  thing:\n    version: 1.0.0\n    url: https://h.invalid/a\n    artifacts:\n      \
             amd64: {{sha256: {}, size: 1000, source: by hand}}\n",
            Sha256::of(artifact())
        ))
        .file("ca.pem", pem)
        .option("--store", "store");
    let blob = workspace.path("store/sha256").join(Sha256::of(artifact()).to_string());
    let mut command = workspace.command(&["fetch", "--mirror", &case.mirror]);
    command.env("SSL_CERT_FILE", workspace.path("ca.pem")).env_remove("SSL_CERT_DIR");
    let run = Run::of(command.envs(case.environment));
    let told = run.errors();
    assert!(told.contains(case.says), "{}: {told}", case.fact);
    run.exit(case.code).stdout("").hides("s3cret");
    assert_eq!(blob.exists(), case.code == 0, "{}", case.fact);
    drop(case.server);
    workspace.run(&["fetch", "--mirror", &good_server().url("")]).exit(0);
    assert_eq!(workspace.files("store/sha256").len(), 1, "{}", case.fact);
    assert!(
        workspace.files("store/partial").is_empty() && workspace.files("store/tmp").is_empty(),
        "{}",
        case.fact
    );
}

/// Answers that are no file, and those that are not this one.
fn answers() -> Vec<(&'static str, Script, i32, &'static str)> {
    vec![
        ("403", |_, _| Answer::error("403 No"), 5, "answered with status 403 Forbidden"),
        ("404", |_, _| Answer::error("404 No"), 5, "answered with status 404 Not Found"),
        ("429, too long", |_, _| busy("3600"), 5, "answered with status 429 Too Many Requests"),
        ("429, then good", |r, n| failing(r, n, busy("1")), 0, "fetched 1.00 kB"),
        ("500, then good", |r, n| failing(r, n, Answer::error("500 Oh")), 0, "fetched 1.00 kB"),
        ("500 for ever", |_, _| Answer::error("500 Oh"), 5, "Internal Server Error (5 tries)"),
        (
            "a redirect loop",
            |r, _| Answer::redirect(r.target()),
            5,
            "a redirect was refused: more than 10 in a row",
        ),
        ("a page", |_, _| Answer::ok(b"<!DOCTYPE html><p>Log in"), 4, "got 24 (it is an HTML page)"),
        ("cut for ever", |_, _| Answer::ok(&artifact()).cut(300), 5, "truncated: received 300 of 1000 bytes"),
        (
            "too long",
            |_, _| Answer::until_close(&[artifact(), vec![0]].concat()),
            4,
            "larger than its limit of 1000 bytes",
        ),
        ("other bytes", |_, _| Answer::ok(&[0; 1000]), 4, "digest mismatch: expected sha256"),
        ("encoded", |_, _| Answer::ok(&[0; 1000]).header("Content-Encoding: gzip"), 4, "encoded as `gzip`"),
        ("reset, then good", |r, n| failing(r, n, file(r).reset(700)), 0, "resumed 1.00 kB"),
        (
            "range ignored",
            |_, n| cut(n, Answer::ok(&artifact()).header("ETag: \"one\"")),
            0,
            "fetched 1.00 kB",
        ),
        ("another range", |r, n| rest(r, n, "bytes 299-999/1000", ETAG), 0, "fetched 1.00 kB"),
        ("a changed file", |r, n| rest(r, n, "bytes 300-999/1000", "\"two\""), 0, "fetched 1.00 kB"),
    ]
}

fn file(request: &Request) -> Answer {
    Answer::file(&artifact(), ETAG, request)
}

fn busy(retry_after: &str) -> Answer {
    Answer::error("429 Too Many Requests").header(&format!("Retry-After: {retry_after}"))
}

/// The first answer is another than those that follow.
fn failing(request: &Request, before: usize, first: Answer) -> Answer {
    if before == 0 { first } else { file(request) }
}

/// The first answer breaks off.
fn cut(before: usize, answer: Answer) -> Answer {
    if before == 0 { answer.cut(300) } else { answer }
}

/// The first answer breaks off, and the second is not the rest of it.
fn rest(request: &Request, before: usize, range: &str, tag: &str) -> Answer {
    let part = Answer::ok(&[0; 700]).status("206 Partial Content").header(&format!("Content-Range: {range}"));
    if before == 1 { part.header(&format!("ETag: {tag}")) } else { cut(before, file(request)) }
}

/// No connection at all, or none without a password.
fn unreachable() -> [Case; 3] {
    let gone = at(Server::start(|_, _| Answer::error("500 Gone")), ("refused", 5, "was refused (5 tries)"));
    // A label of more than 63 letters is no name: the resolver says so without asking anybody.
    let nameless = format!("http://ann:s3cret@{}.invalid", "a".repeat(64));
    let proxy = Server::start(|_, _| Answer::error("407 Proxy Authentication Required"));
    let address = proxy.url("").replace("://", "://bob:s3cret@");
    [
        Case { server: None, ..gone },
        Case { mirror: nameless, ..at(good_server(), ("no such name", 5, "aaa.invalid`: ")) },
        Case {
            mirror: "http://far.invalid".to_owned(),
            environment: vec![("HTTP_PROXY", address)],
            ..at(proxy, ("a proxy's login", 5, "requires a user and a password"))
        },
    ]
}

/// Certificates that prove nothing, and one that is good for a server that sends on to plain http.
fn insecure(authority: &Authority, plain: &Server) -> [Case; 3] {
    let to = plain.url("/a");
    let good = |_: &Request, _| Answer::ok(&artifact());
    let down = move |_: &Request, _| Answer::redirect(&to);
    [
        at(Server::start_tls(authority.server(2020).unwrap(), good), ("expired", 5, "certificate expired")),
        at(
            Server::start_tls(self_signed().unwrap(), good),
            ("self-signed", 5, "failed to establish a TLS connection to"),
        ),
        at(
            Server::start_tls(authority.server(4000).unwrap(), down),
            ("a downgrade", 5, "a redirect was refused: from https to plain http at"),
        ),
    ]
}
