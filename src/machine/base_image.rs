//! The cloud image that machines start from; they write to disks of their own over it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;
use serde::Deserialize;

use super::MachineError;
use super::arguments::disk;

const TOOL: &str = "qemu-img";
/// The least size of a machine's disk in bytes: cloud images leave their files little room. What is not written takes none.
const DISK: u64 = 20 << 30;

/// A cloud image. It is only read.
#[derive(Debug)]
pub(crate) struct BaseImage {
    path: PathBuf,
    format: String,
    size: u64,
}

/// What `qemu-img info` says.
#[derive(Deserialize)]
struct Info {
    format: String,
    #[serde(rename = "virtual-size")]
    virtual_size: u64,
}

impl BaseImage {
    /// Asks QEMU what kind of image this is.
    pub(crate) fn read(path: &Path) -> Result<Self, MachineError> {
        let path = fs::canonicalize(path).map_err(MachineError::io("reading the base image"))?;
        let said = tool(Path::new("/"), ["info".as_ref(), "--output=json".as_ref(), path.as_os_str()])?;
        let info: Info = serde_json::from_slice(&said)
            .map_err(|error| MachineError::Malformed { path: path.clone(), problem: error.to_string() })?;
        Ok(Self { path, format: info.format, size: info.virtual_size })
    }

    /// Makes a machine's disk in `room`.
    pub(super) fn disk(&self, room: &Path, number: usize) -> Result<(), MachineError> {
        let (disk, size) = (disk(number), self.size.max(DISK).to_string());
        let [create, quiet, format, qcow2, over, kind] =
            ["create", "-q", "-f", "qcow2", "-b", "-F"].map(OsStr::new);
        let arguments = [
            create,
            quiet,
            format,
            qcow2,
            over,
            self.path.as_os_str(),
            kind,
            self.format.as_ref(),
            disk.as_ref(),
            size.as_ref(),
        ];
        tool(room, arguments).map(drop)
    }
}

/// Runs qemu-img in a folder, and gives what it printed.
fn tool<'a>(folder: &Path, arguments: impl IntoIterator<Item = &'a OsStr>) -> Result<Vec<u8>, MachineError> {
    let done = Command::new(TOOL).args(arguments).current_dir(folder).stdin(Stdio::null()).output();
    let done = done.map_err(|error| MachineError::start(TOOL, error))?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(MachineError::Tool { program: TOOL, status: done.status, said })
}
