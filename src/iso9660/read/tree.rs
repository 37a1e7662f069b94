//! Reads the files that a root directory names, one tree at a time (ECMA-119 9.1).

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::extensions::Extensions;
use super::source::{ImageBytes, ImageSource};
use super::volume::Root;
use crate::guest::Mode;
use crate::iso9660::name::check_name;
use crate::iso9660::{MAX_FILES, SECTOR, SeedError};

/// `S_IFMT` and `S_IFREG` of POSIX file modes (RRIP 4.1.1).
const FILE_TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

/// What a directory calls itself and its parent, first of all (ECMA-119 6.8.2.2).
const OWN_RECORDS: [&[u8]; 2] = [&[0], &[1]];

/// Where a file lies, in bytes from the beginning of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileExtent {
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// The files of a tree by name, each with what the tree says of it.
pub(super) type TreeFiles<T> = BTreeMap<String, T>;

/// One directory record.
struct Record<'a> {
    span: ImageBytes<'a>,
    identifier: ImageBytes<'a>,
    system_use: ImageBytes<'a>,
}

impl<'a> Record<'a> {
    /// The record `at` bytes into a sector.
    fn at(sector: ImageBytes<'a>, at: usize) -> Result<Self, SeedError> {
        let span = sector.part(at..at + usize::from(sector.byte(at)?))?;
        let end = 33 + usize::from(span.byte(32)?);
        let identifier = span.part(33..end)?;
        // ECMA-119 9.1.12: an identifier of even length is followed by one byte of padding.
        let system_use = span.rest(end.next_multiple_of(2))?;
        Ok(Self { span, identifier, system_use })
    }

    fn sector(&self) -> Result<u32, SeedError> {
        self.span.both_u32(2)
    }

    fn bytes(&self) -> Result<u32, SeedError> {
        self.span.both_u32(10)
    }

    /// Where a plain file lies: one in one piece, with no attributes before it (ECMA-119 9.1.2 to 9.1.8).
    fn place(&self) -> Result<FileExtent, SeedError> {
        if self.span.byte(1)? != 0 || self.span.array(25)? != [0; 3] {
            return Err(self.span.fault(25, "an entry is not a plain file in one piece"));
        }
        Ok(FileExtent { offset: u64::from(self.sector()?) * SECTOR as u64, size: u64::from(self.bytes()?) })
    }
}

/// Calls `each` with every record of the directory at `root`; the first two are its own and its parent's.
fn for_each_record<R: Read + Seek>(
    source: &mut ImageSource<'_, R>,
    root: Root,
    mut each: impl FnMut(&mut ImageSource<'_, R>, usize, &Record<'_>) -> Result<(), SeedError>,
) -> Result<(), SeedError> {
    let mut count = 0;
    let mut buffer = [0; SECTOR];
    for number in root.sector..root.sector.saturating_add(root.bytes.div_ceil(2048)) {
        let sector = source.sector(number, &mut buffer)?;
        let mut at = 0;
        while at < SECTOR && sector.byte(at)? != 0 {
            let record = Record::at(sector, at)?;
            if let Some(name) = OWN_RECORDS.get(count) {
                check_own_record(&record, name, root)?;
            }
            if count == MAX_FILES + 2 {
                return Err(record.span.fault(0, "there are more files than imgbuild writes into an image"));
            }
            each(source, count, &record)?;
            count += 1;
            at += record.span.bytes.len();
        }
        if at == 0 {
            return Err(sector.fault(0, "a sector of a directory is empty"));
        }
    }
    if count < OWN_RECORDS.len() {
        let offset = u64::from(root.sector) * SECTOR as u64;
        return Err(SeedError::Malformed {
            offset,
            fault: "a directory is missing its entry for itself or its parent",
        });
    }
    Ok(())
}

/// A root directory is its own parent (ECMA-119 6.8.2.2).
fn check_own_record(record: &Record<'_>, name: &[u8], root: Root) -> Result<(), SeedError> {
    if record.identifier.bytes != name || record.sector()? != root.sector {
        return Err(record.span.fault(0, "a directory does not begin with itself and its parent"));
    }
    Ok(())
}

/// The files of the primary tree as Rock Ridge names them.
pub(super) fn rock_ridge<R: Read + Seek>(
    source: &mut ImageSource<'_, R>,
    root: Root,
) -> Result<TreeFiles<(FileExtent, Mode)>, SeedError> {
    let mut files = TreeFiles::new();
    let mut skip = 0;
    for_each_record(source, root, |source, number, record| {
        let area = record.system_use;
        if number == 0 {
            let own = Extensions::read(area, source)?;
            skip = own
                .skip
                .filter(|_| own.is_rock_ridge)
                .ok_or_else(|| area.fault(0, "the Rock Ridge entries are missing"))?;
        } else if number > 1 {
            let area = area.rest(usize::from(skip))?;
            let extensions = Extensions::read(area, source)?;
            let mode = file_mode(&extensions)
                .ok_or_else(|| area.fault(0, "the permissions of a file are not plain"))?;
            let name = String::from_utf8_lossy(&extensions.name).into_owned();
            insert(&mut files, name, (record.place()?, mode))?;
        }
        Ok(())
    })?;
    Ok(files)
}

/// The files of the Joliet tree.
pub(super) fn joliet<R: Read + Seek>(
    source: &mut ImageSource<'_, R>,
    root: Root,
) -> Result<TreeFiles<FileExtent>, SeedError> {
    let mut files = TreeFiles::new();
    for_each_record(source, root, |_, number, record| {
        if number > 1 {
            let units = record.identifier.bytes.chunks(2).map(|unit| match unit {
                [high, low] => u16::from_be_bytes([*high, *low]),
                // Half a character is not valid, and `check_name` refuses it.
                _ => 0,
            });
            let name = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
            insert(&mut files, name, record.place()?)?;
        }
        Ok(())
    })?;
    Ok(files)
}

fn insert<T>(files: &mut TreeFiles<T>, name: String, what: T) -> Result<(), SeedError> {
    check_name(&name)?;
    if files.contains_key(&name) {
        return Err(SeedError::Duplicate { name });
    }
    files.insert(name, what);
    Ok(())
}

/// The permissions of a regular file that has no others than those a [`Mode`] holds.
fn file_mode(extensions: &Extensions) -> Option<Mode> {
    let mode = extensions.mode.filter(|mode| mode & FILE_TYPE == REGULAR)?;
    format!("{:04o}", mode & !FILE_TYPE).parse().ok()
}
