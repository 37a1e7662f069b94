//! Volume descriptors and path tables as an image has them (ECMA-119 8 and 9.4).

use super::record::{Extent, RecordKind, SELF, both_u16, both_u32, record};
use super::time::{NO_TIME, Timestamp};
use crate::iso9660::{APPLICATION_USE, SECTOR, SeedError};

/// The program that wrote the image (a-characters, ECMA-119 8.4.22).
const APPLICATION: &str = "IMGBUILD";

/// Bytes of a path table with the root alone.
const PATH_TABLE_BYTES: u32 = 10;

/// One of the two trees of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TreeKind {
    /// The primary one, with Rock Ridge.
    Primary,
    /// The supplementary one, in UCS-2.
    Joliet,
}

/// Where a tree's path tables (least significant byte first, then most significant) and its root begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roots {
    pub(super) path_tables: u32,
    pub(super) root: Extent,
}

/// UCS-2, most significant byte first (Joliet, "Wide character byte ordering"); all text here is ASCII.
pub(super) fn ucs2(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

impl TreeKind {
    /// Type of the descriptor (ECMA-119 8.1.1).
    fn descriptor_type(self) -> u8 {
        match self {
            Self::Primary => 1,
            Self::Joliet => 2,
        }
    }

    /// `text` in the characters of this tree, padded with spaces (ECMA-119 7.4.5).
    fn text(self, text: &str, bytes: usize) -> Vec<u8> {
        let (mut field, space) = match self {
            Self::Primary => (text.as_bytes().to_vec(), &b" "[..]),
            Self::Joliet => (ucs2(text), &b"\0 "[..]),
        };
        while field.len() + space.len() <= bytes {
            field.extend(space);
        }
        // Some fields of odd length have no room for a last whole character.
        field.resize(bytes, 0);
        field
    }

    /// The descriptor of this tree on a volume of `sectors` (ECMA-119 8.4, 8.5).
    pub(super) fn descriptor(self, label: &str, sectors: u32, roots: &Roots, time: Timestamp) -> Vec<u8> {
        let mut bytes = vec![self.descriptor_type()];
        bytes.extend(b"CD001\x01\0");
        bytes.extend(self.text("", 32));
        bytes.extend(self.text(label, 32));
        bytes.extend([0; 8]);
        bytes.extend(both_u32(sectors));
        // Escape sequences: UCS-2 level 3 (Joliet, "SVD escape sequences field").
        bytes.extend(if self == Self::Joliet { *b"%/E" } else { [0; 3] });
        bytes.resize(120, 0);
        // The set's volumes, which of them this is, the bytes of a block.
        bytes.extend([both_u16(1), both_u16(1), both_u16(2048)].concat());
        bytes.extend(both_u32(PATH_TABLE_BYTES));
        bytes.extend(roots.path_tables.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend((roots.path_tables + 1).to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(record(RecordKind::Directory, roots.root, time, SELF, &[]));
        // Volume set, publisher, preparer; then the application; then copyright, abstract, bibliography.
        bytes.extend([128; 3].map(|length| self.text("", length)).concat());
        bytes.extend(self.text(APPLICATION, 128));
        bytes.extend([37; 3].map(|length| self.text("", length)).concat());
        // Created, modified, expires, effective; then the version of the structure.
        bytes.extend([time.in_descriptor(), time.in_descriptor(), NO_TIME, NO_TIME].concat());
        bytes.push(1);
        bytes.resize(SECTOR, 0);
        bytes
    }
}

/// A descriptor with a text for applications.
pub(super) fn noted(mut descriptor: Vec<u8>, application: &[u8]) -> Result<Vec<u8>, SeedError> {
    let Some(field) = descriptor[APPLICATION_USE].get_mut(..application.len()) else {
        return Err(SeedError::Application { bytes: application.len() });
    };
    field.copy_from_slice(application);
    Ok(descriptor)
}

/// The end of the descriptors (ECMA-119 8.3).
pub(super) fn terminator() -> Vec<u8> {
    let mut bytes = b"\xFFCD001\x01".to_vec();
    bytes.resize(SECTOR, 0);
    bytes
}

/// Both path tables of a tree whose only directory is the one at `root`, a sector each (ECMA-119 9.4, 6.9).
pub(super) fn path_tables(root: u32) -> Vec<u8> {
    let mut bytes = [&[1, 0][..], &root.to_le_bytes(), &1_u16.to_le_bytes(), SELF, &[0]].concat();
    bytes.resize(SECTOR, 0);
    bytes.extend([&[1, 0][..], &root.to_be_bytes(), &1_u16.to_be_bytes(), SELF, &[0]].concat());
    bytes.resize(2 * SECTOR, 0);
    bytes
}
