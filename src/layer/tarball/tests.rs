//! Archives that are damaged, cut short, or larger than they look.

use std::io::{self, Read, Write};

use proptest::prelude::*;

use super::*;
use crate::layer::fixture::{Fixture, gz, plain};

/// Reads all, and gives each member's name and content.
fn read_all(reader: impl Read, limits: &ArchiveLimits) -> Result<Vec<(String, Vec<u8>)>, TarballError> {
    let mut members = Vec::new();
    read(reader, limits, |head, body| {
        let mut content = Vec::new();
        body.read(|piece| content.write_all(piece).map_err(TarballError::Read))?;
        members.push((head.name.text, content));
        Ok(())
    })?;
    Ok(members)
}

fn refusal(gz: &[u8], limits: &ArchiveLimits) -> TarballError {
    read_all(gz, limits).unwrap_err()
}

/// Gives bytes piece by piece and can fail: nothing may depend on what one `read` returns.
struct Trickle<R>(R);

impl<R: Read> Read for Trickle<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = buffer.len().min(7);
        self.0.read(&mut buffer[..end])
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}

fn sample() -> Vec<u8> {
    Fixture::new()
        .entry(b'g', "pax_global_header", "", b"52 comment=0123456789012345678901234567890123456789\n")
        .entry(b'L', "././@LongLink", "", b"gnu/long\0")
        .file("short", b"first")
        .pax(&[("path", "pax/long")])
        .file("short", &[7; 2000])
        .gz()
}

#[test]
fn long_names_of_both_kinds_and_global_headers_are_understood() {
    let expected = vec![("gnu/long".to_owned(), b"first".to_vec()), ("pax/long".to_owned(), vec![7; 2000])];
    assert_eq!(read_all(&sample()[..], &ArchiveLimits::default()).unwrap(), expected);
    assert_eq!(read_all(Trickle(&sample()[..]), &ArchiveLimits::default()).unwrap(), expected);
}

#[test]
fn an_archive_may_be_compressed_in_several_members() {
    let members: Vec<u8> = plain(&sample()).chunks(700).flat_map(gz).collect();
    assert_eq!(read_all(&members[..], &ArchiveLimits::default()).unwrap().len(), 2);
}

#[test]
fn an_archive_cut_anywhere_is_cut_short() {
    let whole = sample();
    for length in 0..whole.len() {
        let error = refusal(&whole[..length], &ArchiveLimits::default());
        assert!(matches!(error, TarballError::CutShort), "{length} of {}: {error:?}", whole.len());
    }
}

#[test]
fn a_tar_stream_cut_before_it_was_compressed_is_cut_short() {
    let plain = plain(&sample());
    let members_end = plain.len() - 1024;
    for length in 0..members_end {
        let error = refusal(&gz(&plain[..length]), &ArchiveLimits::default());
        assert!(matches!(error, TarballError::CutShort | TarballError::NoEnd), "{length}: {error:?}");
    }
    let error = refusal(&gz(&plain[..members_end]), &ArchiveLimits::default());
    assert!(matches!(error, TarballError::NoEnd), "{error:?}");
}

#[test]
fn what_is_no_gzipped_tar_is_damaged() {
    let mut wrong_checksum = sample();
    let last = wrong_checksum.len() - 5;
    wrong_checksum[last] ^= 1;
    for bytes in [
        b"<!DOCTYPE html><html>Not Found</html>".to_vec(),
        gz(&[b'x'; 2048]),
        [sample(), b"junk".repeat(10)].concat(),
        wrong_checksum,
        Fixture::new().entry(b'x', "PaxHeader", "", b"nonsense\n").file("a", b"").gz(),
    ] {
        let error = refusal(&bytes, &ArchiveLimits::default());
        assert!(matches!(error, TarballError::Damaged(_)), "{error:?}");
    }
}

#[test]
fn a_failure_to_read_is_no_damage() {
    let error = read_all(sample()[..60].chain(Broken), &ArchiveLimits::default()).unwrap_err();
    assert!(
        matches!(&error, TarballError::Read(cause) if cause.to_string() == "the disk is gone"),
        "{error:?}"
    );
}

#[test]
fn an_archive_ends_where_it_says() {
    let zeros = Fixture::new().file("a", b"").bytes(&[0; 9216]).gz();
    assert!(read_all(&zeros[..], &ArchiveLimits::default()).is_ok(), "tar fills its records with zeros");
    let second = Fixture::new().file("a", b"").bytes(&[0; 1024]).file("b", b"").gz();
    let error = refusal(&second, &ArchiveLimits::default());
    assert!(matches!(error, TarballError::Trailing), "{error:?}");
}

/// A file of the old GNU format: `ab`, a hole, `c`, a hole to the end.
fn sparse(real_size: u64) -> Fixture {
    let data = [&b"ab"[..], &[0; 510], b"c"].concat();
    Fixture::new().raw(b"holes", &data, |header| {
        header.set_entry_type(tar::EntryType::GNUSparse);
        header.set_size(513);
        let gnu = header.as_gnu_mut().unwrap();
        gnu.set_real_size(real_size);
        for (at, offset, length) in [(0, 0_u64, 512_u64), (1, 1024, 1), (2, real_size, 0)] {
            gnu.sparse[at].set_offset(offset);
            gnu.sparse[at].set_length(length);
        }
    })
}

#[test]
fn sparse_files_are_read_in_all_their_formats() {
    let gnu = [&b"ab"[..], &[0; 1022], b"c", &[0; 975]].concat();
    assert_eq!(
        read_all(&sparse(2000).gz()[..], &ArchiveLimits::default()).unwrap(),
        [("holes".to_owned(), gnu)]
    );
    let map = [("GNU.sparse.size", "9"), ("GNU.sparse.name", "holes"), ("GNU.sparse.map", "0,2,4,1")];
    let pax_0_1 = Fixture::new().pax(&map).file("GNUSparseFile.0/holes", b"abc");
    let version = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0")];
    let version = [&version[..], &[("GNU.sparse.name", "holes"), ("GNU.sparse.realsize", "9")]].concat();
    let data = [&b"2\n0\n2\n4\n1\n"[..], &[0; 502], b"abc"].concat();
    let pax_1_0 = Fixture::new().pax(&version).file("GNUSparseFile.0/holes", &data);
    for archive in [pax_0_1, pax_1_0] {
        let members = read_all(&archive.file("next", b"n").gz()[..], &ArchiveLimits::default()).unwrap();
        assert_eq!(
            members,
            [("holes".to_owned(), b"ab\0\0c\0\0\0\0".to_vec()), ("next".to_owned(), b"n".to_vec())]
        );
    }
}

#[test]
fn holes_count_against_the_limit() {
    let limits = ArchiveLimits { bytes: 1 << 20, ..ArchiveLimits::default() };
    assert!(read_all(&sparse(1 << 20).gz()[..], &limits).is_ok());
    assert!(matches!(refusal(&sparse((1 << 20) + 1).gz(), &limits), TarballError::Bytes(_)));
    let twice = Fixture::new().bytes(&sparse(600 << 10).plain()).bytes(&sparse(600 << 10).plain());
    assert!(matches!(refusal(&twice.gz(), &limits), TarballError::Bytes(_)));
    let map = [("GNU.sparse.size", "99999999999"), ("GNU.sparse.map", "0,1")];
    let huge = Fixture::new().pax(&map).file("huge", b"a");
    assert!(matches!(refusal(&huge.gz(), &limits), TarballError::Bytes(_)));
}

#[test]
fn zeros_may_follow_what_is_compressed() {
    let padded = [sample(), vec![0; 10_000]].concat();
    assert_eq!(read_all(Trickle(&padded[..]), &ArchiveLimits::default()).unwrap().len(), 2);
    let error = refusal(&[padded, vec![1]].concat(), &ArchiveLimits::default());
    assert!(matches!(error, TarballError::Damaged(_)), "{error:?}");
}

#[test]
fn limits_count_members_names_and_bytes() {
    let few = ArchiveLimits { members: 2, bytes: 1 << 20, names: 100 };
    let files = |count: usize| {
        let archive = Fixture::new();
        (0..count).fold(archive, |archive, at| archive.file(&at.to_string(), b"")).gz()
    };
    assert!(read_all(&files(2)[..], &few).is_ok());
    assert!(matches!(refusal(&files(3), &few), TarballError::Members(2)));

    let names = Fixture::new().file(&"n".repeat(60), b"").entry(b'2', "l", &"t".repeat(40), b"").gz();
    assert!(matches!(refusal(&names, &few), TarballError::Names(100)));

    let declared = Fixture::new().raw(b"a", b"", |header| header.set_size(u64::MAX / 2)).gz();
    assert!(matches!(refusal(&declared, &few), TarballError::Bytes(0x10_0000)));

    let exact = ArchiveLimits { bytes: 512 + 512 + 1024, ..few };
    let archive = Fixture::new().file("a", b"a");
    assert!(read_all(&archive.gz()[..], &exact).is_ok(), "the limit itself is allowed");
    let less = ArchiveLimits { bytes: exact.bytes - 1, ..few };
    assert!(matches!(refusal(&Fixture::new().file("a", b"a").gz(), &less), TarballError::Bytes(_)));
}

#[test]
fn bombs_end_at_the_limit() {
    let zeros = |count: usize| vec![0; count];
    let limits = ArchiveLimits { bytes: 8 << 20, ..ArchiveLimits::default() };
    let after_the_end = Fixture::new().bytes(&zeros(16 << 20)).gz();
    assert!(matches!(refusal(&after_the_end, &limits), TarballError::Bytes(_)));
    for kind in [b'L', b'K', b'x'] {
        let endless = Fixture::new().entry(kind, "long", "", &zeros(4 << 20)).file("a", b"").gz();
        assert!(matches!(refusal(&endless, &limits), TarballError::Headers(_)), "{}", char::from(kind));
    }
    let extended = Fixture::new().raw(b"sparse", &[], |header| {
        header.set_entry_type(tar::EntryType::GNUSparse);
        header.as_gnu_mut().unwrap().set_is_extended(true);
    });
    let block = [zeros(504), vec![1], zeros(7)].concat();
    let endless = (0..4096).fold(extended, |archive, _| archive.bytes(&block)).gz();
    assert!(matches!(refusal(&endless, &limits), TarballError::Headers(_)));
}

proptest! {
    #[test]
    fn altered_archives_are_read_or_refused(at in 0_usize..4096, byte: u8, length in 0_usize..4096) {
        let mut plain = plain(&sample());
        let at = at % plain.len();
        plain[at] = byte;
        plain.truncate(plain.len().saturating_sub(length / 512));
        // No panic and no endless loop: either answer will do.
        let _ = read_all(&gz(&plain)[..], &ArchiveLimits::default());
    }
}
