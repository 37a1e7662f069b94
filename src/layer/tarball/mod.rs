//! Reads a gzipped tar stream entry by entry, within limits: the one place that believes no length an archive
//! states. Nothing is unpacked here; `tar::Archive::unpack` skips and rewrites what it should refuse.

mod error;
mod meter;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use tar::EntryType;

use super::name::MemberName;
pub use error::TarballError;
use meter::{Meter, Metered, Source};

/// How much one archive may hold, so that a hostile one ends in an error and not in a full memory or disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Members, selected or not.
    pub members: u64,
    /// Bytes of the whole stream when decompressed.
    pub bytes: u64,
    /// Bytes of all members' names and link targets together: they are what is kept in memory.
    pub names: u64,
}

impl Default for Limits {
    /// 200,000 members, 4 GiB, 32 MiB of names. The largest release that the default components use has some
    /// 15,000 members and 0.7 GB.
    fn default() -> Self {
        Self { members: 200_000, bytes: 4 << 30, names: 32 << 20 }
    }
}

/// The head of one member.
pub(super) struct Head {
    pub name: MemberName,
    pub kind: Kind,
    /// The mode as the archive states it, special bits and all.
    pub mode: u32,
    /// User and group ids.
    pub owner: (u64, u64),
}

/// What a member is.
pub(super) enum Kind {
    File,
    Directory,
    /// A symbolic link to this target, as the archive has it.
    Symlink(String),
    /// Another name for the member of this name.
    HardLink(MemberName),
    /// What neither a release nor an overlay has, in words.
    Other(&'static str),
}

/// The content of one member, read in its turn.
pub(super) struct Body<'a> {
    reader: &'a mut dyn Read,
    meter: &'a Meter,
    left: u64,
}

impl Body<'_> {
    /// Gives the bytes that are left to `each`, in pieces of at most 64 KiB.
    pub fn read<E: From<TarballError>>(
        &mut self,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut buffer = vec![0; usize::try_from(self.left).map_or(PIECE, |left| left.min(PIECE))];
        while self.left > 0 {
            let count = self.reader.read(&mut buffer).map_err(|error| self.meter.explain(error))?;
            if count == 0 {
                return Err(TarballError::CutShort.into());
            }
            self.left = self.left.saturating_sub(count as u64);
            each(&buffer[..count])?;
        }
        Ok(())
    }
}

/// How much of a content is in memory at a time.
const PIECE: usize = 64 * 1024;

/// What the headers of one member may take: 1 MiB, the limit that Go's archive/tar sets for long names and PAX
/// records (`maxSpecialFileSize`), and room for the headers themselves. tar-rs would read any length into memory.
const HEADERS: u64 = (1 << 20) + 16 * 512;

/// The size of a tar block (POSIX.1-2024, pax, "ustar Interchange Format").
const BLOCK: u64 = 512;

/// Reads the archive to its very end and gives each member to `each`, in the archive's order.
pub(super) fn read<E: From<TarballError>>(
    reader: impl Read,
    limits: &Limits,
    mut each: impl FnMut(Head, &mut Body<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let meter = Meter::new(limits.bytes);
    let decoder = MultiGzDecoder::new(Source::new(reader, &meter));
    let mut archive = tar::Archive::new(Metered::new(decoder, &meter));
    let mut entries = archive.entries().map_err(|error| meter.explain(error))?;
    let mut count = Count::new(limits);
    let mut end = 0;
    loop {
        meter.allow(HEADERS);
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(|error| meter.explain(error))?;
        meter.allow(u64::MAX);
        let head = head(&mut entry).map_err(|error| match error {
            HeadError::Damaged(error) => meter.explain(error),
            HeadError::Sparse(name) => TarballError::Sparse(name),
        })?;
        count.add(head.as_ref())?;
        let left = entry.size();
        if left > meter.left() {
            return Err(TarballError::Bytes(limits.bytes).into());
        }
        let mut body = Body { reader: &mut entry, meter: &meter, left };
        if let Some(head) = head {
            each(head, &mut body)?;
        }
        body.read(|_| Ok::<_, E>(()))?;
        end = meter.used().next_multiple_of(BLOCK);
    }
    meter.allow(u64::MAX);
    check_end(archive.into_inner(), end, &meter).map_err(E::from)
}

/// Counts what is held against the limits.
struct Count<'a> {
    limits: &'a Limits,
    members: u64,
    names: u64,
}

impl<'a> Count<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self { limits, members: 0, names: 0 }
    }

    fn add(&mut self, head: Option<&Head>) -> Result<(), TarballError> {
        self.members += 1;
        if self.members > self.limits.members {
            return Err(TarballError::Members(self.limits.members));
        }
        self.names += head.map_or(0, Head::names);
        if self.names > self.limits.names {
            return Err(TarballError::Names(self.limits.names));
        }
        Ok(())
    }
}

impl Head {
    /// The bytes of its names.
    fn names(&self) -> u64 {
        let link = match &self.kind {
            Kind::Symlink(target) => target.len(),
            Kind::HardLink(name) => name.text.len(),
            _ => 0,
        };
        (self.name.text.len() + link) as u64
    }
}

enum HeadError {
    Damaged(io::Error),
    Sparse(String),
}

impl From<io::Error> for HeadError {
    fn from(error: io::Error) -> Self {
        Self::Damaged(error)
    }
}

/// What the headers say of a member; `None` for a header that describes no file.
fn head<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Option<Head>, HeadError> {
    let kind = entry.header().entry_type();
    if kind == EntryType::XGlobalHeader {
        return Ok(None);
    }
    let name = MemberName::parse(&entry.path_bytes());
    if kind == EntryType::GNUSparse || has_sparse_records(entry)? {
        return Err(HeadError::Sparse(name.text));
    }
    let link = entry.link_name_bytes().unwrap_or_default();
    let kind = match kind {
        EntryType::Regular | EntryType::Continuous if name.is_folder => Kind::Directory,
        EntryType::Regular | EntryType::Continuous => Kind::File,
        EntryType::Directory => Kind::Directory,
        EntryType::Link => Kind::HardLink(MemberName::parse(&link)),
        EntryType::Symlink => match String::from_utf8(link.into_owned()) {
            Ok(target) => Kind::Symlink(target),
            Err(_) => Kind::Other("a symbolic link whose target is not UTF-8"),
        },
        EntryType::Char | EntryType::Block => Kind::Other("a device"),
        EntryType::Fifo => Kind::Other("a FIFO"),
        _ => Kind::Other("of a type that is no file"),
    };
    let header = entry.header();
    Ok(Some(Head { name, kind, mode: header.mode()?, owner: (header.uid()?, header.gid()?) }))
}

/// Whether PAX records mark a sparse file (GNU tar manual, "Storing Sparse Files"): its content is not what the
/// guest's file would be. A malformed record is an error, for tar-rs would go on with the header's size and name.
fn has_sparse_records<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<bool> {
    let kind = entry.header().entry_type();
    if kind == EntryType::XHeader {
        return Ok(false);
    }
    let Some(records) = entry.pax_extensions()? else { return Ok(false) };
    let mut sparse = false;
    for record in records {
        sparse |= record?.key_bytes().starts_with(b"GNU.sparse.");
    }
    Ok(sparse)
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
