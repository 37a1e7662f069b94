//! One output file: written with an explicit mode whatever the umask, and hashed while it is written.

use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::manifest::OutputFile;
use crate::digest::{COPIED, ParallelWriter, Sha256};
use crate::files::FileError;
use crate::guest::Mode;

/// Where a file's bytes are written to.
pub(super) type Sink = ParallelWriter<BufWriter<fs::File>>;

/// Writes a new file of about `size` bytes, and says what is in it.
pub(super) fn write_file(
    path: &Path,
    mode: Mode,
    size: u64,
    fill: impl FnOnce(Sink) -> Result<Sink>,
) -> Result<OutputFile> {
    let sink = fill(ParallelWriter::new(BufWriter::with_capacity(COPIED, create(path, mode, size)?)))?;
    let (buffer, sha256, size): (_, Sha256, u64) = sink.finish();
    buffer.into_inner().map_err(std::io::IntoInnerError::into_error).context("writing")?;
    Ok(OutputFile { size, sha256 })
}

/// Makes a file that was not there, which is to hold about `size` bytes.
pub(super) fn create(path: &Path, mode: Mode, size: u64) -> Result<fs::File> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = fs::OpenOptions::new().create_new(true).write(true).mode(mode.bits()).open(path)?;
    // The umask took what it wanted when the file was made.
    file.set_permissions(std::fs::Permissions::from_mode(mode.bits()))?;
    if mode == Mode::PRIVATE && file.metadata()?.permissions().mode() & 0o077 != 0 {
        return Err(FileError::NoModes { path: path.to_owned() }.into());
    }
    if size > COPIED as u64 {
        make_room(&file, size)?;
    }
    Ok(file)
}

/// Takes the room from the file system at once: that is faster than piece by piece, and a disk that is full says so before
/// anything is written. A file system that cannot do it makes room as it goes.
fn make_room(file: &fs::File, size: u64) -> Result<()> {
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, size) {
        Err(full @ (Errno::NOSPC | Errno::DQUOT)) => {
            let context = || format!("allocating {size} bytes in {}", file.path().display());
            Err(std::io::Error::from(full)).with_context(context)
        }
        _ => Ok(()),
    }
}
