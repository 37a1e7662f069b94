//! The private folder of running machines, removed with them; the next run removes what a killed run left.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use fs_err as fs;
use rustix::fs::{CWD, Mode, OFlags, openat};

use super::MachineError;

const PREFIX: &str = "imgbuild-boot-";
/// How often a folder is made: another run may take one for left over before it is locked.
const TRIES: usize = 8;

/// A folder with machines' disks and messages. Its lock marks it as in use.
#[derive(Debug)]
pub(super) struct Room {
    folder: tempfile::TempDir,
    _lock: std::fs::File,
}

impl Room {
    /// Makes one in `scratch`, and removes what killed runs of the same user have left there.
    pub(super) fn new(scratch: &Path) -> Result<Self, MachineError> {
        let doing = || format!("making a folder in {}", scratch.display());
        for _ in 0..TRIES {
            let private = std::fs::Permissions::from_mode(0o700);
            let folder = tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir_in(scratch);
            let folder = folder.map_err(MachineError::io(doing()))?;
            let Ok(lock) = open(folder.path()) else { continue };
            // Without file locks, no folder is treated as left over.
            let _ = lock.lock();
            let user = lock.metadata().map_err(MachineError::io(doing()))?.uid();
            if folder.path().exists() {
                sweep(scratch, folder.path(), user);
                return Ok(Self { folder, _lock: lock });
            }
        }
        Err(MachineError::io(doing())(std::io::ErrorKind::ResourceBusy.into()))
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Opens a folder, and none that a link leads to.
fn open(folder: &Path) -> std::io::Result<std::fs::File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(CWD, folder, flags, Mode::empty())?.into())
}

/// Removes the folders of this user's runs that have ended without doing it. What cannot be removed stays.
fn sweep(scratch: &Path, own: &Path, user: u32) {
    for entry in fs::read_dir(scratch).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX) && path != own;
        let Some(folder) = is_ours.then(|| open(&path).ok()).flatten() else { continue };
        let is_users = folder.metadata().is_ok_and(|found| found.uid() == user);
        if is_users && folder.try_lock().is_ok() {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_over_goes_and_what_is_used_or_of_others_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let used = Room::new(scratch.path()).unwrap();
        let mode = fs::metadata(used.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
        let left = scratch.path().join("imgbuild-boot-left");
        let elsewhere = scratch.path().join("elsewhere");
        for folder in [&left, &elsewhere] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("0.qcow2"), "secret").unwrap();
        }
        let link = scratch.path().join("imgbuild-boot-link");
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        let other = Room::new(scratch.path()).unwrap();
        assert!(!left.exists() && used.path().exists() && other.path().exists());
        assert!(elsewhere.join("0.qcow2").exists() && link.exists());
    }
}
