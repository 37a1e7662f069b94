//! Members of a zip archive, by the directory at its end (PKWARE's APPNOTE.TXT, section 4.3). rawzip reads that directory entry
//! by entry: its length says nothing about the memory that it takes.

use std::io::{self, Read, Seek, SeekFrom, Write};

use flate2::read::DeflateDecoder;
use rawzip::{
    CompressionMethod, EntryMode, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ReaderAt, ZipArchive, ZipEntry,
};

use super::super::name::MemberName;
use super::super::tarball::{
    ArchiveLimits, Count, MemberBody, MemberHeader, MemberKind, Meter, Metered, TarballError,
};

/// The longest target of a symbolic link, whose content it is: what Linux takes (`PATH_MAX`).
const TARGET: u64 = 4095;

/// What an entry of the directory says.
struct Entry {
    head: MemberHeader,
    method: CompressionMethod,
    size: u64,
}

/// Copies the archive to `scratch` and gives each member to `each`, in the directory's order.
pub(super) fn read<E: From<TarballError>>(
    mut packed: impl Read,
    (limits, meter): (&ArchiveLimits, &Meter),
    scratch: &mut (impl Read + Write + Seek),
    mut each: impl FnMut(MemberHeader, &mut MemberBody<'_>) -> Result<(), E>,
) -> Result<(), E> {
    scratch.seek(SeekFrom::Start(0)).map_err(TarballError::Scratch)?;
    copy(&mut packed, scratch, meter)?;
    let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let archive = ZipArchive::from_seekable(scratch, &mut buffer).map_err(damaged)?;
    count(&archive, &mut buffer, limits)?;
    let mut entries = archive.entries(&mut buffer);
    while let Some(record) = entries.next_entry().map_err(damaged)? {
        let method = record.compression_method();
        let is_encrypted = record.flags().is_encrypted();
        let name = MemberName::parse(record.file_path().as_bytes());
        let kind = kind(record.mode(), record.is_dir(), is_encrypted, method);
        let head = MemberHeader { name, kind, mode: record.mode().value() & 0o7777, owner: (0, 0) };
        let mut entry = Entry { head, method, size: record.uncompressed_size_hint() };
        let place = archive.get_entry(record.wayfinder()).map_err(damaged)?;
        if matches!(entry.head.kind, MemberKind::Symlink(_)) {
            entry.head.kind = target(&place, &entry, meter)?;
        }
        let mut content = content(&place, entry.method);
        let mut metered = Metered::new(&mut content, meter);
        let mut body = MemberBody::with_size(&mut metered, meter, entry.size);
        each(entry.head, &mut body)?;
        body.check_end()?;
    }
    Ok(())
}

/// Counts what the directory lists, before anything of it is unpacked: one content may have many names.
fn count<R: ReaderAt>(
    archive: &ZipArchive<R>,
    buffer: &mut [u8],
    limits: &ArchiveLimits,
) -> Result<(), TarballError> {
    let mut count = Count::new(limits);
    let mut entries = archive.entries(buffer);
    while let Some(record) = entries.next_entry().map_err(damaged)? {
        let size = record.uncompressed_size_hint();
        let target = if record.mode().is_symlink() { size.min(TARGET) } else { 0 };
        count.add(record.file_path().len() as u64 + target, size)?;
    }
    // The number that the directory states has 16 bits, and writers that need more of them let it overflow.
    if count.members() & 0xffff == archive.entries_hint() & 0xffff {
        return Ok(());
    }
    Err(damaged(io::Error::other("its directory lists a different number of members than it declares")))
}

/// Copies what it can and says whose fault it is if it cannot.
fn copy(from: &mut impl Read, to: &mut impl Write, meter: &Meter) -> Result<(), TarballError> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut buffer).map_err(|error| meter.explain(error))?;
        if count == 0 {
            return to.flush().map_err(TarballError::Scratch);
        }
        to.write_all(&buffer[..count]).map_err(TarballError::Scratch)?;
    }
}

fn damaged(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TarballError {
    TarballError::Damaged(io::Error::other(error))
}

/// The kinds of `st_mode` (inode(7)); zip programs for Unix keep it.
fn kind(mode: EntryMode, is_folder: bool, is_encrypted: bool, method: CompressionMethod) -> MemberKind {
    match mode.value() & 0o170_000 {
        _ if is_folder => MemberKind::Directory,
        0o040_000 => MemberKind::Directory,
        0o020_000 | 0o060_000 => MemberKind::Other("a device"),
        0o010_000 => MemberKind::Other("a FIFO"),
        0o140_000 => MemberKind::Other("a socket"),
        _ if is_encrypted => MemberKind::Other("encrypted"),
        _ if !matches!(method, CompressionMethod::STORE | CompressionMethod::DEFLATE) => {
            MemberKind::Other("compressed in a way that is not supported (neither stored nor deflated)")
        }
        0o120_000 => MemberKind::Symlink(String::new()),
        _ => MemberKind::File,
    }
}

/// The content of a member, which fails at its end where size or checksum are others than the directory says.
fn content<'a, R: ReaderAt>(place: &ZipEntry<'a, R>, method: CompressionMethod) -> Box<dyn Read + 'a> {
    if method == CompressionMethod::DEFLATE {
        Box::new(place.verifying_reader(DeflateDecoder::new(place.reader())))
    } else {
        Box::new(place.verifying_reader(place.reader()))
    }
}

/// A symbolic link with its target.
fn target<R: ReaderAt>(
    place: &ZipEntry<'_, R>,
    entry: &Entry,
    meter: &Meter,
) -> Result<MemberKind, TarballError> {
    if entry.size > TARGET {
        return Ok(MemberKind::Other("a symbolic link with a target of more than 4095 bytes"));
    }
    let mut target = Vec::new();
    let mut content = content(place, entry.method);
    let mut metered = Metered::new(&mut content, meter);
    let mut body = MemberBody::with_size(&mut metered, meter, entry.size);
    body.read(|piece| {
        target.extend_from_slice(piece);
        Ok::<_, TarballError>(())
    })?;
    body.check_end()?;
    Ok(String::from_utf8(target)
        .map_or(MemberKind::Other("a symbolic link whose target is not UTF-8"), MemberKind::Symlink))
}
