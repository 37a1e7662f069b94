//! What a layer has below /usr as a system extension: a read-only image that systemd-sysext merges into the guest's /usr.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom, Write};

use backhand::compression::{CompressionOptions, Compressor, Gzip};
use backhand::{BackhandError, FilesystemCompressor, FilesystemWriter, NodeHeader};

use super::tree::{Content, EntryKind, Tree};
use crate::guest::{GuestPath, Mode};

/// What an extension says of itself.
#[derive(Clone, Copy, Debug)]
pub struct ExtensionHead<'a> {
    /// Its name, which is its file's without `.raw`.
    pub name: &'a str,
    /// The architecture of its programs, as systemd calls it.
    pub architecture: &'a str,
    /// The modification time of every file, in seconds since 1970.
    pub epoch: u64,
}

/// Why an extension cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ExtensionError {
    /// squashfs counts seconds with 32 bits.
    #[error("SOURCE_DATE_EPOCH is {0}, expected at most 4294967295 for a system extension")]
    Time(u64),
    /// The image cannot be written, or the spool not be read.
    #[error("cannot write the system extension")]
    Image(#[from] BackhandError),
}

/// Writes `tree` to `out` as a squashfs image (version 4, gzip), the same bytes for the same tree. All of it belongs to root.
///
/// The file that makes it an extension for any distribution is added (systemd-sysext(8), os-release(5)).
pub fn write_extension(
    tree: &Tree,
    spool: &mut (impl Read + Seek),
    head: &ExtensionHead<'_>,
    out: &mut (impl Write + Seek),
) -> Result<(), ExtensionError> {
    let time = u32::try_from(head.epoch).map_err(|_| ExtensionError::Time(head.epoch))?;
    let node = |mode: Mode| {
        // Nine bits, which a mode has no more of.
        NodeHeader::new((mode.bits() & 0o777) as u16, 0, 0, time)
    };
    let folder = node(Mode::EXECUTABLE);
    let spool = RefCell::new(spool);
    let mut image = FilesystemWriter::default();
    let gzip = Gzip { compression_level: LEVEL, window_size: 15, strategies: 0 };
    image.set_compressor(FilesystemCompressor::new(Compressor::Gzip, Some(CompressionOptions::Gzip(gzip)))?);
    image.set_time(time);
    image.set_only_root_id();
    image.set_root_mode(folder.permissions);
    let release = format!("usr/lib/extension-release.d/extension-release.{}", head.name);
    let text = format!("ID=_any\nARCHITECTURE={}\n", head.architecture);
    image.push_dir_all("usr/lib/extension-release.d", folder)?;
    image.push_file(io::Cursor::new(text), release, node(Mode::FILE))?;
    for (path, entry) in tree.entries() {
        let name = path.relative();
        if let Some(parent) = path.parent() {
            image.push_dir_all(parent.relative(), folder)?;
        }
        match &entry.kind {
            EntryKind::Directory => image.push_dir_all(name, folder)?,
            EntryKind::Symlink(target) => image.push_symlink(target, name, node(Mode::EXECUTABLE))?,
            EntryKind::File(Content::Bytes(bytes)) => {
                image.push_file(io::Cursor::new(bytes), name, node(entry.mode))?;
            }
            EntryKind::File(Content::Spooled { offset, size, .. }) => {
                image.push_file(
                    Section { spool: &spool, at: *offset, left: *size },
                    name,
                    node(entry.mode),
                )?;
            }
        }
    }
    image.write(out)?;
    Ok(())
}

/// How hard zlib tries: its own default, and all but what the best would win.
const LEVEL: u32 = 6;

/// The guest path of an extension.
pub fn extension_path(name: &str) -> GuestPath {
    format!("/var/lib/extensions/{name}.raw").parse().expect("a component's name is a part of a path")
}

/// A content in the spool, which others read in between.
struct Section<'s, 'm, S> {
    spool: &'s RefCell<&'m mut S>,
    at: u64,
    left: u64,
}

impl<S: Read + Seek> Read for Section<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut spool = self.spool.borrow_mut();
        spool.seek(SeekFrom::Start(self.at))?;
        let read = spool.by_ref().take(self.left).read(buffer)?;
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}
