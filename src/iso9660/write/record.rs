//! Directory records and directories as an image has them (ECMA-119 9.1, 6.8.1).

use super::time::Timestamp;
use crate::iso9660::SECTOR;

/// Bytes of a record before its identifier (ECMA-119 9.1).
const HEADER: usize = 33;

/// What `.` and the root itself are called (ECMA-119 7.6.2).
pub(super) const SELF: &[u8] = &[0];
/// What `..` is called (ECMA-119 7.6.2).
pub(super) const PARENT: &[u8] = &[1];

/// Where the bytes of a file or directory lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// The first sector.
    pub(super) sector: u32,
    /// The bytes, of which the last sector may be not full.
    pub(super) bytes: u32,
}

/// Whether a record describes a file or a directory (ECMA-119 9.1.6, bit 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordKind {
    File = 0,
    Directory = 2,
}

/// A 16-bit number in both byte orders (ECMA-119 7.2.3).
pub(super) fn both_u16(number: u16) -> [u8; 4] {
    let mut bytes = [0; 4];
    bytes[..2].copy_from_slice(&number.to_le_bytes());
    bytes[2..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// A 32-bit number in both byte orders (ECMA-119 7.3.3).
pub(super) fn both_u32(number: u32) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// One record: `identifier` as recorded, `system_use` what Rock Ridge says (ECMA-119 9.1).
pub(super) fn record(
    kind: RecordKind,
    extent: Extent,
    time: Timestamp,
    identifier: &[u8],
    system_use: &[u8],
) -> Vec<u8> {
    // 9.1.12 and 9.1.13: what follows the identifier, and the next record, begin at an even byte.
    let padding = usize::from(identifier.len().is_multiple_of(2));
    let length = (HEADER + identifier.len() + padding + system_use.len()).next_multiple_of(2);
    let one_byte = |number: usize| u8::try_from(number).expect("names are too short to fill a record");
    let mut bytes = Vec::with_capacity(length);
    bytes.extend([one_byte(length), 0]);
    bytes.extend(both_u32(extent.sector));
    bytes.extend(both_u32(extent.bytes));
    bytes.extend(time.in_record());
    // Flags; not interleaved; the first volume of its set.
    bytes.extend([kind as u8, 0, 0]);
    bytes.extend(both_u16(1));
    bytes.push(one_byte(identifier.len()));
    bytes.extend(identifier);
    bytes.resize(HEADER + identifier.len() + padding, 0);
    bytes.extend(system_use);
    bytes.resize(length, 0);
    bytes
}

/// A directory of these records, in whole sectors: none goes over the end of one (ECMA-119 6.8.1.1).
pub(super) fn directory(records: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        if bytes.len() % SECTOR + record.len() > SECTOR {
            bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
        }
        bytes.extend(record);
    }
    bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
    bytes
}
