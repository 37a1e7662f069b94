//! Fingerprints of large outputs, so that a later build can tell without reading them that they are unchanged.
//!
//! The file that builds lock holds for each of them its digest and what the file system said of it: size, inode, time of its
//! last change. As long as that stays, so does the digest; if not, the file is read.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::manifest::OutputFile;
use crate::digest::Sha256;
use crate::files::if_exists;

/// What a build knows of the large outputs of earlier ones.
#[derive(Debug)]
pub struct OutputCache {
    root: PathBuf,
    file: fs::File,
    record: Record,
    has_changed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// The program that wrote them, if that is known: another may write other bytes.
    program: Option<FileFingerprint>,
    files: BTreeMap<String, (FileFingerprint, Sha256)>,
}

/// What a file system says of a file. Whoever writes to a file or puts another in its place changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileFingerprint {
    size: u64,
    inode: u64,
    changed: (i64, i64),
}

impl FileFingerprint {
    fn new(found: &Metadata) -> Self {
        let changed = (found.ctime(), found.ctime_nsec());
        Self { size: found.len(), inode: found.ino(), changed }
    }

    /// Of a plain file; `None` if it does not exist.
    fn of(path: &Path) -> io::Result<Option<Self>> {
        let found = if_exists(fs::symlink_metadata(path))?;
        Ok(found.filter(Metadata::is_file).map(|found| Self::new(&found)))
    }
}

impl OutputCache {
    /// What this very program has left in `root`, by the file that it has locked there.
    pub(super) fn load(root: &Path, mut file: fs::File) -> Self {
        let program = fs::metadata("/proc/self/exe").ok().map(|found| FileFingerprint::new(&found));
        let mut text = Vec::new();
        let read = file.read_to_end(&mut text).ok();
        // A killed build may have left invalid JSON.
        let record = read.and_then(|_| serde_json::from_slice::<Record>(&text).ok());
        let record = record.filter(|record| program.is_some() && record.program == program);
        let record = record.unwrap_or(Record { program, files: BTreeMap::new() });
        Self { root: root.to_owned(), file, record, has_changed: false }
    }

    /// The files that this program wrote.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.record.files.keys().map(String::as_str)
    }

    /// Whether this program wrote the file.
    pub fn knows(&self, name: &str) -> bool {
        self.record.files.contains_key(name)
    }

    /// Whether a file is what this program wrote last, whatever that was.
    pub fn is_as_written(&mut self, name: &str) -> Result<bool> {
        let Some((known, sha256)) = self.record.files.get(name).copied() else { return Ok(false) };
        let Some(stamp) = FileFingerprint::of(&self.root.join(name))? else { return Ok(false) };
        if stamp == known {
            return Ok(true);
        }
        let (got, _) = Sha256::of_reader(fs::File::open(self.root.join(name))?)?;
        if got == sha256 {
            self.note(name, stamp, sha256);
        }
        Ok(got == sha256)
    }

    /// Whether a file is what this program wrote last, and that is `expected`.
    pub fn has(&mut self, name: &str, expected: OutputFile) -> Result<bool> {
        let known = self.record.files.get(name);
        let is_it =
            known.is_some_and(|(stamp, sha256)| (stamp.size, *sha256) == (expected.size, expected.sha256));
        Ok(is_it && self.is_as_written(name)?)
    }

    /// Notes a file that was just written.
    pub fn wrote(&mut self, name: &str, sha256: Sha256) -> Result<()> {
        if let Some(stamp) = FileFingerprint::of(&self.root.join(name))? {
            self.note(name, stamp, sha256);
        }
        Ok(())
    }

    fn note(&mut self, name: &str, fingerprint: FileFingerprint, sha256: Sha256) {
        self.record.files.insert(name.to_owned(), (fingerprint, sha256));
        self.has_changed = true;
    }

    /// Keeps what is known for the next build. Where that cannot be, the next one writes all again.
    pub fn save(mut self) {
        if self.has_changed
            && let Ok(text) = serde_json::to_vec(&self.record)
        {
            let emptied = self.file.set_len(0).and_then(|()| self.file.rewind());
            let _ = emptied.and_then(|()| self.file.write_all(&text));
        }
    }
}
