//! Reads a tar stream entry by entry, within limits: the one place that believes no length an archive states. Nothing is
//! unpacked here; `tar::Archive::unpack` skips and rewrites what it should refuse.

mod body;
mod error;
mod meter;
mod sparse;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use tar::EntryType;

use super::name::MemberName;
use super::unpack::{Gzip, Peeked};
pub(super) use body::MemberBody;
pub use error::TarballError;
pub(super) use meter::{Meter, Metered, MeteredSource};
use sparse::{Filled, SparseRecords};

/// How much one archive may hold, so that a hostile one ends in an error and not in a full memory or disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Members, selected or not.
    pub members: u64,
    /// Bytes of the whole stream when decompressed.
    pub bytes: u64,
    /// Bytes of all members' names and link targets together: they are what is kept in memory.
    pub names: u64,
}

impl Default for ArchiveLimits {
    /// 200,000 members, 4 GiB, 32 MiB of names. The largest release that the default components use has some
    /// 15,000 members and 0.7 GB.
    fn default() -> Self {
        Self { members: 200_000, bytes: 4 << 30, names: 32 << 20 }
    }
}

/// The head of one member.
pub(super) struct MemberHeader {
    pub name: MemberName,
    pub kind: MemberKind,
    /// The mode as the archive states it, special bits and all.
    pub mode: u32,
    /// User and group ids.
    pub owner: (u64, u64),
}

/// What a member is.
pub(super) enum MemberKind {
    File,
    /// All that there is: a release that is one file, and has no name.
    Alone,
    Directory,
    /// A symbolic link to this target, as the archive has it.
    Symlink(String),
    /// Another name for the member of this name.
    HardLink(MemberName),
    /// What neither a release nor an overlay has, in words.
    Other(&'static str),
}

/// How much of a content is in memory at a time.
const PIECE: usize = 64 * 1024;

/// What the headers of one member may take: 1 MiB, the limit that Go's archive/tar sets for long names and PAX
/// records (`maxSpecialFileSize`), and room for the headers themselves. tar-rs would read any length into memory.
const HEADERS: u64 = (1 << 20) + 16 * 512;

/// The size of a tar block (POSIX.1-2024, pax, "ustar Interchange Format").
const BLOCK: u64 = 512;

/// Reads a gzipped archive to its very end and gives each member to `each`, in the archive's order.
pub(super) fn read<E: From<TarballError>>(
    reader: impl Read,
    limits: &ArchiveLimits,
    each: impl FnMut(MemberHeader, &mut MemberBody<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let meter = Meter::new(limits.bytes);
    read_stream(Gzip::new(Peeked::new(MeteredSource::new(reader, &meter))), limits, &meter, each)
}

/// The same of an archive that is decompressed.
pub(super) fn read_stream<E: From<TarballError>>(
    stream: impl Read,
    limits: &ArchiveLimits,
    meter: &Meter,
    mut each: impl FnMut(MemberHeader, &mut MemberBody<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let explain = |error| meter.explain(error);
    let mut archive = tar::Archive::new(Metered::new(stream, meter));
    let mut entries = archive.entries().map_err(explain)?;
    let mut count = Count::new(limits);
    let mut end = 0;
    loop {
        meter.allow(HEADERS);
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(explain)?;
        meter.allow(u64::MAX);
        let (head, sparse) = head(&mut entry).map_err(explain)?.unzip();
        let stored = entry.size();
        let map = sparse.unwrap_or_default().map(&mut entry, stored).map_err(explain)?;
        let size = map.as_ref().map_or(stored, |map| map.size);
        count.add(head.as_ref().map_or(0, MemberHeader::names), size)?;
        let mut filled = map.map(|map| Filled::new(&mut entry, map));
        let mut body = match &mut filled {
            Some(filled) => MemberBody::with_size(filled, meter, size),
            None => MemberBody::with_size(&mut entry, meter, size),
        };
        if let Some(head) = head {
            each(head, &mut body)?;
        }
        body.read(|_| Ok::<_, E>(()))?;
        end = meter.used().next_multiple_of(BLOCK);
    }
    meter.allow(u64::MAX);
    check_end(archive.into_inner(), end, meter).map_err(E::from)
}

/// Counts what is held against the limits.
pub(super) struct Count<'a> {
    limits: &'a ArchiveLimits,
    members: u64,
    names: u64,
    bytes: u64,
}

impl<'a> Count<'a> {
    pub(super) fn new(limits: &'a ArchiveLimits) -> Self {
        Self { limits, members: 0, names: 0, bytes: 0 }
    }

    /// How many members there were.
    pub(super) fn members(&self) -> u64 {
        self.members
    }

    /// Counts a member whose names take so many bytes, and of so many bytes, holes among them: those that it states, before
    /// they are read.
    pub(super) fn add(&mut self, names: u64, size: u64) -> Result<(), TarballError> {
        self.members += 1;
        if self.members > self.limits.members {
            return Err(TarballError::Members(self.limits.members));
        }
        self.names += names;
        if self.names > self.limits.names {
            return Err(TarballError::Names(self.limits.names));
        }
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.limits.bytes {
            return Err(TarballError::Bytes(self.limits.bytes));
        }
        Ok(())
    }
}

impl MemberHeader {
    /// The bytes of its names.
    fn names(&self) -> u64 {
        let link = match &self.kind {
            MemberKind::Symlink(target) => target.len(),
            MemberKind::HardLink(name) => name.text.len(),
            _ => 0,
        };
        (self.name.text.len() + link) as u64
    }
}

/// What the headers say of a member; `None` for a header that describes no file. A malformed record is an error, for tar-rs
/// would go on with the header's size and name.
fn head<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<Option<(MemberHeader, SparseRecords)>> {
    let kind = entry.header().entry_type();
    if kind == EntryType::XGlobalHeader {
        return Ok(None);
    }
    let mut sparse = SparseRecords::default();
    if kind != EntryType::XHeader {
        for record in entry.pax_extensions()?.into_iter().flatten() {
            let record = record?;
            sparse.add(record.key_bytes(), record.value_bytes())?;
        }
    }
    let name = MemberName::parse(sparse.name.as_deref().unwrap_or(&entry.path_bytes()));
    let link = entry.link_name_bytes().unwrap_or_default();
    let kind = match kind {
        EntryType::Regular | EntryType::Continuous if name.is_folder => MemberKind::Directory,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => MemberKind::File,
        EntryType::Directory => MemberKind::Directory,
        EntryType::Link => MemberKind::HardLink(MemberName::parse(&link)),
        EntryType::Symlink => match String::from_utf8(link.into_owned()) {
            Ok(target) => MemberKind::Symlink(target),
            Err(_) => MemberKind::Other("a symbolic link whose target is not UTF-8"),
        },
        EntryType::Char | EntryType::Block => MemberKind::Other("a device"),
        EntryType::Fifo => MemberKind::Other("a FIFO"),
        _ => MemberKind::Other("of an unsupported type"),
    };
    let header = entry.header();
    let head = MemberHeader { name, kind, mode: header.mode()?, owner: (header.uid()?, header.gid()?) };
    Ok(Some((head, sparse)))
}

/// Reads on to the end of the file, so that the last checksum is checked too. What follows the members must be
/// the end-of-archive marker, and nothing but zeros: readers disagree about what comes after.
fn check_end(mut rest: impl Read, end: u64, meter: &Meter) -> Result<(), TarballError> {
    if meter.used() <= end {
        return Err(TarballError::NoEnd);
    }
    let mut buffer = vec![0; PIECE];
    loop {
        match rest.read(&mut buffer).map_err(|error| meter.explain(error))? {
            0 => return Ok(()),
            count if buffer[..count].iter().all(|byte| *byte == 0) => {}
            _ => return Err(TarballError::Trailing),
        }
    }
}
