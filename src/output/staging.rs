//! A node's folder is written beside its final place and put there at once: whoever looks sees the old or the new.

use std::io;
use std::path::{Path, PathBuf};

use super::seen::Seen;
use anyhow::{Context as _, Result};
use fs_err as fs;
use rustix::fs::{CWD, RenameFlags, renameat_with};

/// What staged and replaced folders are called until they are gone.
const PREFIX: &str = ".imgbuild-";
/// Held while something is staged, so that what a killed build left is told from what is being written. It holds what
/// [`Seen`] keeps.
const LOCK: &str = ".imgbuild.lock";

/// The folder that holds the nodes' folders, while one build writes to it.
#[derive(Debug)]
pub struct Outputs {
    root: PathBuf,
    /// What earlier builds wrote there, and the lock.
    pub seen: Seen,
}

/// A folder that has no final name yet.
#[derive(Debug)]
pub struct Staged {
    folder: tempfile::TempDir,
    place: PathBuf,
}

impl Outputs {
    /// Takes the folder, waiting for another build that writes to it, and removes what a killed one left.
    pub fn open(root: &Path) -> Result<Self> {
        fs::create_dir_all(root)?;
        let lock = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(root.join(LOCK))?;
        lock.file().lock().with_context(|| format!("locking {}", root.display()))?;
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)) {
                // What stood in a node's place may have been a file.
                let is_folder = entry.file_type()?.is_dir();
                if is_folder { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
            }
        }
        Ok(Self { root: root.to_owned(), seen: Seen::load(root, lock) })
    }

    /// Whose folder it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder to write the node `name` to.
    pub fn stage(&self, name: &str) -> Result<Staged> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&self.root);
        let folder = folder.with_context(|| format!("making a folder in {}", self.root.display()))?;
        Ok(Staged { folder, place: self.root.join(name) })
    }
}

impl Staged {
    /// Where to write.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts each of its files into the folder of its place, which others may be in; each at once.
    pub fn publish_files(self) -> Result<PathBuf> {
        fs::create_dir_all(&self.place)?;
        for entry in fs::read_dir(self.path())? {
            let entry = entry?;
            fs::rename(entry.path(), self.place.join(entry.file_name()))?;
        }
        Ok(self.place.clone())
    }

    /// Puts the folder in its place; what was there before is gone afterwards.
    pub fn publish(self) -> Result<PathBuf> {
        use std::os::unix::fs::PermissionsExt as _;
        // Temporary folders are private; what is secret in this one has a mode of its own.
        fs::set_permissions(self.path(), std::fs::Permissions::from_mode(0o755))?;
        let context = || format!("publishing {}", self.place.display());
        match renameat_with(CWD, self.path(), CWD, &self.place, RenameFlags::EXCHANGE) {
            // What was there has the staged folder's name now, and goes with it.
            Ok(()) => {}
            Err(rustix::io::Errno::NOENT) => {
                fs::rename(self.path(), &self.place)?;
            }
            // File systems that cannot exchange two names: there is a moment with none.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                let old = tempfile::Builder::new()
                    .prefix(PREFIX)
                    .tempdir_in(self.place.parent().unwrap_or(&self.place));
                let old = old.with_context(context)?;
                fs::rename(&self.place, old.path().join("old"))?;
                fs::rename(self.path(), &self.place)?;
            }
            Err(error) => return Err(io::Error::from(error)).with_context(context),
        }
        Ok(self.place.clone())
    }
}
