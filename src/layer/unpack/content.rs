//! Recognises the type of a file by its first bytes (pure).

/// How many bytes are looked at: a tar header.
pub(super) const HEAD: usize = 512;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentType {
    /// Nothing.
    Empty,
    /// A tar archive.
    Tar,
    /// A zip archive.
    Zip,
    /// Something compressed.
    Compressed(Compression),
    /// A program for Linux, or a script.
    Program,
    /// Something that is known and not read, in words.
    Refused(&'static str),
    /// Something else.
    Unknown,
}

/// How something is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Xz,
    Zstd,
    Bzip2,
}

/// What begins how. The numbers are those of file(1)'s database.
const BEGINNINGS: &[(&[u8], ContentType)] = &[
    (b"\x1f\x8b", ContentType::Compressed(Compression::Gzip)),
    (b"\xfd7zXZ\0", ContentType::Compressed(Compression::Xz)),
    (b"\x28\xb5\x2f\xfd", ContentType::Compressed(Compression::Zstd)),
    (b"BZh", ContentType::Compressed(Compression::Bzip2)),
    (b"PK\x03\x04", ContentType::Zip),
    (b"PK\x05\x06", ContentType::Zip),
    (b"\x7fELF", ContentType::Program),
    (b"#!", ContentType::Program),
    (b"!<arch>\ndebian-binary", ContentType::Refused("a Debian package")),
    (b"!<arch>\n", ContentType::Refused("an ar archive")),
    (b"\xed\xab\xee\xdb", ContentType::Refused("an RPM package")),
    (b"7z\xbc\xaf\x27\x1c", ContentType::Refused("a 7z archive")),
    (b"Rar!\x1a\x07", ContentType::Refused("a RAR archive")),
    (b"MSCF", ContentType::Refused("a cabinet archive")),
    (b"xar!", ContentType::Refused("a package for macOS")),
    (b"070701", ContentType::Refused("a cpio archive")),
    (b"070702", ContentType::Refused("a cpio archive")),
    (b"070707", ContentType::Refused("a cpio archive")),
    (b"hsqs", ContentType::Refused("a squashfs image")),
    (b"LZIP", ContentType::Refused("compressed with lzip")),
    (b"\x04\x22\x4d\x18", ContentType::Refused("compressed with LZ4")),
    (b"\x89LZO\0", ContentType::Refused("compressed with LZO")),
    (b"\x5d\0\0", ContentType::Refused("compressed with LZMA alone")),
    (b"\x1f\x9d", ContentType::Refused("compressed with compress (.Z)")),
    (b"MZ", ContentType::Refused("a program for Windows")),
    (b"\xcf\xfa\xed\xfe", ContentType::Refused("a program for macOS")),
    (b"\xce\xfa\xed\xfe", ContentType::Refused("a program for macOS")),
    (b"\xca\xfe\xba\xbe", ContentType::Refused("a program for macOS")),
    (b"-----BEGIN PGP", ContentType::Refused("a signature")),
    (b"%PDF-", ContentType::Refused("a PDF document")),
    (b"<!DOCTYPE", ContentType::Refused("a web page")),
    (b"<!doctype", ContentType::Refused("a web page")),
    (b"<html", ContentType::Refused("a web page")),
];

impl ContentType {
    /// What a file is that begins with `head`: all of it, or its first [`HEAD`] bytes.
    pub(super) fn detect(head: &[u8]) -> Self {
        if head.is_empty() {
            return Self::Empty;
        }
        // Before all else: the first member's name can be anything.
        if is_tar(head) {
            return Self::Tar;
        }
        // Frames that are to be skipped (RFC 8878, section 3.1.2) may come first.
        if head.len() >= 4 && (0x50..=0x5f).contains(&head[0]) && head[1..4] == *b"\x2a\x4d\x18" {
            return Self::Compressed(Compression::Zstd);
        }
        let known = BEGINNINGS.iter().find(|(magic, _)| head.starts_with(magic));
        known.map_or(Self::Unknown, |(_, content)| *content)
    }
}

/// Where a header has its checksum (POSIX.1-2024, pax, "ustar Interchange Format").
const CHECKSUM: std::ops::Range<usize> = 148..156;
/// Where a header says that it is one.
const MAGIC: std::ops::Range<usize> = 257..262;

/// Whether a tar header is here, or the end of an archive without members.
fn is_tar(head: &[u8]) -> bool {
    if head.len() < HEAD {
        return false;
    }
    head[MAGIC] == *b"ustar" || head.iter().all(|byte| *byte == 0) || has_checksum(head)
}

fn has_checksum(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&head[CHECKSUM]);
    let stated = u32::from_str_radix(text.trim_matches([' ', '\0']), 8);
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    // The checksum's own bytes count as spaces.
    let spaces = 8 * u32::from(b' ');
    stated == Ok(sum(&head[..CHECKSUM.start]) + spaces + sum(&head[CHECKSUM.end..HEAD]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_shows_in_its_bytes() {
        let mut old = tar::Header::new_old();
        old.set_path("a").unwrap();
        old.set_size(0);
        old.set_cksum();
        let mut wrong = tar::Header::new_gnu();
        wrong.set_path("a").unwrap();
        let mut named = tar::Header::new_old();
        named.set_path("#!odd").unwrap();
        named.set_cksum();
        let plain = [b'x'; 600];
        for (head, content) in [
            (&b""[..], ContentType::Empty),
            (old.as_bytes(), ContentType::Tar),
            (wrong.as_bytes(), ContentType::Tar),
            (named.as_bytes(), ContentType::Tar),
            (&[0; 512], ContentType::Tar),
            (&[0; 511], ContentType::Unknown),
            (&plain, ContentType::Unknown),
            (b"x", ContentType::Unknown),
            (b"\x1f\x8b", ContentType::Compressed(Compression::Gzip)),
            (b"\x5a\x2a\x4d\x18\x04\0\0\0", ContentType::Compressed(Compression::Zstd)),
            (b"#!/bin/sh\n", ContentType::Program),
            (b"!<arch>\ndebian-binary   ", ContentType::Refused("a Debian package")),
            (b"!<arch>\nother.o/", ContentType::Refused("an ar archive")),
        ] {
            assert_eq!(ContentType::detect(head), content, "{head:?}");
        }
    }
}
