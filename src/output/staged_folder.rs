//! A node's folder is written beside its final place and renamed atomically: readers, also after a power cut, see
//! the old or the new.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::output_cache::OutputCache;
use anyhow::{Context as _, Result};
use fs_err as fs;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::files::{self, folder_of, make_folders, sync_all, sync_folder};

/// What staged folders are called until they are gone, before six characters.
const STAGED: &str = ".imgbuild-staged-";
/// What a node's folder is called, before the node's name, while another takes its place and no exchange is possible.
const REPLACED: &str = ".imgbuild-replaced-";
/// Held while something is staged, so that what a killed build left is told from what is being written. It holds what
/// [`Seen`] keeps.
const LOCK: &str = ".imgbuild.lock";

/// The folder that holds the nodes' folders, while one build writes to it.
#[derive(Debug)]
pub struct Outputs {
    root: PathBuf,
    /// What earlier builds wrote there, and the lock.
    pub seen: OutputCache,
}

/// A folder that has no final name yet. Nobody else can look into it.
#[derive(Debug)]
pub struct StagedFolder {
    folder: tempfile::TempDir,
    place: PathBuf,
}

/// What was in the place of a folder that was published; gone with the value.
#[must_use]
#[derive(Debug)]
pub struct Replaced {
    _old: tempfile::TempDir,
}

impl Outputs {
    /// Takes the folder and removes what a killed build left. Where another build writes to it, `waiting` is told which file
    /// is waited for.
    pub fn open(root: &Path, waiting: impl FnOnce(&Path)) -> Result<Self> {
        files::refuse_foreign(root)?;
        make_folders(root)?;
        let path = root.join(LOCK);
        let lock = files::open_private(&path)?;
        files::lock(&lock, || waiting(&path))?;
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if !entry.file_type()?.is_dir() {
                continue;
            }
            if let Some(node) = name.strip_prefix(REPLACED) {
                put_back(&entry.path(), &root.join(node))?;
            } else if name.strip_prefix(STAGED).is_some_and(|end| end.len() == 6) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self { root: root.to_owned(), seen: OutputCache::load(root, lock) })
    }

    /// Whose folder it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder to write the node `name` to.
    pub fn stage(&self, name: &str) -> Result<StagedFolder> {
        let folder = tempfile::Builder::new()
            .prefix(STAGED)
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir_in(&self.root);
        let folder = folder.with_context(|| format!("making a folder in {}", self.root.display()))?;
        Ok(StagedFolder { folder, place: self.root.join(name) })
    }

    /// Brings all of these to the disk, before the first of them gets its name: a name that a power cut leaves must lead to all
    /// that it stands for.
    pub fn settle<'s>(&self, staged: impl IntoIterator<Item = &'s StagedFolder>) -> Result<()> {
        let mut paths = Vec::new();
        for staged in staged {
            for entry in fs::read_dir(staged.path())? {
                paths.push(entry?.path());
            }
            paths.push(staged.path().to_owned());
        }
        sync_all(&paths).with_context(|| format!("syncing {} to disk", self.root.display()))
    }

    /// Brings the names that were given to the disk.
    pub fn settle_names(&self) -> Result<()> {
        sync_folder(&self.root).with_context(|| format!("syncing {} to disk", self.root.display()))
    }
}

impl StagedFolder {
    /// Where to write.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts each of its files into the folder of its place, which others may be in; each at once, and on the disk.
    pub fn publish_files(self) -> Result<PathBuf> {
        make_folders(&self.place)?;
        for entry in fs::read_dir(self.path())? {
            let entry = entry?;
            fs::rename(entry.path(), self.place.join(entry.file_name()))?;
        }
        sync_folder(&self.place)?;
        Ok(self.place.clone())
    }

    /// Lets others look into the folder, once all of it is written; what is secret in it has a mode of its own.
    pub fn finish(&self) -> Result<()> {
        Ok(fs::set_permissions(self.path(), std::fs::Permissions::from_mode(0o755))?)
    }

    /// Puts the folder in its place, and gives what was there before.
    pub fn publish(self) -> Result<Replaced> {
        let context = || format!("publishing {}", self.place.display());
        match renameat_with(CWD, self.path(), CWD, &self.place, RenameFlags::EXCHANGE) {
            // What was there has the staged folder's name now, and goes with it.
            Ok(()) => {}
            Err(Errno::NOENT) => fs::rename(self.path(), &self.place)?,
            // File systems, or systems, that cannot exchange two names.
            Err(Errno::INVAL | Errno::NOSYS) => exchange_in_steps(self.path(), &self.place)?,
            Err(error) => return Err(io::Error::from(error)).with_context(context),
        }
        Ok(Replaced { _old: self.folder })
    }
}

/// Exchanges two folders by three names: there is a moment without the second, which [`put_back`] ends after an interruption.
fn exchange_in_steps(staged: &Path, place: &Path) -> io::Result<()> {
    if fs::symlink_metadata(place).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return fs::rename(staged, place);
    }
    let old = replaced(place);
    fs::rename(place, &old)?;
    fs::rename(staged, place)?;
    sync_folder(folder_of(place))?;
    fs::rename(&old, staged)
}

/// Where a node's folder is while another takes its place in steps.
pub(super) fn replaced(place: &Path) -> PathBuf {
    let mut old = std::ffi::OsString::from(REPLACED);
    old.push(place.file_name().expect("a node's folder has a name"));
    folder_of(place).join(old)
}

/// Ends what a build left that was cut off in [`exchange_in_steps`].
fn put_back(old: &Path, place: &Path) -> io::Result<()> {
    if fs::symlink_metadata(place).is_ok() { fs::remove_dir_all(old) } else { fs::rename(old, place) }
}
