//! Releases of every kind, whole, cut and altered.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;
use crate::layer::fixture::{Fixture, gz};

/// What `tar --xz` makes of a program `top/tool`.
const XZ: &str = "/Td6WFoAAATm1rRGAgAhAQwAAACPmEGc4Af/AD5dADobymMsu4hfMltr2mVH/R1UeiPy5VA+Qcn/evFIgSqLfG1/XRcdc+74BylITfnGNH21\
                  uURqzxG8WRlRvmoAAAAArLec2bzn3/0AAVqAEAAAAEEYv4+xxGf7AgAAAAAEWVo=";

/// A member: name, what it is, mode, content.
type Row = (String, &'static str, u32, Vec<u8>);

fn read_all(release: &[u8], limits: &ArchiveLimits) -> Result<Vec<Row>, TarballError> {
    let mut members = Vec::new();
    read(release, limits, &mut Cursor::new(Vec::new()), |head, body| {
        let mut content = Vec::new();
        body.read(|piece| content.write_all(piece).map_err(TarballError::Read))?;
        let what = match head.kind {
            MemberKind::File => "file",
            MemberKind::Alone => "alone",
            MemberKind::Directory => "directory",
            MemberKind::Symlink(target) => {
                content = target.into();
                "link"
            }
            MemberKind::HardLink(_) => "hard link",
            MemberKind::Other(what) => what,
        };
        members.push((head.name.text, what, head.mode, content));
        Ok::<_, TarballError>(())
    })?;
    Ok(members)
}

fn tar() -> Vec<u8> {
    Fixture::new().program("top/tool", b"tool").tar()
}

fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn xz() -> Vec<u8> {
    BASE64_STANDARD.decode(XZ).unwrap()
}

/// A zip archive of these: name, mode with its type, content, which is deflated.
fn zip(members: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut bytes);
    for (name, mode, content) in members {
        if name.ends_with('/') {
            archive.new_dir(*name).unix_permissions(*mode).create().unwrap();
            continue;
        }
        let file = archive.new_file(*name).unix_permissions(*mode);
        let (mut entry, config) = file.compression_method(CompressionMethod::DEFLATE).start().unwrap();
        let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::fast()));
        writer.write_all(content).unwrap();
        let (encoder, descriptor) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    bytes
}

fn sample_zip() -> Vec<u8> {
    zip(&[
        ("top/", 0o40755, b""),
        ("top/tool", 0o100_755, b"tool"),
        ("top/words", 0o100_644, &[b'w'; 3000]),
        ("top/link", 0o120_777, b"tool"),
    ])
}

/// The kinds, each with one program that is called `top/tool`, or alone.
fn kinds() -> Vec<(&'static str, Vec<u8>)> {
    let elf = [b"\x7fELF".to_vec(), vec![7; 2000]].concat();
    vec![
        ("tar", tar()),
        ("tar.gz", gz(&tar())),
        ("tar.xz", xz()),
        ("tar.zst", zstd(&tar())),
        ("tar.bz2", bz2(&tar())),
        ("zip", sample_zip()),
        ("program", elf.clone()),
        ("script", b"#!/bin/sh\n".to_vec()),
        ("program.gz", gz(&elf)),
        ("program.zst", zstd(&elf)),
        ("program.bz2", bz2(&elf)),
    ]
}

#[test]
fn every_kind_is_known_by_its_content() {
    let tool = ("top/tool".to_owned(), "file", 0o755, b"tool".to_vec());
    for (kind, release) in kinds() {
        let members =
            read_all(&release, &ArchiveLimits::default()).unwrap_or_else(|error| panic!("{kind}: {error:?}"));
        match members.len() {
            4 => {
                let names: Vec<_> = members.iter().map(|(name, what, ..)| (name.as_str(), *what)).collect();
                let expected =
                    [("top", "directory"), ("top/tool", "file"), ("top/words", "file"), ("top/link", "link")];
                assert_eq!(names, expected);
                assert_eq!((members[1].2, members[2].2), (0o755, 0o644));
                assert_eq!((&members[1].3[..], &members[3].3[..]), (&b"tool"[..], &b"tool"[..]));
            }
            1 if kind.starts_with("tar") => assert_eq!(members[0], tool, "{kind}"),
            _ => assert_eq!((members[0].1, members[0].2), ("alone", 0o755), "{kind}"),
        }
    }
    let data = read_all(&gz(b"no program"), &ArchiveLimits::default()).unwrap();
    assert_eq!(data, [(String::new(), "alone", 0o644, b"no program".to_vec())]);
}

#[test]
fn several_frames_members_and_streams_are_one() {
    let tar = tar();
    let (first, second) = tar.split_at(700);
    let skipped = b"\x5a\x2a\x4d\x18\x03\0\0\0abc".to_vec();
    for release in [
        [gz(first), gz(second), vec![0; 100]].concat(),
        [skipped.clone(), zstd(first), skipped, zstd(second)].concat(),
        [bz2(first), bz2(second)].concat(),
    ] {
        assert_eq!(read_all(&release, &ArchiveLimits::default()).unwrap().len(), 1);
    }
}

#[test]
fn other_kinds_are_refused_by_name() {
    for (release, what) in [
        (&b"!<arch>\ndebian-binary   1 "[..], "it is a Debian package"),
        (b"\xed\xab\xee\xdb\x03\0", "it is an RPM package"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "it is a 7z archive"),
        (b"<!DOCTYPE html><p>", "it is a web page"),
        (b"MZ\x90\0", "it is a program for Windows"),
        (b"just text\n", "it is neither an archive nor a program"),
        (&gz(&gz(&tar())), "it is compressed twice"),
        (&gz(&sample_zip()), "it is compressed twice"),
        (b"", "the file is empty"),
    ] {
        let error = read_all(release, &ArchiveLimits::default()).unwrap_err();
        assert_eq!(error.to_string(), what);
    }
}

#[test]
fn a_cut_or_altered_release_is_never_whole() {
    for (kind, release) in kinds() {
        // A program has no end of its own, and nothing says what it was.
        if matches!(kind, "program" | "script") {
            continue;
        }
        let whole = read_all(&release, &ArchiveLimits::default()).unwrap();
        for length in (0..release.len()).step_by(19).chain([release.len() - 1]) {
            // The zeros that end a tar archive may be fewer.
            let got = read_all(&release[..length], &ArchiveLimits::default());
            assert!(
                got.is_err() || kind == "tar" && length > release.len() - 1024,
                "{kind} cut at {length}: {got:?}"
            );
        }
        for at in (0..release.len()).step_by(11) {
            let mut altered = release.clone();
            altered[at] ^= 0x10;
            // No panic; what is read in spite of it is what a header says of names, times and modes.
            if let Ok(members) = read_all(&altered, &ArchiveLimits::default())
                && matches!(kind, "program.gz" | "program.bz2" | "program.zst")
            {
                assert_eq!(members[0].3, whole[0].3, "{kind} altered at {at}");
            }
        }
    }
}

#[test]
fn a_zip_archive_is_read_by_its_directory_within_limits() {
    let limits = |bytes, members| ArchiveLimits { members, bytes, ..ArchiveLimits::default() };
    let bomb = zip(&[("top/zeros", 0o100_644, &vec![0; 4 << 20])]);
    assert!(bomb.len() < 64 << 10);
    assert!(matches!(read_all(&bomb, &limits(1 << 20, 9)), Err(TarballError::Bytes(_))));
    assert!(matches!(read_all(&sample_zip(), &limits(1 << 20, 3)), Err(TarballError::Members(3))));
    let devices = zip(&[("a", 0o020_644, b""), ("b", 0o010_644, b"")]);
    let kinds: Vec<_> =
        read_all(&devices, &ArchiveLimits::default()).unwrap().into_iter().map(|row| row.1).collect();
    assert_eq!(kinds, ["a device", "a FIFO"]);
    let mut lying = sample_zip();
    let end = lying.len() - 22;
    lying[end + 10] += 1;
    assert!(read_all(&lying, &ArchiveLimits::default()).is_err(), "fewer members than it says");
    let mut wrong = sample_zip();
    let content = wrong.windows(4).position(|bytes| bytes == b"PK\x07\x08").unwrap() - 3;
    wrong[content] ^= 1;
    assert!(matches!(
        read_all(&wrong, &ArchiveLimits::default()),
        Err(TarballError::Damaged(_) | TarballError::CutShort)
    ));
}

#[test]
fn a_dictionary_that_takes_too_much_memory_is_refused() {
    let mut greedy = xz();
    // Block header: size, flags, filter, length of its properties, dictionary of 4 GiB less one byte, padding, CRC32.
    greedy[16] = 40;
    let crc = crc32(&greedy[12..20]);
    greedy[20..24].copy_from_slice(&crc.to_le_bytes());
    let error = read_all(&greedy, &ArchiveLimits::default()).unwrap_err();
    assert!(matches!(error, TarballError::Memory), "{error:?}");
    // Frame header: no checksum, a window of 2^(10 + 28) bytes.
    let window = [&b"\x28\xb5\x2f\xfd\x00"[..], &[28 << 3], b"\x01\0\0"].concat();
    assert!(read_all(&window, &ArchiveLimits::default()).is_err());
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn altered_releases_are_read_or_refused(which in 0_usize..11, at: usize, byte: u8, length: usize) {
        let (_, mut release) = kinds().swap_remove(which);
        let at = at % release.len();
        release[at] = byte;
        release.truncate(release.len().saturating_sub(length % 64).max(1));
        let limits = ArchiveLimits { bytes: 1 << 20, ..ArchiveLimits::default() };
        // No panic and no endless loop: either answer will do.
        let _ = read_all(&release, &limits);
    }
}
