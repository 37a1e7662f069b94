//! A selection while its archive is read: which members it covers, and what becomes of them.

use super::{ArchiveError, ArchiveSelection, Taken, full_name, link};
use crate::guest::{GuestPath, Mode};
use crate::layer::name::MemberName;
use crate::layer::tree::LayerEntry;

/// One selection and whether the archive had it.
pub(super) struct WantedSelection<'a> {
    selection: &'a ArchiveSelection,
    /// The full name in the archive.
    name: String,
    pub found: bool,
}

impl<'a> WantedSelection<'a> {
    pub(super) fn new(top: &str, selection: &'a ArchiveSelection) -> Self {
        Self { selection, name: full_name(top, &selection.from), found: false }
    }

    /// The selection as it was written.
    pub(super) fn from(&self) -> &'a str {
        &self.selection.from
    }

    /// Whether the member is the file, or the folder or something below it.
    pub(super) fn covers(&self, member: &MemberName) -> bool {
        if self.is_folder() { self.below(&member.text).is_some() } else { member.text == self.name }
    }

    /// Where a covered member goes.
    pub(super) fn place(&self, member: &str) -> Result<GuestPath, ArchiveError> {
        match self.below(member) {
            Some("") | None => Ok(self.selection.to.clone()),
            Some(rest) => {
                let unfit = |error| ArchiveError::Path { name: member.to_owned(), error };
                self.selection.to.join(rest).map_err(unfit)
            }
        }
    }

    /// What a covered member becomes, if it may.
    pub(super) fn entry(&self, member: &str, taken: &Taken) -> Result<LayerEntry, ArchiveError> {
        match taken {
            Taken::File { bits, content } => {
                let executable = bits & 0o111 != 0;
                let mode = if executable { Mode::EXECUTABLE } else { Mode::FILE };
                Ok(LayerEntry::file(self.selection.mode.unwrap_or(mode), content.clone()))
            }
            Taken::Directory if self.is_folder() => Ok(LayerEntry::directory(Mode::EXECUTABLE)),
            Taken::Directory => Err(ArchiveError::Directory { name: member.to_owned() }),
            Taken::Symlink(target) => match self.link(member, target) {
                Some(target) => Ok(LayerEntry::symlink(target)),
                None => Err(ArchiveError::Symlink { name: member.to_owned(), target: target.clone() }),
            },
        }
    }

    /// The target of a symbolic link as it is in the guest, if it stays in the selected folder.
    pub(super) fn link(&self, member: &str, target: &str) -> Option<String> {
        link::within(self.below(member).filter(|below| !below.is_empty())?, target)
    }

    fn is_folder(&self) -> bool {
        self.selection.from.ends_with('/')
    }

    /// The rest of a member's name below a selected folder: empty for the folder itself.
    fn below<'m>(&self, member: &'m str) -> Option<&'m str> {
        if !self.is_folder() {
            None
        } else if self.name.is_empty() {
            Some(member)
        } else {
            let rest = member.strip_prefix(&self.name)?;
            if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
        }
    }
}
