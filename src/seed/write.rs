//! Writes an image front to back: where everything lies follows from the names and sizes alone.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use super::descriptor::{Roots, Tree, path_tables, terminator, ucs2};
use super::name::{Identifier, check_name, identifiers, joliet_order};
use super::record::{Extent, Kind, PARENT, SELF, directory, record};
use super::rock_ridge as rr;
use super::time::Timestamp;
use super::{ImageFile, MAX_FILES, SECTOR, SeedError, VolumeLabel, sectors};
use crate::layer::Mode;

/// The system area, which is not ours (ECMA-119 6.2.1).
const SYSTEM_AREA: usize = 16 * SECTOR;
/// The path tables, after three descriptors: two of the primary tree, two of the Joliet tree.
const PRIMARY_PATH_TABLES: u32 = 19;
const JOLIET_PATH_TABLES: u32 = 21;
/// The primary root. The rest of its own record's entries follow, then the Joliet root, then the files.
const PRIMARY_ROOT: u32 = 23;

/// Writes an image called `label` that holds `files` in its root folder, every time in it `epoch_seconds`
/// after 1970.
///
/// The content lies in the order of `files`. Returns the size of the image in bytes. On an error, `out` has
/// part of an image, which is of no use.
pub fn write_image(
    label: VolumeLabel,
    files: Vec<ImageFile<'_>>,
    epoch_seconds: u64,
    mut out: impl Write,
) -> Result<u64, SeedError> {
    let time = Timestamp::at(epoch_seconds)?;
    let layout = Layout::of(&files, time)?;
    out.write_all(&layout.metadata(label)).map_err(SeedError::Write)?;
    for file in files {
        write_content(file, &mut out)?;
    }
    out.flush().map_err(SeedError::Write)?;
    Ok(u64::from(layout.sectors) * SECTOR as u64)
}

/// What a directory says of one file.
struct Placed<'a> {
    name: &'a str,
    identifier: Identifier,
    mode: Mode,
    extent: Extent,
}

/// Where everything lies.
struct Layout<'a> {
    files: Vec<Placed<'a>>,
    time: Timestamp,
    primary_root: Extent,
    joliet_root: Extent,
    sectors: u32,
}

impl<'a> Layout<'a> {
    fn of(files: &[ImageFile<'a>], time: Timestamp) -> Result<Self, SeedError> {
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

    /// All that comes before the files.
    fn metadata(&self, label: VolumeLabel) -> Vec<u8> {
        let primary = Roots { path_tables: PRIMARY_PATH_TABLES, root: self.primary_root };
        let joliet = Roots { path_tables: JOLIET_PATH_TABLES, root: self.joliet_root };
        let mut bytes = vec![0; SYSTEM_AREA];
        bytes.extend(Tree::Primary.descriptor(label.as_str(), self.sectors, &primary, self.time));
        bytes.extend(Tree::Joliet.descriptor(label.as_str(), self.sectors, &joliet, self.time));
        bytes.extend(terminator());
        bytes.extend(path_tables(primary.root.sector));
        bytes.extend(path_tables(joliet.root.sector));
        bytes.extend(self.primary_directory());
        bytes.extend(rr::extensions_reference());
        bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
        bytes.extend(self.joliet_directory());
        bytes
    }

    /// The root with Rock Ridge; both of its own records say its attributes, the first also whose entries
    /// these are.
    fn primary_directory(&self) -> Vec<u8> {
        let more = rr::extensions_reference();
        let area =
            Extent { sector: self.continuation(), bytes: u32::try_from(more.len()).unwrap_or(u32::MAX) };
        let root = [rr::attributes(Kind::Directory, Mode::EXECUTABLE), rr::times(self.time)].concat();
        let own = [rr::sharing_protocol(), root.clone(), rr::continuation(area)].concat();
        let dots = [(SELF, own), (PARENT, root)]
            .map(|(name, entries)| record(Kind::Directory, self.primary_root, self.time, name, &entries));
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by_key(|file| &file.identifier);
        let files = files.into_iter().map(|file| {
            let entries = [rr::attributes(Kind::File, file.mode), rr::times(self.time), rr::name(file.name)];
            record(Kind::File, file.extent, self.time, &file.identifier.to_bytes(), &entries.concat())
        });
        directory(dots.into_iter().chain(files))
    }

    /// The root with Joliet's names, which have no version number, as other writers leave it out too.
    fn joliet_directory(&self) -> Vec<u8> {
        let dots = [SELF, PARENT].map(|name| record(Kind::Directory, self.joliet_root, self.time, name, &[]));
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by_key(|file| joliet_order(file.name));
        let files =
            files.into_iter().map(|file| record(Kind::File, file.extent, self.time, &ucs2(file.name), &[]));
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
    Extent { sector, bytes: u32::try_from(directory.len()).expect("4096 records are about a megabyte") }
}

/// The sector behind a directory.
fn after(directory: Extent) -> u32 {
    directory.sector + directory.bytes.div_ceil(2048)
}

/// Every file has a sector of its own, the empty ones too: some readers tell files apart by where they lie.
fn content_sectors(bytes: u64) -> u64 {
    sectors(bytes).max(1)
}

fn sector_number(number: u64) -> Result<u32, SeedError> {
    u32::try_from(number).map_err(|_| SeedError::ImageTooLarge { sectors: number })
}

/// Copies the bytes of `file`, exactly as many as declared, and fills its last sector.
fn write_content(mut file: ImageFile<'_>, out: &mut impl Write) -> Result<(), SeedError> {
    let (name, declared) = (file.name.to_owned(), file.size);
    let mut buffer = vec![0; 32 * SECTOR];
    let mut left = declared;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        match read_some(&mut file.content, &mut buffer[..most]) {
            Ok(0) => return Err(SeedError::TooShort { name, declared, got: declared - left }),
            Ok(got) => {
                out.write_all(&buffer[..got]).map_err(SeedError::Write)?;
                left -= got as u64;
            }
            Err(source) => return Err(SeedError::Content { name, source }),
        }
    }
    match read_some(&mut file.content, &mut buffer[..1]) {
        Ok(0) => {}
        Ok(_) => return Err(SeedError::TooLong { name, declared }),
        Err(source) => return Err(SeedError::Content { name, source }),
    }
    let padding = content_sectors(declared) * SECTOR as u64 - declared;
    io::copy(&mut io::repeat(0).take(padding), out).map_err(SeedError::Write)?;
    Ok(())
}

/// Reads, and again when a signal came between.
fn read_some(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::seed::read_image;

    fn write(files: Vec<ImageFile<'_>>) -> Result<Vec<u8>, SeedError> {
        let mut image = Vec::new();
        write_image(VolumeLabel::Imgbuild, files, 1_700_000_000, &mut image)?;
        Ok(image)
    }

    fn sized(name: &str, size: u64) -> ImageFile<'_> {
        ImageFile::from_reader(name, Mode::FILE, size, io::repeat(7).take(10))
    }

    #[test]
    fn what_an_image_cannot_hold_is_refused_before_anything_is_written() {
        let many: Vec<_> = (0..=MAX_FILES).map(|n| n.to_string()).collect();
        let refused = |files: Vec<ImageFile<'_>>| {
            let mut out = Vec::new();
            let error = write_image(VolumeLabel::Cidata, files, 0, &mut out).unwrap_err();
            assert!(out.is_empty(), "{error}");
            error
        };
        assert!(matches!(refused(vec![sized("a b", 10)]), SeedError::Name { .. }));
        assert!(matches!(refused(vec![sized("a", 10), sized("a", 10)]), SeedError::Duplicate { .. }));
        assert!(matches!(refused(vec![sized("a", 1 << 32)]), SeedError::FileTooLarge { .. }));
        let too_many = many.iter().map(|name| sized(name, 10)).collect();
        assert!(matches!(refused(too_many), SeedError::TooManyFiles { .. }));
        let too_large = many[..MAX_FILES].iter().map(|name| sized(name, u64::from(u32::MAX))).collect();
        assert!(matches!(refused(too_large), SeedError::ImageTooLarge { .. }));
        let late = write_image(VolumeLabel::Cidata, vec![sized("a", 10)], u64::MAX, io::sink());
        assert!(matches!(late, Err(SeedError::Time { .. })));
    }

    #[test]
    fn a_file_that_is_not_as_long_as_declared_is_refused() {
        assert!(matches!(
            write(vec![sized("a", 11)]),
            Err(SeedError::TooShort { declared: 11, got: 10, .. })
        ));
        assert!(matches!(write(vec![sized("a", 9)]), Err(SeedError::TooLong { declared: 9, .. })));
        assert!(matches!(write(vec![sized("a", 0)]), Err(SeedError::TooLong { declared: 0, .. })));
        assert!(write(vec![sized("a", 10)]).is_ok());
    }

    #[test]
    fn a_reader_that_fails_is_named_and_one_that_is_interrupted_goes_on() {
        struct Script(Vec<Result<u8, io::ErrorKind>>);
        impl Read for Script {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let Some(step) = self.0.pop() else { return Ok(0) };
                into[0] = step?;
                Ok(1)
            }
        }
        let file = |steps| ImageFile::from_reader("a", Mode::FILE, 1, Script(steps));
        let interrupted = Err(io::ErrorKind::Interrupted);
        assert!(write(vec![file(vec![interrupted, Ok(9), interrupted])]).is_ok());
        for steps in [vec![Err(io::ErrorKind::Other)], vec![Err(io::ErrorKind::Other), Ok(9)]] {
            assert!(matches!(write(vec![file(steps)]), Err(SeedError::Content { name, .. }) if name == "a"));
        }
    }

    #[test]
    fn directories_of_many_sectors_hold_all_their_files() {
        let names: Vec<_> = (0..MAX_FILES).map(|n| format!("{n}-{}.x", "y".repeat(50))).collect();
        let files =
            names.iter().map(|name| ImageFile::from_bytes(name, Mode::FILE, name.as_bytes())).collect();
        let image = write(files).unwrap();
        let listing = read_image(&mut Cursor::new(&image)).unwrap();
        assert_eq!(listing.label, "IMGBUILD");
        assert_eq!(listing.files.len(), MAX_FILES);
        for file in listing.files {
            let mut content = String::new();
            file.open(Cursor::new(&image)).unwrap().read_to_string(&mut content).unwrap();
            assert_eq!(content, file.name);
        }
    }

    #[test]
    fn the_same_input_gives_the_same_bytes_and_another_time_does_not() {
        let write = |seconds| {
            let mut image = Vec::new();
            write_image(VolumeLabel::Cidata, vec![sized("a", 10)], seconds, &mut image).unwrap();
            image
        };
        assert_eq!(write(0), write(0));
        assert_ne!(write(0), write(1));
    }
}
