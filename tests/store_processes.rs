//! The store and the downloads as whole processes meet them: proxies, certificates, kills, full and read-only disks.
#![expect(clippy::disallowed_methods, reason = "tests look at the store from outside")]

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use imgbuild::fetch::Outcome;
use imgbuild::store::ErrorClass::{Network, Other};

use super::support::authority::Authority;
use super::support::child::{command, command_in_namespace, command_killed, has_tool, report, with_mirror};
use super::support::depot::{Depot, ETAG, artifact, files, good_server};
use super::support::server::{Answer, Server};

const FETCHED: &str = "Fetched";

#[test]
fn proxies_of_the_environment_are_used() {
    let proxy = Server::start(|request, _| match (request.target(), request.header("proxy-authorization")) {
        ("http://far.invalid/a", Some(_)) => Answer::ok(&artifact()),
        _ => Answer::error("407 Proxy Authentication Required"),
    });
    let (open, near) = (proxy.url(""), good_server());
    let login = open.replace("://", "://ann:s3cret@");
    let gone = Server::start(|_, _| Answer::error("500 Gone")).url("");
    let asks = format!("the proxy `{}` requires a user and a password", proxy.address());
    let refused = format!("the connection to `far.invalid` through the proxy `{}` was refused", &gone[7..]);
    for (url, proxy, no_proxy, class, text) in [
        ("http://far.invalid/a", &login, "", None, FETCHED),
        ("http://far.invalid/a", &open, "", Some(Network), asks.as_str()),
        ("https://far.invalid/a", &open, "", Some(Network), &asks),
        ("https://far.invalid/b", &gone, "", Some(Network), &refused),
        (&near.url("/a"), &gone, "127.0.0.0/8", None, FETCHED),
    ] {
        let depot = Depot::new();
        let mut fetch = command(&depot, url);
        fetch.env("HTTP_PROXY", proxy).env("HTTPS_PROXY", proxy).env("NO_PROXY", no_proxy);
        let (got, told) = report(fetch);
        assert_eq!(got, class, "{url}: {told}");
        assert!(told.contains(text), "{url}: {told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[test]
fn certificates_are_those_of_the_system() {
    let (ours, theirs, plain) =
        (Authority::new("ours").unwrap(), Authority::new("theirs").unwrap(), good_server());
    let target = plain.url("/a");
    let serve = |authority: &Authority, last_year, target: Option<String>| {
        Server::start_tls(authority.server(last_year).unwrap(), move |_, _| match &target {
            Some(target) => Answer::redirect(target),
            None => Answer::ok(&artifact()),
        })
    };
    for (server, class, text) in [
        (serve(&ours, 4000, None), None, FETCHED),
        (serve(&ours, 2020, None), Some(Network), "certificate expired"),
        (
            serve(&theirs, 4000, None),
            Some(Network),
            "is signed by an authority that this machine does not trust",
        ),
        (
            serve(&ours, 4000, Some(target)),
            Some(Network),
            "a redirect was refused: from https to plain http at",
        ),
    ] {
        let depot = Depot::new();
        let trusted = depot.path().with_extension("pem");
        fs::write(&trusted, ours.pem()).unwrap();
        let mut fetch = command(&depot, &server.url("/a"));
        fetch.env("SSL_CERT_FILE", &trusted).env_remove("SSL_CERT_DIR");
        let (got, told) = report(fetch);
        assert_eq!(got, class, "{told}");
        assert!(told.contains(text), "{told}");
        depot.is_sound();
    }
    assert!(plain.requests().is_empty(), "plain http was not asked");
}

#[test]
fn plain_http_needs_no_certificates() {
    let (depot, server) = (Depot::new(), good_server());
    let nothing = depot.path().with_extension("pem");
    fs::write(&nothing, "").unwrap();
    let mut fetch = with_mirror(command(&depot, "https://h/a"), &server.url(""));
    fetch.env("SSL_CERT_FILE", nothing).env_remove("SSL_CERT_DIR");
    assert_eq!(report(fetch), (None, FETCHED.to_owned()));
}

#[test]
fn processes_fetch_an_artifact_once() {
    let server = Server::start(|_, _| {
        sleep(Duration::from_millis(300));
        Answer::ok(&artifact())
    });
    let depot = Depot::new();
    let mut other = command(&depot, &server.url("/a")).stdout(Stdio::null()).spawn().unwrap();
    let (class, told) = report(command(&depot, &server.url("/a")));
    assert!(other.wait().unwrap().success());
    assert_eq!(class, None, "{told}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_killed_download_is_continued() {
    let depot = Depot::new();
    let server = Server::start(|request, _| Answer::file(&artifact(), ETAG, request).stall(300));
    let mut child = command(&depot, &server.url("/a")).stdout(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while fs::metadata(depot.partial()).map_or(0, |found| found.len()) < 300 {
        assert!(began.elapsed() < Duration::from_secs(10), "nothing comes");
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    depot.is_sound();
    assert_eq!(depot.fetch(&good_server().url("/a")).unwrap(), Outcome::Resumed { from: 300 });
    depot.recovers();
}

#[test]
fn a_kill_before_any_step_leaves_nothing_wrong() {
    if !has_tool("strace", &["-f", "true"]) {
        return;
    }
    let server = good_server();
    for call in ["mkdir", "open", "flock", "write", "fchmod", "fsync", "rename", "unlink"] {
        for when in 1.. {
            let depot = Depot::new();
            let run = command_killed(&depot, &server.url("/a"), call, when).output().unwrap();
            depot.is_sound();
            depot.recovers();
            if run.status.success() {
                assert!(when > 1, "no {call} was met");
                break;
            }
            assert!(when < 50, "the kills before {call} have no end");
        }
    }
}

#[test]
fn a_read_only_store_serves_what_it_has() {
    if !has_tool("unshare", &["--user", "--map-root-user", "--mount", "true"]) {
        return;
    }
    let (depot, server) = (Depot::new(), good_server());
    let read_only = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";
    depot.fetch(&server.url("/a")).unwrap();
    fs::remove_dir_all(depot.path().join("lock")).unwrap();
    let (class, told) = report(command_in_namespace(&depot, "https://h/a", read_only));
    assert_eq!((class, told.as_str()), (None, "Cached"));

    fs::remove_file(depot.blob()).unwrap();
    let (class, told) = report(command_in_namespace(&depot, &server.url("/a"), read_only));
    assert_eq!(class, Some(Other), "{told}");
    assert!(told.contains("Read-only file system"), "{told}");
    assert!(told.contains("name a writable store"), "{told}");
}

#[test]
fn a_full_disk_is_said_and_harms_nothing() {
    if !has_tool("unshare", &["--user", "--map-root-user", "--mount", "true"]) {
        return;
    }
    let depot = Depot::new();
    fs::create_dir(depot.path()).unwrap();
    let full = "mount -t tmpfs -o size=16k tmpfs \"$1\" && mkdir \"$1/sha256\" && dd if=/dev/zero of=\"$1/ballast\" \
        bs=4k count=99 2>/dev/null || true";
    let (class, told) = report(command_in_namespace(&depot, &good_server().url("/a"), full));
    assert_eq!(class, Some(Other), "{told}");
    assert!(told.contains("No space left on device"), "{told}");
    assert!(told.contains("free disk space"), "{told}");
    assert_eq!(files(&depot.path()).len(), 0);
    depot.recovers();
}
