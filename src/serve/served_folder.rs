//! Opens files below a folder without following symbolic links, so never a file elsewhere.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Dir, Mode, OFlags, openat};

/// A folder that stays the same one, whatever becomes of its name.
#[derive(Debug)]
pub struct ServedFolder(OwnedFd);

impl ServedFolder {
    /// The folder at a path.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?))
    }

    /// The names in it that a node could have.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The regular file `FOLDER/NAME` in it.
    pub fn file(&self, path: &str) -> io::Result<(File, Metadata)> {
        let not_found = || io::Error::from(io::ErrorKind::NotFound);
        let (folder, name) = path.split_once('/').ok_or_else(not_found)?;
        if [folder, name].iter().any(|part| part.contains('/') || matches!(*part, "" | "." | "..")) {
            return Err(not_found());
        }
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = openat(&self.0, folder, flags | OFlags::DIRECTORY, Mode::empty())?;
        // Opening a pipe without a writer would block.
        let file = File::from(openat(folder, name, flags | OFlags::NONBLOCK, Mode::empty())?);
        let metadata = file.metadata()?;
        if metadata.is_file() { Ok((file, metadata)) } else { Err(not_found()) }
    }
}
