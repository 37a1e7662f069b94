//! One file of the outputs: its mode is its own, whatever the umask, and what is in it is known when it is written.

use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;

use super::manifest::OutputFile;
use crate::digest::{COPIED, ParallelWriter, Sha256};
use crate::layer::Mode;

/// Where a file's bytes are written to.
pub(super) type Sink = ParallelWriter<BufWriter<fs::File>>;

/// Writes a new file, and says what is in it.
pub(super) fn write_file(
    path: &Path,
    mode: Mode,
    fill: impl FnOnce(Sink) -> Result<Sink>,
) -> Result<OutputFile> {
    let sink = fill(ParallelWriter::new(BufWriter::with_capacity(COPIED, create(path, mode)?)))?;
    let (buffer, sha256, size): (_, Sha256, u64) = sink.finish();
    buffer.into_inner().map_err(std::io::IntoInnerError::into_error).context("writing")?;
    Ok(OutputFile { size, sha256 })
}

/// Makes a file that was not there.
pub(super) fn create(path: &Path, mode: Mode) -> Result<fs::File> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = fs::OpenOptions::new().create_new(true).write(true).mode(mode.bits()).open(path)?;
    // The umask took what it wanted when the file was made.
    file.set_permissions(std::fs::Permissions::from_mode(mode.bits()))?;
    Ok(file)
}
