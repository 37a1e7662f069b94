//! Archives for the tests of this room, hostile ones too: headers are written as told, with no help from tar-rs.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// A tar archive in the making.
pub(super) struct Fixture(Vec<u8>);

impl Fixture {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// A regular file of mode 0644.
    pub(crate) fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(b'0', name, "", content)
    }

    /// A program of mode 0755.
    pub(crate) fn program(self, name: &str, content: &[u8]) -> Self {
        self.with_mode(0o755, name, content)
    }

    /// A regular file of any mode.
    pub(crate) fn with_mode(self, mode: u32, name: &str, content: &[u8]) -> Self {
        self.raw(name.as_bytes(), content, |header| {
            header.set_entry_type(tar::EntryType::Regular);
            header.set_mode(mode);
        })
    }

    /// A directory.
    pub(crate) fn folder(self, name: &str) -> Self {
        self.entry(b'5', name, "", b"")
    }

    /// An entry of any type.
    pub(crate) fn entry(self, kind: u8, name: &str, link: &str, content: &[u8]) -> Self {
        self.raw(name.as_bytes(), content, |header| {
            header.set_entry_type(tar::EntryType::new(kind));
            header.set_link_name_literal(link).unwrap();
        })
    }

    /// An entry with the name as it is, and whatever `change` does to the header.
    pub(crate) fn raw(mut self, name: &[u8], content: &[u8], change: impl FnOnce(&mut tar::Header)) -> Self {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        change(&mut header);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// PAX records for the next entry.
    pub(crate) fn pax(self, records: &[(&str, &str)]) -> Self {
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_pax_extensions(records.iter().map(|(key, value)| (*key, value.as_bytes()))).unwrap();
        let blocks = std::mem::take(builder.get_mut());
        self.bytes(&blocks)
    }

    /// Bytes that are not an entry.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// The archive so far.
    pub(crate) fn plain(self) -> Vec<u8> {
        self.0
    }

    /// The archive with its end.
    pub(crate) fn tar(self) -> Vec<u8> {
        self.bytes(&[0; 1024]).0
    }

    /// The archive with its end, compressed.
    pub(crate) fn gz(self) -> Vec<u8> {
        self.bytes(&[0; 1024]).gz_without_end()
    }

    /// The archive without its end, compressed.
    pub(crate) fn gz_without_end(self) -> Vec<u8> {
        gz(&self.0)
    }
}

/// One gzip member.
pub(super) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The content of all gzip members.
pub(super) fn plain(gz: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(gz).read_to_end(&mut plain).unwrap();
    plain
}
