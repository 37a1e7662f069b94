//! A file that is written beside its final path and renamed when it is complete; removed otherwise.

use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use fs_err as fs;
use tempfile::NamedTempFile;

use crate::files::{folder_of, remove, sync_folder};

/// What files without a name are called, before six characters.
const PREFIX: &str = ".imgbuild-bundle-";

/// A file that has no final name yet. It is locked while it is written, so that what a killed run left is told from it.
#[derive(Debug)]
pub(super) struct Output {
    file: BufWriter<NamedTempFile>,
    place: PathBuf,
}

impl Output {
    /// A file for `place`.
    pub(super) fn new(place: &Path) -> io::Result<Self> {
        loop {
            let file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder_of(place))?;
            // Where files cannot be locked, no other run removes them either.
            let _ = file.as_file().lock();
            // Another run may have cleared it away before it was locked.
            if file.as_file().metadata()?.nlink() > 0 {
                let file = BufWriter::with_capacity(128 * 1024, file);
                return Ok(Self { file, place: place.to_owned() });
            }
        }
    }

    /// Where it will be.
    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    /// Brings all that was written to the disk.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().as_file().sync_all()
    }

    /// What was written so far, from its beginning.
    pub(super) fn read(&mut self) -> io::Result<std::fs::File> {
        self.settle()?;
        self.file.get_ref().reopen()
    }

    /// Gives the file, on disk with all its bytes, its name, which is there too afterwards.
    pub(super) fn publish(self) -> io::Result<PathBuf> {
        let place = self.rename()?;
        sync_folder(folder_of(&place))?;
        Ok(place)
    }

    /// The same without syncing the name to disk: the caller does that once for several names.
    pub(super) fn rename(mut self) -> io::Result<PathBuf> {
        // Temporary files are private; this one holds no secret.
        self.file.get_ref().as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        self.settle()?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(&self.place)?;
        Ok(self.place)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The path with something behind its file name.
pub(super) fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Removes what killed runs left beside `place`.
pub(super) fn clear(place: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder_of(place))? {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)).is_some_and(|end| end.len() == 6);
        if !is_ours || !entry.file_type()?.is_file() {
            continue;
        }
        // Locked until it is removed, so that another run finds it locked or gone.
        if let Ok(file) = fs::File::open(entry.path())
            && file.try_lock().is_ok()
        {
            remove(&entry.path())?;
        }
    }
    Ok(())
}
