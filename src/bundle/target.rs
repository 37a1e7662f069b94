//! Checks the path that a bundle would be written to: only an earlier bundle is replaced.

use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::output::with_end;
use super::split::{PARTS_FILE, Parts, numbered};
use super::{BundleError, Index, signature_of};
use crate::files::{folder_of, if_exists, read_plain, refuse_foreign};

/// What minisign(1) begins a signature with.
const SIGNATURE: &[u8] = b"untrusted comment:";
/// The longest signature that is read, in bytes.
const MAX_SIGNATURE: u64 = 64 << 10;
/// The most pieces, and one more.
const PIECES: usize = 1000;

/// A file that a bundle would replace although no earlier bundle wrote it.
#[derive(Debug, PartialEq, Eq)]
pub struct Occupied {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: &'static str,
}

/// The names that a bundle at `path` has, if it is split or signed: each can be written or removed.
pub fn names(path: &Path, is_split: bool) -> Vec<PathBuf> {
    if !is_split {
        return vec![path.to_owned(), signature_of(path)];
    }
    let list = with_end(path, PARTS_FILE);
    let pieces = (0..PIECES - 1)
        .map(|index| numbered(path, index))
        .filter(|piece| fs::symlink_metadata(piece).is_ok());
    [signature_of(&list), list].into_iter().chain(pieces).collect()
}

/// Finds what is in the way of a bundle at `path`. What is empty has nothing to lose.
pub fn occupied(path: &Path, is_split: bool) -> Result<Option<Occupied>, BundleError> {
    refuse_foreign(folder_of(path))?;
    for name in names(path, is_split) {
        let Some(found) = if_exists(fs::symlink_metadata(&name))? else { continue };
        if !found.is_file() {
            return Ok(Some(Occupied { path: name, why: "is not a plain file" }));
        }
        if found.len() > 0
            && let Some(why) = flaw(path, &name)?
        {
            return Ok(Some(Occupied { path: name, why }));
        }
    }
    Ok(None)
}

/// What a plain file is not, which would have to be what has such a name beside the bundle at `path`.
fn flaw(path: &Path, name: &Path) -> Result<Option<&'static str>, BundleError> {
    let list = with_end(path, PARTS_FILE);
    let (fits, flaw) = if name == path {
        (is_bundle(name)?, "is not a bundle")
    } else if name == list {
        (Parts::read(name).is_ok(), "is not the list of a split bundle's pieces")
    } else if [signature_of(path), signature_of(&list)].iter().any(|signature| signature == name) {
        let text = read_plain(name, MAX_SIGNATURE)?;
        (text.is_some_and(|text| text.starts_with(SIGNATURE)), "is not a signature")
    } else {
        // What follows on the first piece of a bundle goes with it: the list of what was cut off is gone already.
        (is_bundle(&numbered(path, 0))?, "is not a piece of a bundle")
    };
    Ok((!fits).then_some(flaw))
}

/// Whether a plain file begins as a bundle does, of whatever version, and however damaged.
fn is_bundle(path: &Path) -> Result<bool, BundleError> {
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        return Ok(false);
    }
    match Index::read(&mut io::BufReader::new(fs::File::open(path)?), path) {
        Err(BundleError::Io(error)) => Err(BundleError::Io(error)),
        Err(BundleError::NotABundle { .. }) => Ok(false),
        _ => Ok(true),
    }
}
