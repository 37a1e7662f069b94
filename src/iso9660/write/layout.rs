//! The layout of an image, and everything that is written before its files.

use std::collections::BTreeSet;

use super::ImageFile;
use super::descriptor::{Roots, TreeKind, noted, path_tables, terminator, ucs2};
use super::record::{Extent, PARENT, RecordKind, SELF, directory, record};
use super::rock_ridge as rr;
use super::time::Timestamp;
use crate::guest::Mode;
use crate::iso9660::name::{Identifier, check_name, identifiers, joliet_order};
use crate::iso9660::{MAX_FILES, SECTOR, SeedError, sectors};

/// The system area, which is not ours (ECMA-119 6.2.1).
const SYSTEM_AREA: usize = 16 * SECTOR;
/// The path tables, after three descriptors: two of the primary tree, two of the Joliet tree.
const PRIMARY_PATH_TABLES: u32 = 19;
const JOLIET_PATH_TABLES: u32 = 21;
/// The primary root. The rest of its own record's entries follow, then the Joliet root, then the files.
const PRIMARY_ROOT: u32 = 23;

/// What a directory says of one file.
struct Placed<'a> {
    name: &'a str,
    identifier: Identifier,
    mode: Mode,
    extent: Extent,
}

/// Where everything lies.
pub(super) struct ImageLayout<'a> {
    files: Vec<Placed<'a>>,
    time: Timestamp,
    primary_root: Extent,
    joliet_root: Extent,
    sectors: u32,
}

impl<'a> ImageLayout<'a> {
    pub(super) fn new(files: &[ImageFile<'a>], time: Timestamp) -> Result<Self, SeedError> {
        let mut layout = Self {
            files: placeless(files)?,
            time,
            primary_root: Extent::default(),
            joliet_root: Extent::default(),
            sectors: 0,
        };
        // A directory's size depends on its names only, so it is known before any place is.
        layout.primary_root = root_at(PRIMARY_ROOT, &layout.primary_directory());
        layout.joliet_root = root_at(layout.continuation() + 1, &layout.joliet_directory());
        let mut next = u64::from(after(layout.joliet_root));
        for file in &mut layout.files {
            file.extent.sector = sector_number(next)?;
            next += content_sectors(u64::from(file.extent.bytes));
        }
        layout.sectors = sector_number(next)?;
        Ok(layout)
    }

    /// Where the entries of the root's own record go on, which has no room for all. libarchive wants that to
    /// be behind the directory.
    fn continuation(&self) -> u32 {
        after(self.primary_root)
    }

    /// All that comes before the files, on a volume called `label` that says `application` to those who know it.
    pub(super) fn metadata(&self, label: &str, application: &[u8]) -> Result<Vec<u8>, SeedError> {
        let primary = Roots { path_tables: PRIMARY_PATH_TABLES, root: self.primary_root };
        let joliet = Roots { path_tables: JOLIET_PATH_TABLES, root: self.joliet_root };
        let mut bytes = vec![0; SYSTEM_AREA];
        bytes.extend(noted(
            TreeKind::Primary.descriptor(label, self.sectors, &primary, self.time),
            application,
        )?);
        bytes.extend(TreeKind::Joliet.descriptor(label, self.sectors, &joliet, self.time));
        bytes.extend(terminator());
        bytes.extend(path_tables(primary.root.sector));
        bytes.extend(path_tables(joliet.root.sector));
        bytes.extend(self.primary_directory());
        bytes.extend(rr::extensions_reference());
        bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
        bytes.extend(self.joliet_directory());
        Ok(bytes)
    }

    /// The root with Rock Ridge; both of its own records say its attributes, the first also whose entries
    /// these are.
    fn primary_directory(&self) -> Vec<u8> {
        let more = rr::extensions_reference();
        let area =
            Extent { sector: self.continuation(), bytes: u32::try_from(more.len()).unwrap_or(u32::MAX) };
        let root = [rr::attributes(RecordKind::Directory, Mode::EXECUTABLE), rr::times(self.time)].concat();
        let own = [rr::sharing_protocol(), root.clone(), rr::continuation(area)].concat();
        let dots = [(SELF, own), (PARENT, root)].map(|(name, entries)| {
            record(RecordKind::Directory, self.primary_root, self.time, name, &entries)
        });
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by_key(|file| &file.identifier);
        let files = files.into_iter().map(|file| {
            let entries =
                [rr::attributes(RecordKind::File, file.mode), rr::times(self.time), rr::name(file.name)];
            record(RecordKind::File, file.extent, self.time, &file.identifier.to_bytes(), &entries.concat())
        });
        directory(dots.into_iter().chain(files))
    }

    /// The root with Joliet's names, which have no version number, as other writers leave it out too.
    fn joliet_directory(&self) -> Vec<u8> {
        let dots =
            [SELF, PARENT].map(|name| record(RecordKind::Directory, self.joliet_root, self.time, name, &[]));
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by_key(|file| joliet_order(file.name));
        let files = files
            .into_iter()
            .map(|file| record(RecordKind::File, file.extent, self.time, &ucs2(file.name), &[]));
        directory(dots.into_iter().chain(files))
    }
}

/// The files as directories will name them, with no place yet; refuses those that they cannot name.
fn placeless<'a>(files: &[ImageFile<'a>]) -> Result<Vec<Placed<'a>>, SeedError> {
    if files.len() > MAX_FILES {
        return Err(SeedError::TooManyFiles { count: files.len() });
    }
    let mut names = BTreeSet::new();
    for file in files {
        check_name(file.name)?;
        if !names.insert(file.name) {
            return Err(SeedError::Duplicate { name: file.name.to_owned() });
        }
    }
    let unused = identifiers(files.iter().map(|file| file.name));
    let place = |(file, identifier): (&ImageFile<'a>, Identifier)| {
        let too_large = |_| SeedError::FileTooLarge { name: file.name.to_owned(), size: file.size };
        let extent = Extent { sector: 0, bytes: u32::try_from(file.size).map_err(too_large)? };
        Ok(Placed { name: file.name, identifier, mode: file.mode, extent })
    };
    files.iter().zip(unused).map(place).collect()
}

/// The extent of a directory that begins at `sector`; the number of files keeps it small.
fn root_at(sector: u32, directory: &[u8]) -> Extent {
    Extent { sector, bytes: u32::try_from(directory.len()).expect("65536 records are some megabytes") }
}

/// The sector behind a directory.
fn after(directory: Extent) -> u32 {
    directory.sector + directory.bytes.div_ceil(2048)
}

/// Every file has a sector of its own, the empty ones too: some readers tell files apart by where they lie.
pub(super) fn content_sectors(bytes: u64) -> u64 {
    sectors(bytes).max(1)
}

fn sector_number(number: u64) -> Result<u32, SeedError> {
    u32::try_from(number).map_err(|_| SeedError::ImageTooLarge { sectors: number })
}
