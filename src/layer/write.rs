//! Writes a tree as a reproducible tar stream: no dependence on time, place or user.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::index::{IndexEntry, IndexKind, LayerIndex};
use super::tree::{Content, EntryKind, LayerEntry, Tree};
use crate::digest::{HashingWriter, Sha256};
use crate::guest::GuestPath;

/// Why a layer cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The spool could not be read.
    #[error("cannot read the content of `{path}` from the spool")]
    Spool {
        /// The guest path.
        path: GuestPath,
        /// What happened.
        #[source]
        error: io::Error,
    },
    /// The spool holds other bytes than the tree says.
    #[error("the spooled content of `{path}` was modified: expected {expected}, got {got}")]
    Changed {
        /// The guest path.
        path: GuestPath,
        /// The digest of what was put in.
        expected: Sha256,
        /// The digest of what came out.
        got: Sha256,
    },
    /// A tar header cannot express the entry.
    #[error("cannot describe `{path}` in a tar header")]
    Header {
        /// The guest path.
        path: GuestPath,
        /// What happened.
        #[source]
        error: io::Error,
    },
    /// The layer could not be written.
    #[error("cannot write the layer")]
    Write(#[source] io::Error),
}

/// Writes `tree` to `out` as a tar stream without its end, sorted, owned by root, all of it last changed at
/// `epoch` (seconds since 1970), and says what is in it.
pub fn write_layer(
    tree: &Tree,
    spool: &mut (impl Read + Seek),
    epoch: u64,
    out: &mut impl Write,
) -> Result<LayerIndex, LayerError> {
    let mut index = LayerIndex::default();
    for (path, entry) in tree.entries() {
        let header =
            header(path, entry, epoch).map_err(|error| LayerError::Header { path: path.clone(), error })?;
        out.write_all(&header).map_err(LayerError::Write)?;
        let kind = match &entry.kind {
            EntryKind::Directory => IndexKind::Directory,
            EntryKind::Symlink(target) => IndexKind::Symlink { target: target.clone() },
            EntryKind::File(content) => write_content(path, content, spool, out)?,
        };
        index.entries.push(IndexEntry { path: path.clone(), mode: entry.mode, kind });
    }
    Ok(index)
}

/// The header blocks of an entry: GNU format, with long names in entries of their own before it (GNU tar manual,
/// "Basic Tar Format"), which all readers that matter here understand.
fn header(path: &GuestPath, entry: &LayerEntry, epoch: u64) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(entry.mode.bits());
    header.set_uid(0);
    header.set_gid(0);
    header.set_username("root")?;
    header.set_groupname("root")?;
    header.set_mtime(epoch);
    header.set_size(0);
    // Only the blocks are taken from the builder, so that the end it writes when it goes never arrives anywhere.
    let mut builder = tar::Builder::new(Vec::new());
    match &entry.kind {
        EntryKind::Directory => {
            header.set_entry_type(tar::EntryType::Directory);
            builder.append_data(&mut header, format!("{}/", path.relative()), io::empty())?;
        }
        EntryKind::Symlink(target) => {
            header.set_entry_type(tar::EntryType::Symlink);
            builder.append_link(&mut header, path.relative(), target)?;
        }
        EntryKind::File(content) => {
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(content.size());
            builder.append_data(&mut header, path.relative(), io::empty())?;
        }
    }
    Ok(std::mem::take(builder.get_mut()))
}

/// Writes a content and the zeros that fill its last block.
fn write_content(
    path: &GuestPath,
    content: &Content,
    spool: &mut (impl Read + Seek),
    out: &mut impl Write,
) -> Result<IndexKind, LayerError> {
    let (size, sha256) = match content {
        Content::Bytes(bytes) => {
            out.write_all(bytes).map_err(LayerError::Write)?;
            (bytes.len() as u64, Sha256::of(bytes))
        }
        Content::Spooled { offset, size, sha256 } => {
            let unreadable = |error| LayerError::Spool { path: path.clone(), error };
            spool.seek(SeekFrom::Start(*offset)).map_err(unreadable)?;
            let got = copy(spool.take(*size), out, unreadable)?;
            if got != *sha256 {
                return Err(LayerError::Changed { path: path.clone(), expected: *sha256, got });
            }
            (*size, got)
        }
    };
    let filled = size.next_multiple_of(BLOCK) - size;
    io::copy(&mut io::repeat(0).take(filled), out).map_err(LayerError::Write)?;
    Ok(IndexKind::File { size, sha256 })
}

/// The size of a tar block (POSIX.1-2024, pax, "ustar Interchange Format").
const BLOCK: u64 = 512;

/// Copies all of `from`, and says what it was. A spool that ends early shows in the digest.
fn copy(
    mut from: impl Read,
    out: &mut impl Write,
    unreadable: impl Fn(io::Error) -> LayerError,
) -> Result<Sha256, LayerError> {
    let mut hashing = HashingWriter::new(out);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hashing.write_all(&buffer[..count]).map_err(LayerError::Write)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    let (_, sha256, _) = hashing.finish();
    Ok(sha256)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::guest::Mode;

    fn path(text: &str) -> GuestPath {
        text.parse().unwrap()
    }

    fn spooled(offset: u64, content: &[u8]) -> Content {
        Content::Spooled { offset, size: content.len() as u64, sha256: Sha256::of(content) }
    }

    /// A spool of `xxxdata` and a tree that has the `data` of it.
    fn sample() -> (Tree, Cursor<Vec<u8>>) {
        let mut tree = Tree::default();
        tree.insert(path("/b"), LayerEntry::file(Mode::EXECUTABLE, spooled(3, b"data"))).unwrap();
        tree.insert(path("/a"), LayerEntry::directory(Mode::EXECUTABLE)).unwrap();
        tree.insert(path("/a/link"), LayerEntry::symlink("../b")).unwrap();
        tree.insert(path("/a/c"), LayerEntry::file(Mode::PRIVATE, Content::Bytes([1; 512].into()))).unwrap();
        (tree, Cursor::new(b"xxxdata".to_vec()))
    }

    #[test]
    fn a_layer_is_sorted_whole_blocks_without_an_end() {
        let (tree, mut spool) = sample();
        let mut out = Vec::new();
        let index = write_layer(&tree, &mut spool, 42, &mut out).unwrap();
        assert_eq!(out.len(), 512 * (1 + 2 + 1 + 2), "four headers and two contents");
        let mut archive = tar::Archive::new(&out[..]);
        for (entry, listed) in archive.entries().unwrap().zip(&index.entries) {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(entry.path().unwrap().to_str().unwrap().trim_end_matches('/'), listed.path.relative());
            assert_eq!(header.mode().unwrap(), listed.mode.bits());
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!((header.username(), header.groupname()), (Ok(Some("root")), Ok(Some("root"))));
            assert_eq!(header.mtime().unwrap(), 42);
        }
        let paths: Vec<_> = index.entries.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(paths, ["/a", "/a/c", "/a/link", "/b"]);
        assert_eq!(index.entries[3].kind, IndexKind::File { size: 4, sha256: Sha256::of("data") });
    }

    #[test]
    fn a_spool_that_changed_is_noticed() {
        for other in [b"xxxdatA".to_vec(), b"xxxda".to_vec(), Vec::new()] {
            let (tree, _) = sample();
            let error = write_layer(&tree, &mut Cursor::new(other), 0, &mut io::sink());
            assert!(
                matches!(&error, Err(LayerError::Changed { path, .. }) if path.as_str() == "/b"),
                "{error:?}"
            );
        }
    }
}
