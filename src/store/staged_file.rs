//! Writes to the store's folder: created when first needed, locked against concurrent writers, staged in `tmp/`.

use std::fs::TryLockError;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;
use tempfile::NamedTempFile;

use super::{DERIVED, Store, StoreError};
use crate::digest::Sha256;
use crate::files::{self, if_exists, make_folders, no_lock, open_shared, refuse_foreign};

/// Tells backup programs to leave the folder out (Cache Directory Tagging Specification): all of it can be
/// fetched or built again.
const CACHEDIR_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # This folder holds files that imgbuild can fetch or build again.\n";

/// The lock that each user of `tmp/` shares, so that it is cleared only when it has none.
const TMP_LOCK: &str = "tmp";

/// The folders that writing needs.
pub(super) const FOLDERS: [&str; 4] = ["sha256", "tmp", "partial", "lock"];

/// A file in `tmp/` that is removed when it is dropped, unless it is given its place before.
#[derive(Debug)]
pub(super) struct StagedFile {
    file: NamedTempFile,
    _in_use: fs::File,
}

impl StagedFile {
    /// Gives the file, on disk with all its bytes, its place at `path`.
    pub(super) fn place(self, path: &Path) -> io::Result<()> {
        seal(self.file.as_file())?;
        files::place(self.file, path)
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Store {
    /// A new file in `tmp/`.
    pub(super) fn stage(&self) -> Result<StagedFile, StoreError> {
        self.prepare()?;
        let in_use = self.lock_file(TMP_LOCK)?;
        in_use.file().lock_shared().map_err(|error| no_lock(in_use.path(), error))?;
        Ok(StagedFile { file: NamedTempFile::new_in(self.tmp())?, _in_use: in_use })
    }

    /// Locks `digest` in the store; `waiting` is called when that takes
    /// time. The lock lasts as long as the file that is returned, and ends with a process that is killed.
    pub(crate) fn lock(&self, digest: &Sha256, waiting: impl FnOnce()) -> Result<fs::File, StoreError> {
        let file = self.lock_file(&digest.to_string())?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => waiting(),
            // Whatever it is, waiting for the lock meets it again and names the file.
            Err(TryLockError::Error(_)) => {}
        }
        file.file().lock().map_err(|error| no_lock(file.path(), error))?;
        Ok(file)
    }

    /// Makes the folders that writing needs, and clears what killed builds left in `tmp/`.
    pub(crate) fn prepare(&self) -> Result<(), StoreError> {
        refuse_foreign(&self.root)?;
        for folder in FOLDERS {
            let folder = self.root.join(folder);
            refuse_foreign(&folder)?;
            make_folders(&folder)?;
        }
        match fs::OpenOptions::new().write(true).create_new(true).open(self.root.join("CACHEDIR.TAG")) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            tag => tag?.write_all(CACHEDIR_TAG.as_bytes())?,
        }
        self.clear_tmp()
    }

    /// Whether the folder has files, but none that a store begins with.
    pub(super) fn is_something_else(&self) -> io::Result<bool> {
        let mut others = false;
        let Some(entries) = if_exists(fs::read_dir(&self.root))? else { return Ok(false) };
        for entry in entries {
            match entry?.file_name().to_str() {
                Some("sha256") => return Ok(false),
                // A new file system has it at its root; the user's own store has the cache of layers beside it.
                Some("lost+found" | DERIVED) => {}
                _ => others = true,
            }
        }
        Ok(others)
    }

    fn clear_tmp(&self) -> Result<(), StoreError> {
        let lock = self.lock_file(TMP_LOCK)?;
        if lock.try_lock().is_err() {
            return Ok(());
        }
        for entry in fs::read_dir(self.tmp())? {
            // What can not be removed (another user's file) costs space, and no build its success.
            let _ = fs::remove_file(entry?.path());
        }
        Ok(())
    }

    fn lock_file(&self, name: &str) -> io::Result<fs::File> {
        open_shared(&self.root.join("lock").join(name))
    }

    pub(super) fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }
}

/// Takes away a file's write permission: what has its place never changes. All may read it: it holds no secret.
pub(crate) fn seal(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o444))
}
