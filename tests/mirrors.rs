//! Mirrors: other places for upstream's files, which need no trust and get no secrets of others.
#![expect(clippy::disallowed_methods, reason = "tests make mirrors and look at the store from outside")]

use std::fs;
use std::sync::Mutex;

use imgbuild::fetch::{FetchEvent, FetchOptions, Outcome};
use imgbuild::store::ErrorClass;

use super::support::depot::{Depot, PATIENCE, artifact, files, good_server, request, told};
use super::support::server::{Answer, Server};

fn from_mirror(mirror: &str) -> FetchOptions {
    FetchOptions {
        mirror: Some(mirror.parse().expect("it is a mirror")),
        retry: PATIENCE,
        ..FetchOptions::default()
    }
}

#[test]
fn a_mirror_folder_serves_verified_copies() {
    let depot = Depot::new();
    let mirror = tempfile::tempdir().unwrap();
    let file = mirror.path().join("h/v1+2/a");
    let mirror = mirror.path().to_str().unwrap();
    let get = |depot: &Depot| depot.fetch_with(&request("https://h/v1%2B2/a"), &from_mirror(mirror));

    let (class, text) = told(&get(&depot).unwrap_err());
    let place =
        format!("the mirror does not have it\n  url: https://h/v1%2B2/a\n  mirror: {}", file.display());
    assert!(text.contains(&place), "{text}");
    assert_eq!(class, ErrorClass::Network);

    fs::create_dir_all(&file).unwrap();
    assert!(told(&get(&depot).unwrap_err()).1.contains("the mirror does not have it"), "a folder is none");
    fs::remove_dir(&file).unwrap();

    fs::write(&file, vec![0; 1000]).unwrap();
    let (class, text) = told(&get(&depot).unwrap_err());
    assert!(text.contains("digest mismatch"), "{text}");
    assert_eq!(class, ErrorClass::Integrity);
    depot.is_sound();

    fs::write(&file, artifact()).unwrap();
    let options = FetchOptions { offline: true, ..from_mirror(mirror) };
    assert_eq!(depot.fetch_with(&request("https://h/v1%2B2/a"), &options).unwrap(), Outcome::Fetched);
    depot.recovers();
}

#[test]
fn a_mirrors_credentials_stay_with_the_mirror() {
    let elsewhere = good_server();
    let target = elsewhere.url("/b");
    let mirror = Server::start(move |request, before| match before {
        0 => Answer::error("404 Not Found"),
        1 => Answer::redirect(&target),
        _ => Answer::redirect(request.target()),
    });
    let address = mirror.url("/m").replace("://", "://ann:s3cret@");
    let (depot, said) = (Depot::new(), Mutex::new(Vec::new()));
    let run = || {
        let options = from_mirror(&address);
        let tell = |event: &FetchEvent| said.lock().unwrap().push(format!("{event:?}"));
        depot.store().fetch_all(&[request("https://h/a")], &options, &tell).map_err(|error| {
            let (_, text) = told(&error);
            said.lock().unwrap().push(format!("{text} {error:?} {options:?}"));
        })
    };
    run().unwrap_err();
    run().unwrap();
    fs::remove_dir_all(depot.path()).unwrap();
    run().unwrap_err();

    let with = mirror.requests().iter().filter(|request| request.header("authorization").is_some()).count();
    assert_eq!(with, mirror.requests().len(), "the mirror gets them");
    assert_eq!(mirror.requests()[0].target(), "/m/h/a");
    assert_eq!(elsewhere.requests().len(), 1);
    assert_eq!(elsewhere.requests()[0].header("authorization"), None, "nobody else does");
    let said = said.into_inner().unwrap().join("\n");
    assert!(
        said.contains("404 Not Found")
            && said.contains("mirror: http://***@127.0.0.1:")
            && !said.contains("s3cret"),
        "{said}"
    );
    for file in ["partial", "sha256", "lock"].iter().flat_map(|name| files(&depot.path().join(name))) {
        assert!(!String::from_utf8_lossy(&fs::read(file).unwrap()).contains("s3cret"));
    }
}

#[test]
fn what_a_mirror_can_not_have_is_not_looked_for() {
    let mirror = tempfile::tempdir().unwrap();
    fs::write(mirror.path().join("secret"), artifact()).unwrap();
    let options = from_mirror(mirror.path().to_str().unwrap());
    let (_, text) = told(&Depot::new().fetch_with(&request("https://h/..%2fsecret"), &options).unwrap_err());
    assert!(text.contains("a path that a mirror's folder cannot contain"), "{text}");
}
