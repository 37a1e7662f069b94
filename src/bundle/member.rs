//! The tar members of a bundle: header and padding round the bytes of a part.

use std::io;

use super::part::PROGRAM;

/// The size of a tar block (POSIX.1-2024, pax, "ustar Interchange Format").
const BLOCK: u64 = 512;

/// The blocks that end an archive: two empty ones (the same section).
pub(super) const END: [u8; 1024] = [0; 1024];

/// The header blocks of a part. Nothing but its path and size decides them.
pub fn header(path: &str, size: u64) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(if path == PROGRAM { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_username("root")?;
    header.set_groupname("root")?;
    header.set_mtime(0);
    header.set_size(size);
    // Only the blocks are taken from the builder, so that the end it writes when it goes never arrives anywhere.
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_data(&mut header, path, io::empty())?;
    Ok(std::mem::take(builder.get_mut()))
}

/// The size that the header block of a bundle's first member declares, if it is one.
pub(super) fn declared_size(block: &[u8; 512], path: &str) -> Option<u64> {
    let size = tar::Header::from_byte_slice(block).entry_size().ok()?;
    (header(path, size).ok()? == block).then_some(size)
}

/// How many zeros follow so many bytes, up to the next block.
pub fn padding(size: u64) -> u64 {
    (BLOCK - size % BLOCK) % BLOCK
}
