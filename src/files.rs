//! What several rooms need of the file system: names that lead nowhere else, locks that are waited for aloud, and bytes that a
//! power cut leaves whole.
#![expect(clippy::disallowed_methods, reason = "edge: the file system")]

mod sync;

use std::fs::TryLockError;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use rustix::fs::OFlags;
use rustix::io::Errno;
use tempfile::NamedTempFile;

pub(crate) use sync::{make_folders, sync_all, sync_folder};

/// How long a lock may be waited for without a word.
const SILENT: Duration = Duration::from_secs(1);
/// How often it is tried meanwhile.
const TRIES: u32 = 20;

/// What the file system has in the way of a safe write.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It has no locks.
    #[error("failed to lock `{}`: its file system does not support file locks ({cause})", .path.display())]
    NoLocks {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A name leads elsewhere.
    #[error("refused to write to `{}`: it is not a plain file, so the write would go elsewhere", .path.display())]
    NotPlain {
        /// The file.
        path: PathBuf,
    },
    /// Every file there gets a mode that lets others read it, whatever is asked for: vfat, exFAT and many network shares.
    #[error(
        "refused to write `{}`: it holds secrets, but its file system does not keep file modes, so others could read it",
        .path.display()
    )]
    NoModes {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else could exchange what is written.
    #[error(
        "refused to write to `{}`: it belongs to another user (uid {owner}), in a folder that everybody can write to",
        .path.display()
    )]
    Foreign {
        /// The file or folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
}

impl FileError {
    /// What is inside an error of the system, if it is of this kind.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// How to go on.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoLocks { .. } => {
                "name a folder on a local file system (`--out DIR`, `--store DIR`), or mount this one with locks: \
                 NFS without `nolock`, Lustre with `flock`"
            }
            Self::NoModes { .. } => {
                "write to a folder on another file system with `--out DIR`; the secrets file has `--secrets FILE`"
            }
            Self::NotPlain { .. } => "check where it comes from, and remove it",
            Self::Foreign { .. } => "choose a folder that only you can write to",
        }
    }
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        Self::other(error)
    }
}

/// Opens a plain file to read and write, creating it with mode 0600 if it does not exist. A link in its place is
/// not followed, and a file that others could read before is made private: anyone who can open it could lock it for ever.
pub(crate) fn open_private(path: &Path) -> io::Result<fs::File> {
    open_for(path, 0o600)
}

/// The same for a file in a shared folder: the group may write to it, if the umask allows it.
pub(crate) fn open_shared(path: &Path) -> io::Result<fs::File> {
    open_for(path, 0o660)
}

fn open_for(path: &Path, mode: u32) -> io::Result<fs::File> {
    refuse_foreign(path)?;
    let mut options = plain();
    let file = match options.create(true).truncate(false).write(true).mode(mode).open(path) {
        Err(_) if is_link(path) => return Err(FileError::NotPlain { path: path.to_owned() }.into()),
        file => file?,
    };
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(FileError::NotPlain { path: path.to_owned() }.into());
    }
    // Who may only read it could still lock it.
    let kept = if found.mode() & mode & 0o020 == 0 { 0o600 } else { 0o660 };
    if found.mode() & 0o777 & !kept != 0 {
        // Where that fails it is another's file, or a file system without modes, and is locked all the same.
        let _ = file.set_permissions(std::fs::Permissions::from_mode(kept));
    }
    Ok(file)
}

/// Opens what is there to be read, without following a link. Without `O_NONBLOCK` a FIFO would be waited for.
fn plain() -> fs::OpenOptions {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut options = fs::OpenOptions::new();
    options.read(true).custom_flags(flags);
    options
}

/// Opens an existing plain file to read and write; `None` if it does not exist or is a link.
pub(crate) fn open_plain(path: &Path) -> io::Result<Option<fs::File>> {
    match plain().write(true).open(path) {
        Err(error) if is_absent(&error) || is_link(path) => Ok(None),
        file => {
            let file = file?;
            Ok(file.metadata()?.is_file().then_some(file))
        }
    }
}

/// Whether a name is a symbolic link.
fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

/// The bytes of a plain file, at most `limit`; `None` if it does not exist.
pub(crate) fn read_plain(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match plain().open(path) {
        Err(error) if is_absent(&error) || is_link(path) => return Ok(None),
        file => file?,
    };
    if file.metadata()?.is_file() { read_bounded(file, limit) } else { Ok(None) }
}

/// All bytes that come, of which there are at most `limit`; `None` if there are more.
pub(crate) fn read_bounded(from: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// Gives a temporary file, on the disk with all its bytes, its name, which is on the disk too afterwards.
pub(crate) fn place(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder_of(path))
}

/// What was asked of a name; `None` if there is nothing of this name.
pub(crate) fn if_exists<T>(asked: io::Result<T>) -> io::Result<Option<T>> {
    match asked {
        Err(error) if is_absent(&error) => Ok(None),
        got => got.map(Some),
    }
}

/// Removes a file, if there is one.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    if_exists(fs::remove_file(path)).map(drop)
}

/// Whether an error says that there is nothing of this name.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Refuses what another user put where everybody may put things, such as below /tmp: its owner could exchange what is
/// written, or read it. What the superuser made is trusted.
pub(crate) fn refuse_foreign(path: &Path) -> io::Result<()> {
    let Some(owner) = if_exists(fs::symlink_metadata(path))?.map(|found| found.uid()) else { return Ok(()) };
    if owner == 0 || owner == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let anybody_writes = fs::metadata(folder_of(path))?.mode() & 0o002 != 0;
    if anybody_writes { Err(FileError::Foreign { path: path.to_owned(), owner }.into()) } else { Ok(()) }
}

/// The folder that a name is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether both names lead to the same file, whatever they are.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let place = |path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    matches!((place(one), place(other)), (Ok(one), Ok(other)) if one == other)
}

/// Locks a file, for as long as it is open. Where that takes longer than a second, `waiting` is called once.
pub(crate) fn lock(file: &fs::File, waiting: impl FnOnce()) -> io::Result<()> {
    for _ in 0..TRIES {
        match file.file().try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(SILENT / TRIES),
            Err(TryLockError::Error(error)) => return Err(no_lock(file.path(), error)),
        }
    }
    waiting();
    file.file().lock().map_err(|error| no_lock(file.path(), error))
}

/// What it means that a file cannot be locked.
pub(crate) fn no_lock(path: &Path, error: io::Error) -> io::Error {
    let lacking = [Errno::NOLCK, Errno::NOSYS, Errno::OPNOTSUPP, Errno::INVAL].map(Errno::raw_os_error);
    if error.raw_os_error().is_some_and(|code| lacking.contains(&code)) {
        return FileError::NoLocks { path: path.to_owned(), cause: error }.into();
    }
    io::Error::new(error.kind(), format!("failed to lock `{}`: {error}", path.display()))
}
