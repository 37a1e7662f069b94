//! Syncs files and their names to disk, so that a power cut leaves the old or the new state, nothing between.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fs_err as fs;

use super::folder_of;

/// Files from which on the whole file system is brought to the disk at once: a journal takes part in each file's turn.
const MANY: usize = 32;
/// Files that are brought to the disk at the same time, so that they share the turns of the journal.
const AT_ONCE: usize = 4;

/// Brings these files and folders, which are all on one file system, to the disk.
pub(crate) fn sync_all(paths: &[PathBuf]) -> io::Result<()> {
    match paths {
        [] => Ok(()),
        [one, ..] if paths.len() > MANY => {
            let file = fs::File::open(one)?;
            match rustix::fs::syncfs(&file) {
                Ok(()) => Ok(()),
                // Not every file system knows it.
                Err(rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => sync_each(paths),
                Err(error) => Err(error.into()),
            }
        }
        _ => sync_each(paths),
    }
}

fn sync_each(paths: &[PathBuf]) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            sync(path)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let helper = || thread::Builder::new().name("fsync".to_owned()).spawn_scoped(scope, work);
        // If no thread can be started, this one does all the work.
        let helpers: Vec<_> = (1..AT_ONCE.min(paths.len())).map_while(|_| helper().ok()).collect();
        let own = work();
        let others = helpers.into_iter().map(|one| one.join().expect("nothing in it panics"));
        others.fold(own, Result::and)
    })
}

fn sync(path: &Path) -> io::Result<()> {
    match fs::File::open(path)?.sync_all() {
        // Some file systems do not support fsync of folders (fsync(2)).
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        done => done,
    }
}

/// Brings the names in a folder to the disk, without which a rename may be lost with the power.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    sync(folder)
}

/// Makes a folder and those above it, each on the disk.
pub(crate) fn make_folders(folder: &Path) -> io::Result<()> {
    let missing: Vec<_> =
        folder.ancestors().take_while(|above| !above.as_os_str().is_empty() && !above.exists()).collect();
    fs::create_dir_all(folder)?;
    missing.into_iter().rev().try_for_each(|made| sync(folder_of(made)))
}
