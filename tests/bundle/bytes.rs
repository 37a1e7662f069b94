//! No byte of a bundle can change, go or come without being found.
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use imgbuild::audit::{Fault, audit};
use imgbuild::bundle::{Bundle, BundleError, Index, NewBundle, PROFILE, Part, RELEASES};
use imgbuild::date::Moment;
use imgbuild::digest::Sha256;
use tempfile::TempDir;

const PARTS: [(&str, &[u8]); 4] = [
    (PROFILE, b"cluster: c\n"),
    (RELEASES, b"releases: {}\n"),
    ("overlays/a/files/empty", b""),
    ("overlays/a/files/block", &[7; 512]),
];

/// Writes a bundle of [`PARTS`], whole or in pieces, and returns its files.
fn write(folder: &Path, split: Option<u64>) -> PathBuf {
    let part = |(path, bytes): &(&str, &[u8])| Part {
        path: (*path).to_owned(),
        name: "x".to_owned(),
        version: None,
        size: bytes.len() as u64,
        sha256: Sha256::of(bytes),
    };
    let parts = PARTS.iter().map(part).collect();
    let index = Index::new("c".to_owned(), vec!["n".to_owned()], None, parts);
    let bytes = |part: &Part| PARTS.iter().find(|(path, _)| *path == part.path).unwrap().1;
    let new = NewBundle { index: &index, path: &folder.join("b"), split, key: None, time: Moment(0) };
    new.write(|part| Ok(bytes(part))).unwrap().path
}

fn faults(path: &Path) -> Vec<Fault> {
    audit(path).unwrap().faults
}

/// Changes every byte of a file, one at a time, in some bits and in all of them.
fn flip_all(file: &Path, bundle: &Path) {
    let bytes = fs::read(file).unwrap();
    let mut out = fs::OpenOptions::new().write(true).open(file).unwrap();
    let mut put = |at: usize, byte: u8| {
        out.seek(SeekFrom::Start(at as u64)).unwrap();
        out.write_all(&[byte]).unwrap();
    };
    for (at, byte) in bytes.iter().enumerate() {
        for bits in [0x01, 0xff] {
            put(at, byte ^ bits);
            assert!(!faults(bundle).is_empty(), "byte {at} of {} may change by {bits:#x}", file.display());
        }
        put(at, *byte);
    }
    assert_eq!(faults(bundle), [], "it is whole again");
}

#[test]
fn every_changed_byte_is_found() {
    let folder = TempDir::new().unwrap();
    let bundle = write(folder.path(), None);
    assert_eq!(faults(&bundle), []);
    flip_all(&bundle, &bundle);
}

#[test]
fn every_changed_byte_of_a_split_bundle_is_found() {
    let folder = TempDir::new().unwrap();
    let list = write(folder.path(), Some(4096));
    for file in ["b.001", "b.002", "b.parts.json"] {
        flip_all(&folder.path().join(file), &list);
    }
}

#[test]
fn every_missing_end_and_every_longer_one_is_found() {
    let folder = TempDir::new().unwrap();
    let bundle = write(folder.path(), None);
    let bytes = fs::read(&bundle).unwrap();
    for length in (0..bytes.len()).step_by(61) {
        fs::write(&bundle, &bytes[..length]).unwrap();
        assert!(!faults(&bundle).is_empty(), "cut to {length} bytes");
        assert!(Bundle::open(&bundle).is_err_and(|error| error.is_integrity()) || short(&bundle));
    }
    fs::write(&bundle, [&bytes[..], b"\0"].concat()).unwrap();
    assert!(faults(&bundle).iter().any(|fault| fault.to_string().contains("1 bytes behind")));
}

/// Whether a bundle whose index can be read is not taken for whole by who builds from it.
fn short(bundle: &Path) -> bool {
    Bundle::open(bundle).unwrap().check_size().is_err()
}

#[test]
fn each_damaged_part_is_named() {
    let folder = TempDir::new().unwrap();
    let bundle = write(folder.path(), None);
    let mut bytes = fs::read(&bundle).unwrap();
    for text in ["cluster: c", "releases: {}"] {
        let at = bytes.windows(text.len()).rposition(|window| window == text.as_bytes()).unwrap();
        bytes[at] ^= 1;
    }
    fs::write(&bundle, bytes).unwrap();
    let named: Vec<_> = faults(&bundle).into_iter().map(|fault| fault.part).collect();
    assert_eq!(named, [PROFILE, RELEASES]);
}

#[test]
fn more_pieces_than_can_be_numbered_are_refused() {
    let folder = TempDir::new().unwrap();
    let index = Index::new("c".to_owned(), Vec::new(), None, Vec::new());
    let new = NewBundle {
        index: &index,
        path: &folder.path().join("b"),
        split: Some(1),
        key: None,
        time: Moment(0),
    };
    let error = new.write(|_| Ok(std::io::empty())).unwrap_err();
    assert!(matches!(error, BundleError::TooManyPieces { .. }), "{error}");
}

#[test]
fn a_part_that_changed_while_it_was_written_leaves_no_bundle() {
    let folder = TempDir::new().unwrap();
    let part = Part {
        path: PROFILE.to_owned(),
        name: "x".to_owned(),
        version: None,
        size: 3,
        sha256: Sha256::of("abc"),
    };
    let index = Index::new("c".to_owned(), Vec::new(), None, vec![part]);
    for (bytes, split) in [("abd", None), ("ab", None), ("abcd", None), ("abd", Some(1024))] {
        let new =
            NewBundle { index: &index, path: &folder.path().join("b"), split, key: None, time: Moment(0) };
        assert!(new.write(|_| Ok(bytes.as_bytes())).unwrap_err().is_integrity());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{bytes}");
    }
}
