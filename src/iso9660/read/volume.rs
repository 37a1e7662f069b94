//! Reads the descriptors of an image: its label, its size, and the roots of its two trees (ECMA-119 6.7, 8).

use std::io::{Read, Seek};

use super::source::{ImageBytes, ImageSource};
use crate::iso9660::APPLICATION_USE;
use crate::iso9660::{SECTOR, SeedError};

/// The first descriptor's sector (ECMA-119 6.7.1) and the most that are looked at; images have three to five.
const FIRST_DESCRIPTOR: u32 = 16;
const MAX_DESCRIPTORS: u32 = 32;

/// What the descriptors say.
pub(super) struct Volume {
    pub(super) label: String,
    /// What it says to applications, without the zeros at its end.
    pub(super) application: Vec<u8>,
    /// Bytes of the whole image.
    pub(super) size: u64,
    pub(super) primary: Root,
    pub(super) joliet: Root,
}

/// A root directory's place; its end is within the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) sector: u32,
    pub(super) bytes: u32,
}

/// One of the two descriptors.
struct Descriptor {
    label: String,
    application: Vec<u8>,
    sectors: u32,
    root: Root,
}

impl Volume {
    pub(super) fn read(source: &mut ImageSource<'_, impl Read + Seek>) -> Result<Self, SeedError> {
        let (mut primary, mut joliet) = (None, None);
        let mut buffer = [0; SECTOR];
        for number in FIRST_DESCRIPTOR..FIRST_DESCRIPTOR + MAX_DESCRIPTORS {
            let sector = source.sector(number, &mut buffer)?;
            if sector.array(1)? != *b"CD001" {
                return Err(sector.fault(1, "the volume descriptor is missing"));
            }
            match sector.byte(0)? {
                1 if primary.is_none() => primary = Some(descriptor(sector, primary_label(sector)?, source)?),
                2 if joliet.is_none() && is_joliet(sector)? => {
                    joliet = Some(descriptor(sector, joliet_label(sector)?, source)?);
                }
                255 => return Self::from_descriptors(primary, joliet, source.length()),
                _ => {}
            }
        }
        Err(absent("the terminator of the volume descriptors is missing"))
    }

    /// The volume that these two describe, on an image of `length` bytes.
    fn from_descriptors(
        primary: Option<Descriptor>,
        joliet: Option<Descriptor>,
        length: u64,
    ) -> Result<Self, SeedError> {
        let primary = primary.ok_or_else(|| absent("the primary volume descriptor is missing"))?;
        let joliet = joliet.ok_or_else(|| absent("the Joliet volume descriptor is missing"))?;
        if (&joliet.label, joliet.sectors) != (&primary.label, primary.sectors) {
            return Err(absent("the two descriptors differ in label or size"));
        }
        let size = u64::from(primary.sectors) * SECTOR as u64;
        if size > length {
            return Err(SeedError::Truncated { declared: size, got: length });
        }
        let Descriptor { label, application, root, .. } = primary;
        Ok(Self { label, application, size, primary: root, joliet: joliet.root })
    }
}

/// A fault of the descriptors as a whole.
fn absent(fault: &'static str) -> SeedError {
    SeedError::Malformed { offset: u64::from(FIRST_DESCRIPTOR) * SECTOR as u64, fault }
}

/// One of UCS-2's three levels (Joliet, "SVD escape sequences field").
fn is_joliet(sector: ImageBytes<'_>) -> Result<bool, SeedError> {
    Ok([*b"%/@", *b"%/C", *b"%/E"].contains(&sector.array(88)?))
}

fn primary_label(sector: ImageBytes<'_>) -> Result<String, SeedError> {
    let text = sector.array::<32>(40)?;
    printable(sector, &text.map(u16::from))
}

fn joliet_label(sector: ImageBytes<'_>) -> Result<String, SeedError> {
    let text = sector.array::<32>(40)?;
    let units: Vec<_> = text.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]])).collect();
    printable(sector, &units)
}

/// A label of printable ASCII characters without the spaces at its end.
fn printable(sector: ImageBytes<'_>, units: &[u16]) -> Result<String, SeedError> {
    let character =
        |unit: &u16| char::from_u32(u32::from(*unit)).filter(|c| *c == ' ' || c.is_ascii_graphic());
    let label = units.iter().map(character).collect::<Option<String>>();
    let label = label.ok_or_else(|| sector.fault(40, "the label is not printable ASCII"))?;
    Ok(label.trim_end_matches(' ').to_owned())
}

/// Reads a descriptor, and compares its path tables with it (ECMA-119 8.4, 8.5).
fn descriptor(
    sector: ImageBytes<'_>,
    label: String,
    source: &mut ImageSource<'_, impl Read + Seek>,
) -> Result<Descriptor, SeedError> {
    if usize::from(sector.both_u16(128)?) != SECTOR {
        return Err(sector.fault(128, "expected a block size of 2048 bytes"));
    }
    let sectors = sector.both_u32(80)?;
    let root = Root { sector: sector.both_u32(158)?, bytes: sector.both_u32(166)? };
    if u64::from(root.sector) + crate::iso9660::sectors(u64::from(root.bytes)) > u64::from(sectors) {
        return Err(sector.fault(158, "the root directory lies outside the volume"));
    }
    if sector.both_u32(132)? != 10 {
        return Err(sector.fault(132, "the path table has more than the root directory"));
    }
    let tables = [u32::from_le_bytes(sector.array(140)?), u32::from_be_bytes(sector.array(148)?)];
    let places = [root.sector.to_le_bytes(), root.sector.to_be_bytes()];
    let parents = [1_u16.to_le_bytes(), 1_u16.to_be_bytes()];
    for ((table, place), parent) in tables.into_iter().zip(places).zip(parents) {
        let mut buffer = [0; SECTOR];
        let table = source.sector(table, &mut buffer)?;
        // ECMA-119 9.4: one byte of name, no extended attributes, the place, the parent, the name, padding.
        if table.part(0..10)?.bytes != [&[1, 0], &place[..], &parent, &[0, 0]].concat() {
            return Err(table.fault(0, "a path table does not point to the root directory"));
        }
    }
    let mut application = sector.part(APPLICATION_USE)?.bytes.to_vec();
    application.truncate(application.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    Ok(Descriptor { label, application, sectors, root })
}
