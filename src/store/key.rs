//! The key that the cache's records are authenticated with: of one user on one machine, made when it is first needed.
//!
//! It does not lie in the cache, so that a cache which is copied from elsewhere does not include the key that authenticates it.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rustix::fs::{Mode, OFlags};
use tempfile::NamedTempFile;

use super::cache::{NotPrivate, check_private};
use crate::digest::Sha256;

/// The length of a key: that of the digest (RFC 2104, section 3).
const LENGTH: usize = 32;

/// The length of a seal: the code in hex digits, and the end of the line.
const SEAL: usize = 65;

/// A secret of 32 random bytes.
pub(super) struct SealingKey([u8; LENGTH]);

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl SealingKey {
    /// The key in a file. A key that others could have read or written, or that is not valid, counts as missing.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, NotPrivate> {
        if let Some(folder) = path.parent() {
            check_private(folder)?;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::open(path, flags, Mode::empty()) else { return Ok(None) };
        let file = std::fs::File::from(file);
        let found = file.metadata()?;
        let is_own = found.is_file()
            && found.uid() == rustix::process::geteuid().as_raw()
            && matches!(found.mode() & 0o777, 0o600 | 0o400)
            && found.len() == LENGTH as u64;
        let mut bytes = Vec::new();
        file.take(LENGTH as u64).read_to_end(&mut bytes)?;
        Ok(bytes.try_into().ok().filter(|_| is_own).map(Self))
    }

    /// The key in a file, created if no valid one exists.
    pub(super) fn make(path: &Path) -> Result<Self, NotPrivate> {
        let folder = path.parent().unwrap_or_else(|| Path::new("/"));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut bytes = [0; LENGTH];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        for _ in 0..2 {
            if let Some(key) = Self::read(path)? {
                return Ok(key);
            }
            let mut file = NamedTempFile::new_in(folder)?;
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            match file.persist_noclobber(path) {
                // Read again: a file system that keeps no modes has no place for a key.
                Ok(_) => {}
                // Another process was first, or what is there is not fit.
                Err(_) if Self::read(path)?.is_some() => {}
                Err(_) => std::fs::remove_file(path)?,
            }
        }
        Self::read(path)?.ok_or_else(|| {
            let why = format!(
                "{}: failed to keep a private key there: its file system does not keep file modes",
                path.display()
            );
            io::Error::other(why).into()
        })
    }

    /// The header of the bytes that are kept in `folder` under `name`.
    pub(super) fn seal(&self, folder: &str, name: &Sha256, bytes: &[u8]) -> String {
        let code = self.code(folder, name, bytes).finalize().into_bytes();
        code.iter().map(|byte| format!("{byte:02x}")).chain(["\n".to_owned()]).collect()
    }

    /// The bytes behind their seal, if they were kept with this key in this place.
    pub(super) fn opened(&self, folder: &str, name: &Sha256, mut seal: Vec<u8>) -> Option<Vec<u8>> {
        let bytes = (seal.len() >= SEAL).then(|| seal.split_off(SEAL))?;
        let code = str::from_utf8(&seal).ok()?.strip_suffix('\n')?;
        let code: Vec<u8> = (0..LENGTH)
            .map(|at| u8::from_str_radix(code.get(2 * at..2 * at + 2)?, 16).ok())
            .collect::<Option<_>>()?;
        self.code(folder, name, &bytes).verify_slice(&code).is_ok().then_some(bytes)
    }

    /// The place is authenticated too: a record in another's place is another record.
    fn code(&self, folder: &str, name: &Sha256, bytes: &[u8]) -> Hmac<sha2::Sha256> {
        let mut code = Hmac::<sha2::Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        code.update(format!("imgbuild {folder}/{name}\n").as_bytes());
        code.update(bytes);
        code
    }
}
