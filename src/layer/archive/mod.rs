//! Takes the files that a component needs out of an upstream archive. Names in the archive are matched, never
//! used as paths of this machine: nothing in an archive can write anywhere.

mod error;
mod link;
mod missing;
#[cfg(test)]
mod tests;
mod wanted;

use std::collections::BTreeMap;
use std::io::{Read, Seek, Write};

use super::name::MemberName;
use super::path::{GuestPath, Mode};
use super::tarball::{self, Body, Head, Kind, Limits};
use super::tree::{Content, Entry, EntryKind, TreeError, check_place};
use crate::digest::HashingWriter;
pub use error::ArchiveError;
use wanted::Wanted;

/// What to take of an archive.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// The folder that holds everything in the archive (`etcd-v3.6.4-linux-amd64`); empty when there is none.
    pub top: &'a str,
    /// What to take of that folder.
    pub selections: &'a [Selection],
}

/// One file of an archive, or one folder and all below it, and its place in the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The name below the top folder; a folder's name ends with a slash.
    pub from: String,
    /// Where the file or the folder goes.
    pub to: GuestPath,
    /// The mode of the file, or of every file in the folder; without it, a file that somebody may execute in the
    /// archive gets 0755 and any other 0644. Directories have 0755 always.
    pub mode: Option<Mode>,
}

/// One file that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name in the archive.
    pub name: String,
    /// Its place in the guest.
    pub path: GuestPath,
    /// What it is; the content of a file is in the spool.
    pub entry: Entry,
}

/// Reads a tar.gz archive to its end and takes what `layout` selects, sorted by guest path. Contents are written
/// to `spool` one after the other from where it stands, so that one spool can take several archives.
pub fn extract(
    reader: impl Read,
    layout: &Layout<'_>,
    limits: &Limits,
    spool: &mut (impl Write + Seek),
) -> Result<Vec<Member>, ArchiveError> {
    let offset = spool.stream_position().map_err(ArchiveError::Spool)?;
    let mut extraction = Extraction {
        wanted: layout.selections.iter().map(|selection| Wanted::new(layout.top, selection)).collect(),
        spool,
        offset,
        members: BTreeMap::new(),
        files: BTreeMap::new(),
        others: Vec::new(),
    };
    tarball::read(reader, limits, |head, body| extraction.take(head, body))?;
    extraction.spool.flush().map_err(ArchiveError::Spool)?;
    extraction.finish(layout.top)
}

/// The state of one extraction.
struct Extraction<'a, S> {
    wanted: Vec<Wanted<'a>>,
    spool: &'a mut S,
    /// Where in the spool the next content goes.
    offset: u64,
    members: BTreeMap<GuestPath, Member>,
    /// The files taken, by their names in the archive: what a hard link can mean.
    files: BTreeMap<String, (u32, Content)>,
    /// The names not taken: what a missing selection may have meant.
    others: Vec<String>,
}

impl<S: Write> Extraction<'_, S> {
    fn take(&mut self, head: Head, body: &mut Body<'_>) -> Result<(), ArchiveError> {
        let takers: Vec<_> =
            (0..self.wanted.len()).filter(|&at| self.wanted[at].covers(&head.name)).collect();
        if takers.is_empty() {
            if head.name.flaw.is_none() && !head.name.text.is_empty() {
                self.others.push(head.name.text);
            }
            return Ok(());
        }
        let name = head.name.text.clone();
        if let Some(flaw) = head.name.flaw {
            return Err(ArchiveError::Name { name, flaw });
        }
        let taken = self.read(head, body)?;
        for at in takers {
            let wanted = &mut self.wanted[at];
            wanted.found = true;
            let entry = wanted.entry(&name, &taken)?;
            let path = wanted.place(&name)?;
            self.add(Member { name: name.clone(), path, entry })?;
        }
        Ok(())
    }

    /// What a selected member is, its content put into the spool.
    fn read(&mut self, head: Head, body: &mut Body<'_>) -> Result<Taken, ArchiveError> {
        match head.kind {
            Kind::Directory => Ok(Taken::Directory),
            Kind::Symlink(target) => Ok(Taken::Symlink(target)),
            Kind::File => {
                let content = self.spool(body)?;
                self.files.insert(head.name.text, (head.mode, content.clone()));
                Ok(Taken::File { bits: head.mode, content })
            }
            Kind::HardLink(target) => match self.files.get(&target.text) {
                Some((bits, content)) if target.flaw.is_none() => {
                    Ok(Taken::File { bits: *bits, content: content.clone() })
                }
                _ => Err(ArchiveError::HardLink { name: head.name.text, target: target.text }),
            },
            Kind::Other(what) => Err(ArchiveError::Special { name: head.name.text, what }),
        }
    }

    fn spool(&mut self, body: &mut Body<'_>) -> Result<Content, ArchiveError> {
        let mut hashing = HashingWriter::new(&mut *self.spool);
        body.read(|piece| hashing.write_all(piece).map_err(ArchiveError::Spool))?;
        let (_, sha256, size) = hashing.finish();
        let offset = self.offset;
        self.offset += size;
        Ok(Content::Spooled { offset, size, sha256 })
    }

    fn add(&mut self, member: Member) -> Result<(), ArchiveError> {
        let is_directory = |member: &Member| member.entry.kind == EntryKind::Directory;
        match check_place(&self.members, &member.path, is_directory(&member), is_directory) {
            Ok(()) => {
                self.members.insert(member.path.clone(), member);
                Ok(())
            }
            Err(TreeError::Twice(path)) => match self.members.get(&path) {
                // Archives that were appended to list a directory again; nothing is lost by that.
                Some(first) if is_directory(first) && is_directory(&member) => Ok(()),
                first => {
                    let first = first.map_or_else(String::new, |first| first.name.clone());
                    Err(ArchiveError::Twice { path, first, second: member.name })
                }
            },
            Err(error) => Err(ArchiveError::Place(error)),
        }
    }

    fn finish(self, top: &str) -> Result<Vec<Member>, ArchiveError> {
        if let Some(absent) = self.wanted.iter().find(|wanted| !wanted.found) {
            let taken = self.members.into_values().map(|member| member.name);
            let names: Vec<_> = self.others.into_iter().chain(taken).collect();
            return Err(missing::explain(absent.from(), top, &names));
        }
        Ok(self.members.into_values().collect())
    }
}

/// A selected member before it has a place.
enum Taken {
    Directory,
    Symlink(String),
    File { bits: u32, content: Content },
}

/// The name in the archive of what is called `name` below `top`, without what is redundant; empty for all of it.
pub fn full_name(top: &str, name: &str) -> String {
    MemberName::parse(format!("./{top}/{name}").as_bytes()).text
}
