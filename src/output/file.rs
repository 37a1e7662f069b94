//! One file of the outputs: its mode is its own, whatever the umask, and what is in it is known when it is written.

use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;

use super::manifest::OutputFile;
use crate::digest::{HashingWriter, Sha256};
use crate::layer::Mode;

/// Where a file's bytes are written to.
pub(super) type Sink = HashingWriter<BufWriter<fs::File>>;

/// Writes a new file, and says what is in it.
pub(super) fn write_file(
    path: &Path,
    mode: Mode,
    fill: impl FnOnce(Sink) -> Result<Sink>,
) -> Result<OutputFile> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = fs::OpenOptions::new().create_new(true).write(true).mode(mode.bits()).open(path)?;
    let sink = fill(HashingWriter::new(BufWriter::with_capacity(256 * 1024, file)))?;
    let (buffer, sha256, size): (_, Sha256, u64) = sink.finish();
    let file = buffer.into_inner().map_err(std::io::IntoInnerError::into_error).context("writing")?;
    // The umask took what it wanted when the file was made.
    file.set_permissions(std::fs::Permissions::from_mode(mode.bits()))?;
    Ok(OutputFile { size, sha256 })
}
