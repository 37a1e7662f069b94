//! What archives of packages say, and the lock that is made of it, with nothing fetched.

use imgbuild::diagnostic::{Document, Report, Source, decode};
use imgbuild::digest::Sha256;
use imgbuild::package::base::{Base, Manifest};
use imgbuild::package::candidates::Candidates;
use imgbuild::package::index::read;
use imgbuild::package::lock::Lock;
use imgbuild::package::lock_text::text;
use imgbuild::package::openpgp::{Certificate, certificates, verified};
use imgbuild::package::refusal::Wanted;
use imgbuild::package::resolve::{fits, resolve};
use imgbuild::package::suite::{Compression, Form, Listed, Suite};

/// The key of an archive, as its maintainers publish it.
pub const KEY: &[u8] = include_bytes!("../../profiles/keys/debian-trixie.asc");
/// What is read at most of an index here.
const ROOM: u64 = 1 << 20;

/// An `InRelease`, whose signature nobody could forge; and its text, as if it had been verified.
pub fn inrelease(data: &[u8]) -> bool {
    let keys = keys();
    let keys: Vec<_> = keys.iter().collect();
    let is_signed = verified(data, &keys).is_ok_and(|message| Suite::read(&message.text).is_ok());
    let suite = Suite::read(&String::from_utf8_lossy(data));
    if let Ok(suite) = &suite {
        for form in suite.forms("main", "amd64").into_iter().flatten() {
            assert!(!form.path.contains("..") && form.room <= 512 << 20, "{form:?}");
        }
    }
    is_signed || suite.is_ok()
}

fn keys() -> Vec<Certificate> {
    certificates(KEY).expect("a key that was read before")
}

/// An index in each of its forms, and what would be installed of it.
pub fn packages(data: &[u8]) -> bool {
    let listed = Listed { sha256: Sha256::of("x"), size: 0 };
    let mut is_good = false;
    for compression in [Compression::Plain, Compression::Gzip, Compression::Xz] {
        let form = Form { path: String::new(), listed, compression, room: ROOM };
        let Ok(packages) = read(data, &form, "amd64", 0) else { continue };
        let manifest = Manifest::read("libc6:amd64\t2.41-12\n", "amd64").expect("a list of one package");
        let Ok(candidates) = Candidates::new(&packages, "amd64") else { continue };
        let Ok(base) = Base::new(&manifest, &candidates) else { continue };
        for package in packages.iter().take(20) {
            // What could lead out of the archive is not a file.
            if let Ok(file) = package.file() {
                assert!(!file.path.as_str().contains("..") && !file.path.as_str().starts_with('/'));
            }
            let wanted = Wanted {
                name: package.name.parse().expect("it was read as a name"),
                component: "a".to_owned(),
            };
            if let Ok(solution) = resolve(&candidates, &base, "trixie", &[wanted]) {
                assert!(fits(&candidates, &base, "trixie", solution.packages).is_ok(), "{data:?}");
                is_good = true;
            }
        }
    }
    is_good
}

/// A lock: what is read of it is written again as the same.
pub fn lock(data: &[u8]) -> bool {
    let mut report = Report::new();
    let Some(lock) = locked(&String::from_utf8_lossy(data), &mut report) else { return false };
    let mut again = Report::new();
    assert_eq!(locked(&text(&lock), &mut again).as_ref(), Some(&lock), "{}", again.render(false));
    true
}

fn locked(text: &str, report: &mut Report) -> Option<Lock> {
    let document = Document::parse(&Source::new("packages.lock", text), report)?;
    let decoded = decode::<Lock>(document, report);
    let lock = decoded.checked(report).cloned();
    assert!(lock.is_some() || report.has_errors(), "it fails without a word");
    lock
}

/// A file of keys.
pub fn keyring(data: &[u8]) -> bool {
    certificates(data).is_ok_and(|keys| !keys.is_empty())
}
