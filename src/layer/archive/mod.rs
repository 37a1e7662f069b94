//! Takes the files that a component needs out of an upstream release. Names in the archive are matched, never used as paths of
//! this machine: nothing in an archive can write anywhere.

mod error;
mod link;
mod missing;
mod seen_names;
#[cfg(test)]
mod tests;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read, Seek, Write};

use super::name::MemberName;
use super::tarball::{ArchiveLimits, MemberBody, MemberHeader, MemberKind};
use super::tree::{Content, EntryKind, LayerEntry, TreeError, check_place};
use super::unpack;
use crate::digest::HashingWriter;
use crate::guest::{GuestPath, Mode};
pub use error::ArchiveError;
use seen_names::SeenNames;
use wanted::WantedSelection;

/// What to take of a release.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLayout<'a> {
    /// The folder that holds everything in the archive (`etcd-v3.6.4-linux-amd64`); empty when there is none.
    pub top: &'a str,
    /// What to take of that folder. A release that is one file has no folder and no names: it is what the only name selects.
    pub selections: &'a [ArchiveSelection],
}

/// One file of an archive, or one folder and all below it, and its place in the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveSelection {
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
pub struct TakenMember {
    /// Its name in the archive.
    pub name: String,
    /// Its place in the guest.
    pub path: GuestPath,
    /// What it is; the content of a file is in the spool.
    pub entry: LayerEntry,
}

/// Takes what `layout` selects of a release that is at hand, sorted by guest path. Contents are written to `spool` one after
/// the other from where it stands.
pub fn extract(
    release: &[u8],
    layout: &ArchiveLayout<'_>,
    limits: &ArchiveLimits,
    spool: &mut (impl Write + Seek),
) -> Result<Vec<TakenMember>, ArchiveError> {
    let mut extraction = Extraction::new(layout, limits);
    while extraction.read(release, &mut Cursor::new(Vec::new()), spool)? {}
    extraction.finish()
}

/// The taking of files out of a release, which is read once, and once more if links lead to files that were passed by.
pub struct Extraction<'a> {
    layout: &'a ArchiveLayout<'a>,
    limits: &'a ArchiveLimits,
    wanted: Vec<WantedSelection<'a>>,
    /// Where in the spool the next content goes.
    offset: u64,
    members: BTreeMap<GuestPath, TakenMember>,
    /// The contents in the spool, by the names of their files, with the files' modes.
    contents: BTreeMap<String, (u32, Content)>,
    seen: SeenNames,
    links: Vec<Link>,
    stage: Stage,
}

/// How far an extraction has come.
enum Stage {
    /// Nothing was read.
    Members,
    /// All was read but the contents of these files, which links lead to.
    Contents(BTreeSet<String>),
}

/// A selected link to a file that may be none of those that are selected.
struct Link {
    name: String,
    /// The file.
    file: String,
    /// Which selections it is of.
    takers: Vec<usize>,
    /// Where it leads if it is symbolic, and is to be followed when all names are known.
    target: Option<String>,
}

impl<'a> Extraction<'a> {
    /// The taking of what `layout` selects.
    pub fn new(layout: &'a ArchiveLayout<'a>, limits: &'a ArchiveLimits) -> Self {
        Self {
            layout,
            limits,
            wanted: layout
                .selections
                .iter()
                .map(|selection| WantedSelection::new(layout.top, selection))
                .collect(),
            offset: 0,
            members: BTreeMap::new(),
            contents: BTreeMap::new(),
            seen: SeenNames::default(),
            links: Vec::new(),
            stage: Stage::Members,
        }
    }

    /// Reads the release to its end, and says whether it is to be read once more. Contents are written to `spool` one after the
    /// other from where it stands, so that one spool can take several releases; `scratch` is empty, or as it was left.
    pub fn read(
        &mut self,
        release: impl Read,
        scratch: &mut (impl Read + Write + Seek),
        spool: &mut (impl Write + Seek),
    ) -> Result<bool, ArchiveError> {
        self.offset = spool.stream_position().map_err(ArchiveError::Spool)?;
        let limits = self.limits;
        unpack::read(release, limits, scratch, |head, body| match &self.stage {
            Stage::Members => self.take(head, body, spool),
            Stage::Contents(files)
                if matches!(head.kind, MemberKind::File) && files.contains(&head.name.text) =>
            {
                self.spool(head.name.text, head.mode, body, spool).map(|_| ())
            }
            Stage::Contents(_) => Ok(()),
        })?;
        spool.flush().map_err(ArchiveError::Spool)?;
        if matches!(self.stage, Stage::Contents(_)) {
            return Ok(false);
        }
        let files = self.follow()?;
        let is_incomplete = !files.is_empty();
        self.stage = Stage::Contents(files);
        Ok(is_incomplete)
    }

    /// What was taken.
    pub fn finish(mut self) -> Result<Vec<TakenMember>, ArchiveError> {
        for link in std::mem::take(&mut self.links) {
            let (bits, content) =
                self.contents.get(&link.file).cloned().expect("what links lead to was read");
            self.place(&link.name, &link.takers, &Taken::File { bits, content })?;
        }
        if let Some(absent) = self.wanted.iter().find(|wanted| !wanted.found) {
            return Err(missing::explain(absent.from(), self.layout.top, &self.seen.names()));
        }
        Ok(self.members.into_values().collect())
    }

    fn take(
        &mut self,
        head: MemberHeader,
        body: &mut MemberBody<'_>,
        spool: &mut impl Write,
    ) -> Result<(), ArchiveError> {
        if let MemberKind::Alone = head.kind {
            return self.take_alone(&head, body, spool);
        }
        let takers: Vec<_> =
            (0..self.wanted.len()).filter(|&at| self.wanted[at].covers(&head.name)).collect();
        if let (Some(flaw), false) = (head.name.flaw, takers.is_empty()) {
            return Err(ArchiveError::Name { name: head.name.text, flaw });
        }
        // A hard link means a file before it, which must not be itself.
        let file = match &head.kind {
            MemberKind::HardLink(target) => self.seen.file(target).map(str::to_owned),
            _ => None,
        };
        self.seen.add(&head);
        if takers.is_empty() {
            return Ok(());
        }
        let name = head.name.text;
        for &at in &takers {
            self.wanted[at].found = true;
        }
        match head.kind {
            MemberKind::Directory => self.place(&name, &takers, &Taken::Directory),
            MemberKind::File => {
                let content = self.spool(name.clone(), head.mode, body, spool)?;
                self.place(&name, &takers, &Taken::File { bits: head.mode, content })
            }
            MemberKind::HardLink(target) => {
                let file =
                    file.ok_or_else(|| ArchiveError::HardLink { name: name.clone(), target: target.text })?;
                self.links.push(Link { name, file, takers, target: None });
                Ok(())
            }
            MemberKind::Symlink(target) => self.take_symlink(name, takers, target),
            MemberKind::Other(what) => Err(ArchiveError::Special { name, what }),
            MemberKind::Alone => unreachable!("it was taken above"),
        }
    }

    /// A release that is one file.
    fn take_alone(
        &mut self,
        head: &MemberHeader,
        body: &mut MemberBody<'_>,
        spool: &mut impl Write,
    ) -> Result<(), ArchiveError> {
        let names: BTreeSet<_> = self.wanted.iter().map(WantedSelection::from).collect();
        if names.len() > 1 || names.iter().any(|name| name.ends_with('/')) {
            return Err(ArchiveError::Alone { names: names.into_iter().map(str::to_owned).collect() });
        }
        let name = names.into_iter().next().unwrap_or_default().to_owned();
        let content = self.spool(name.clone(), head.mode, body, spool)?;
        let takers: Vec<_> = (0..self.wanted.len()).collect();
        for &at in &takers {
            self.wanted[at].found = true;
        }
        self.place(&name, &takers, &Taken::File { bits: head.mode, content })
    }

    /// A symbolic link stays one where it stays in the selected folder; elsewhere it is the file that it leads to.
    fn take_symlink(&mut self, name: String, takers: Vec<usize>, target: String) -> Result<(), ArchiveError> {
        let (within, elsewhere): (Vec<_>, Vec<_>) =
            takers.into_iter().partition(|&at| self.wanted[at].link(&name, &target).is_some());
        self.place(&name, &within, &Taken::Symlink(target.clone()))?;
        if !elsewhere.is_empty() {
            self.links.push(Link { name, file: String::new(), takers: elsewhere, target: Some(target) });
        }
        Ok(())
    }

    /// Finds the files that links lead to, and returns those whose contents are not there.
    fn follow(&mut self) -> Result<BTreeSet<String>, ArchiveError> {
        for link in &mut self.links {
            if let Some(target) = &link.target {
                let lost = || ArchiveError::Symlink { name: link.name.clone(), target: target.clone() };
                link.file = self.seen.follow(&link.name, target).ok_or_else(lost)?;
            }
        }
        let files =
            self.links.iter().map(|link| &link.file).filter(|file| !self.contents.contains_key(*file));
        Ok(files.cloned().collect())
    }

    /// Puts a content into the spool.
    fn spool(
        &mut self,
        name: String,
        bits: u32,
        body: &mut MemberBody<'_>,
        spool: &mut impl Write,
    ) -> Result<Content, ArchiveError> {
        let mut hashing = HashingWriter::new(spool);
        body.read(|piece| hashing.write_all(piece).map_err(ArchiveError::Spool))?;
        let (_, sha256, size) = hashing.finish();
        let content = Content::Spooled { offset: self.offset, size, sha256 };
        self.offset += size;
        self.contents.insert(name, (bits, content.clone()));
        Ok(content)
    }

    /// Gives a member its place under each of these selections.
    fn place(&mut self, name: &str, takers: &[usize], taken: &Taken) -> Result<(), ArchiveError> {
        for &at in takers {
            let entry = self.wanted[at].entry(name, taken)?;
            let path = self.wanted[at].place(name)?;
            self.add(TakenMember { name: name.to_owned(), path, entry })?;
        }
        Ok(())
    }

    fn add(&mut self, member: TakenMember) -> Result<(), ArchiveError> {
        let is_directory = |member: &TakenMember| member.entry.kind == EntryKind::Directory;
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
