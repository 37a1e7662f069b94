//! Rock Ridge: what a directory record says beyond ISO 9660, as system use entries (SUSP 4, RRIP 4.1).

use super::record::{Extent, RecordKind, both_u32};
use super::time::Timestamp;
use crate::guest::Mode;

/// `S_IFREG` and `S_IFDIR` of POSIX file modes (RRIP 4.1.1).
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// The names by which RRIP 1.10 refers to itself, as genisoimage and xorriso still write them; 1.12 has others
/// and a longer `PX` entry.
const IDENTIFIER: &[u8] = b"RRIP_1991A";
const DESCRIPTION: &[u8] =
    b"THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS";
const SOURCE: &[u8] =
    b"PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN \
    PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION.";

/// One entry: signature, length, version 1, data (SUSP 4.1).
fn entry(signature: [u8; 2], data: &[&[u8]]) -> Vec<u8> {
    let length = 4 + data.iter().map(|part| part.len()).sum::<usize>();
    let mut bytes = signature.to_vec();
    bytes.extend([u8::try_from(length).expect("every entry here is short"), 1]);
    bytes.extend(data.concat());
    bytes
}

/// That the volume uses the protocol: first in the root's own record, skipping nothing (SUSP 5.3).
pub(super) fn sharing_protocol() -> Vec<u8> {
    entry(*b"SP", &[&[0xBE, 0xEF, 0]])
}

/// That the entries of this record go on at the start of `area` (SUSP 5.1).
pub(super) fn continuation(area: Extent) -> Vec<u8> {
    entry(*b"CE", &[&both_u32(area.sector), &both_u32(0), &both_u32(area.bytes)])
}

/// That the entries are those of Rock Ridge (SUSP 5.5).
pub(super) fn extensions_reference() -> Vec<u8> {
    let lengths =
        [IDENTIFIER, DESCRIPTION, SOURCE].map(|part| u8::try_from(part.len()).expect("fixed and short"));
    entry(*b"ER", &[&lengths, &[1], IDENTIFIER, DESCRIPTION, SOURCE])
}

/// Type, permissions and owner, which is root (RRIP 4.1.1, without the file serial number that 1.12 added).
pub(super) fn attributes(kind: RecordKind, mode: Mode) -> Vec<u8> {
    let (file_type, links) = match kind {
        RecordKind::File => (REGULAR, 1),
        RecordKind::Directory => (DIRECTORY, 2),
    };
    entry(*b"PX", &[&both_u32(file_type | mode.bits()), &both_u32(links), &both_u32(0), &both_u32(0)])
}

/// The name, in one piece (RRIP 4.1.4).
pub(super) fn name(name: &str) -> Vec<u8> {
    entry(*b"NM", &[&[0], name.as_bytes()])
}

/// When the file was modified, accessed and had its attributes changed (RRIP 4.1.6, flags 1 to 3).
pub(super) fn times(time: Timestamp) -> Vec<u8> {
    let stamp = time.in_record();
    entry(*b"TF", &[&[0b1110], &stamp, &stamp, &stamp])
}
