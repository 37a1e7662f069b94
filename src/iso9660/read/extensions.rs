//! Reads the system use entries of a directory record, Rock Ridge's among them (SUSP 4, RRIP 4.1).

use std::io::{Read, Seek};

use super::source::{ImageBytes, ImageSource};
use crate::iso9660::{SECTOR, SeedError};

/// How often the entries of one record may go on elsewhere: with more, they could go in circles.
const MAX_CONTINUATIONS: usize = 8;

/// The most bytes of a name; readers take no longer ones (Linux `NAME_MAX`).
const MAX_NAME_BYTES: usize = 255;

/// What the entries of one record say, as far as it matters here.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    /// Bytes before the entries of every other record, if this one says that there are entries (SUSP 5.3).
    pub(super) skip: Option<u8>,
    /// Whether these are the extensions of Rock Ridge (SUSP 5.5).
    pub(super) is_rock_ridge: bool,
    /// The type and permissions (RRIP 4.1.1).
    pub(super) mode: Option<u32>,
    /// The name (RRIP 4.1.4).
    pub(super) name: Vec<u8>,
}

/// A place where entries go on: sector, offset in it, bytes (SUSP 5.1).
type Continuation = (u32, usize, usize);

impl Extensions {
    /// Reads the entries in `area` and wherever they go on.
    pub(super) fn read(
        area: ImageBytes<'_>,
        source: &mut ImageSource<'_, impl Read + Seek>,
    ) -> Result<Self, SeedError> {
        let mut extensions = Self::default();
        let mut next = extensions.take(area)?;
        for _ in 0..MAX_CONTINUATIONS {
            let Some((sector, start, length)) = next else { return Ok(extensions) };
            let mut buffer = [0; SECTOR];
            let sector = source.sector(sector, &mut buffer)?;
            next = extensions.take(sector.part(start..start.saturating_add(length))?)?;
        }
        Err(area.fault(0, "a record has too many continuation entries"))
    }

    /// Takes in the entries of one area.
    fn take(&mut self, area: ImageBytes<'_>) -> Result<Option<Continuation>, SeedError> {
        let (mut at, mut next) = (0, None);
        // SUSP 4: fewer than four bytes at the end are not an entry; nor are the zeros of a filled-up area.
        while at + 4 <= area.bytes.len() && area.byte(at)? != 0 {
            let length = usize::from(area.byte(at + 2)?);
            if length < 4 {
                return Err(area.fault(at + 2, "a system use entry is shorter than its header"));
            }
            let entry = area.part(at..at + length)?;
            match &entry.array(0)? {
                b"ST" => break,
                b"CE" => next = Some(continuation(entry)?),
                b"SP" if entry.array(4)? == [0xBE, 0xEF] => self.skip = Some(entry.byte(6)?),
                b"ER" => self.is_rock_ridge |= refers_to_rock_ridge(entry)?,
                b"PX" => self.mode = Some(entry.both_u32(4)?),
                b"NM" => self.take_name(entry)?,
                _ => {}
            }
            at += length;
        }
        Ok(next)
    }

    /// Takes in a name or a part of one; flag 0 says that more follows, the others stand for `.` and the like.
    fn take_name(&mut self, entry: ImageBytes<'_>) -> Result<(), SeedError> {
        if entry.byte(4)? & !1 != 0 {
            return Err(entry.fault(4, "a name entry refers to something other than a name"));
        }
        self.name.extend(entry.rest(5)?.bytes);
        if self.name.len() > MAX_NAME_BYTES {
            return Err(entry.fault(5, "a name is longer than 255 bytes"));
        }
        Ok(())
    }
}

fn continuation(entry: ImageBytes<'_>) -> Result<Continuation, SeedError> {
    let small = |at| {
        let number = usize::try_from(entry.both_u32(at)?).unwrap_or(usize::MAX);
        if number > SECTOR {
            Err(entry.fault(at, "a continuation is larger than a sector"))
        } else {
            Ok(number)
        }
    };
    Ok((entry.both_u32(4)?, small(12)?, small(20)?))
}

/// The names of RRIP 1.10, of 1.12, and of the standard that it did not become.
fn refers_to_rock_ridge(entry: ImageBytes<'_>) -> Result<bool, SeedError> {
    let identifier = entry.part(8..8 + usize::from(entry.byte(4)?))?;
    Ok([&b"RRIP_1991A"[..], b"IEEE_P1282", b"IEEE_1282"].contains(&identifier.bytes))
}
