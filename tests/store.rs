//! The store itself: what it keeps, mends, shares and refuses.
#![expect(clippy::disallowed_methods, reason = "tests look at the store from outside")]

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Mutex;

use imgbuild::digest::Sha256;
use imgbuild::fetch::{FetchEvent, FetchOptions, FetchStep, Outcome};
use imgbuild::store::{ErrorClass, Store, StoreError};
use imgbuild::terminal::Progress;

use super::support::depot::{Depot, ETAG, PATIENCE, artifact, files, good_server, request, told};
use super::support::server::{Answer, Server};

/// A store that has the artifact.
fn filled() -> Depot {
    let depot = Depot::new();
    depot.fetch(&good_server().url("/a")).expect("a good server is enough");
    depot
}

fn flip_a_byte(depot: &Depot) {
    let mut bytes = artifact();
    bytes[500] ^= 1;
    fs::remove_file(depot.blob()).expect("it is there");
    fs::write(depot.blob(), bytes).expect("there is room");
}

fn offline() -> FetchOptions {
    FetchOptions { offline: true, retry: PATIENCE, ..FetchOptions::default() }
}

#[test]
fn what_is_there_is_not_fetched() {
    let depot = filled();
    let server = good_server();
    assert_eq!(depot.fetch(&server.url("/a")).unwrap(), Outcome::Cached);
    assert_eq!(depot.fetch_with(&request("https://nowhere/a"), &offline()).unwrap(), Outcome::Cached);
    assert!(server.requests().is_empty());
    let mut wrong = request(&server.url("/a"));
    wrong.size = Some(999);
    let (class, text) = told(&depot.fetch_with(&wrong, &offline()).unwrap_err());
    assert!(text.contains("expected 999 bytes, got 1000"), "{text}");
    assert_eq!(class, ErrorClass::Integrity);
}

#[test]
fn a_flipped_byte_is_found_and_mended() {
    let depot = filled();
    flip_a_byte(&depot);
    let digest = Sha256::of(artifact());
    let mut read = Vec::new();
    let error = depot.store().read(&digest).unwrap().read_to_end(&mut read).unwrap_err();
    let (class, text) = told(&StoreError::from(error).into());
    assert!(text.contains(&format!("the store's file with sha256 {digest} is damaged")), "{text}");
    assert_eq!(class, ErrorClass::Integrity);
    assert!(matches!(depot.store().read(&digest).unwrap().finish(), Err(StoreError::Damaged { .. })));

    let (class, text) = told(&depot.fetch_with(&request("https://nowhere/a"), &offline()).unwrap_err());
    assert!(text.contains("the store's copy is damaged (it has sha256 "), "{text}");
    assert_eq!(class, ErrorClass::Integrity);

    let seen = Mutex::new(false);
    let look = |event: &FetchEvent| *seen.lock().unwrap() |= matches!(event.step, FetchStep::Damaged);
    let server = good_server();
    let fetched =
        depot.store().fetch_all(&[request(&server.url("/a"))], &FetchOptions::default(), &look).unwrap();
    assert_eq!(fetched[0].outcome, Outcome::Fetched);
    assert!(*seen.lock().unwrap(), "it is said");
    assert!(depot.blob().with_extension("damaged").exists(), "the damaged file is set aside");
    depot.recovers();
}

#[test]
fn whole_blobs_are_read_to_their_end() {
    let depot = filled();
    let digest = Sha256::of(artifact());
    let mut read = Vec::new();
    depot.store().read(&digest).unwrap().read_to_end(&mut read).unwrap();
    assert_eq!(read, artifact());
    let missing = Sha256::of("missing");
    assert!(matches!(depot.store().read(&missing), Err(StoreError::Missing { digest }) if digest == missing));
}

#[test]
fn what_is_missing_offline_is_listed_with_a_way_on() {
    let depot = Depot::new();
    let (class, text) = told(&depot.fetch_with(&request("https://ann:s3cret@h/a"), &offline()).unwrap_err());
    assert_eq!(class, ErrorClass::Network);
    for part in [
        "failed to fetch 1 of 1 artifacts; nothing was written",
        "thing 1.0 amd64: it is not in the store, and the network is off",
        "url: https://***@h/a",
        &format!("sha256: {}", Sha256::of(artifact())),
        "`imgbuild fetch --store DIR`",
        "`--mirror DIR`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!depot.path().exists(), "nothing is made to find nothing");
}

#[test]
fn threads_fetch_an_artifact_once() {
    let server = Server::start(|_, _| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        Answer::ok(&artifact())
    });
    let depot = Depot::new();
    let mut outcomes: Vec<_> = std::thread::scope(|scope| {
        let fetch = || depot.fetch(&server.url("/a")).unwrap();
        let fetches = [scope.spawn(fetch), scope.spawn(fetch), scope.spawn(fetch)];
        fetches.map(|fetch| fetch.join().unwrap()).into()
    });
    outcomes.sort_by_key(|outcome| *outcome == Outcome::Cached);
    assert_eq!(outcomes, [Outcome::Fetched, Outcome::Cached, Outcome::Cached]);
    assert_eq!(server.requests().len(), 1);
    let twice = vec![request(&server.url("/a")); 2];
    fs::remove_file(depot.blob()).unwrap();
    depot.store().fetch_all(&twice, &FetchOptions::default(), &|_| {}).unwrap();
    assert_eq!(server.requests().len(), 2, "the same artifact twice in one call is fetched once");
}

#[test]
fn a_folder_of_other_things_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("lost+found")).unwrap();
    fs::create_dir(folder.path().join("derived")).unwrap();
    let fetch = |folder: &Path| {
        let server = good_server();
        let requests = [request(&server.url("/a"))];
        Store::open(folder)?.fetch_all(&requests, &FetchOptions::default(), &|_| {})
    };
    fetch(folder.path()).expect("a new file system's root is a place for a store, and one beside the cache");
    let tag = fs::read_to_string(folder.path().join("CACHEDIR.TAG")).unwrap();
    assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55\n"));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("thesis.odt");
    fs::write(&file, b"").unwrap();
    let (_, text) = told(&fetch(folder.path()).unwrap_err());
    assert!(text.contains("contains other files and is not a store"), "{text}");
    assert_eq!(files(folder.path()), std::slice::from_ref(&file));
    assert!(matches!(Store::open(file), Err(StoreError::NotAFolder { .. })));
}

#[test]
fn people_are_told_of_each_artifact() {
    #[derive(Clone, Default)]
    struct Page(std::sync::Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let server = Server::start(|request, before| {
        let answer = Answer::file(&artifact(), ETAG, request);
        if before == 0 { answer.cut(300) } else { answer }
    });
    let (depot, page) = (Depot::new(), Page::default());
    let progress = Progress::lines(page.clone());
    let options = FetchOptions { retry: PATIENCE, ..FetchOptions::default() };
    for _ in 0..2 {
        depot
            .store()
            .fetch_all(&[request(&server.url("/a"))], &options, &|event| progress.show(event))
            .unwrap();
    }
    let said = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = said.lines().collect();
    assert!(
        lines[0].starts_with("thing 1.0 amd64: it was truncated: received 300 of 1000 bytes ("),
        "{said}"
    );
    assert!(lines[0].ends_with("; retrying in 0.0 s"), "{said}");
    let rest = [
        "thing 1.0 amd64: resumed 1.00 kB, of which 300 B were already downloaded",
        "thing 1.0 amd64: cached 1.00 kB",
    ];
    assert_eq!(lines[1..], rest);
}
