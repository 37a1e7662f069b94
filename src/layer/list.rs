//! Reads an overlay back: what is in it, and that it is of the kind that this project writes.

use std::io::{self, Read, Write};

use super::index::{IndexBuilder, IndexEntry, IndexKind, LayerIndex};
use super::name::NameFlaw;
use super::tarball::{self, ArchiveLimits, MemberBody, MemberHeader, MemberKind, TarballError};
use super::tree::{TreeError, is_link_target};
use crate::digest::HashingWriter;
use crate::guest::{GuestPath, GuestPathError, Mode};

/// Why an overlay cannot be listed. Nothing of this kind was written by this project.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The overlay cannot be read to its end.
    #[error(transparent)]
    Tarball(#[from] TarballError),
    /// A name leads out of the guest's root.
    #[error("the name `{}` in the overlay {flaw}", name.escape_debug())]
    Name {
        /// The name without what is redundant in it.
        name: String,
        /// What is wrong with it.
        flaw: NameFlaw,
    },
    /// A name makes no guest path.
    #[error("the name `{name}` in the overlay makes no path in the guest")]
    Path {
        /// The name.
        name: String,
        /// What is wrong with it.
        #[source]
        error: GuestPathError,
    },
    /// An entry is not a file, directory or symbolic link.
    #[error("`{path}` in the overlay is {what}")]
    Special {
        /// The guest path.
        path: GuestPath,
        /// What it is.
        what: &'static str,
    },
    /// A symbolic link has an unfit target.
    #[error("`{path}` in the overlay links to `{}`, which is not a valid target", target.escape_debug())]
    Target {
        /// The guest path.
        path: GuestPath,
        /// Where it leads.
        target: String,
    },
    /// An entry does not belong to root.
    #[error("`{path}` in the overlay belongs to user {user} and group {group} instead of root")]
    Owner {
        /// The guest path.
        path: GuestPath,
        /// The id of the user.
        user: u64,
        /// The id of the group.
        group: u64,
    },
    /// An entry has more in its mode than permissions: set-uid, set-gid, sticky.
    #[error("`{path}` in the overlay has the mode {bits:o}")]
    Mode {
        /// The guest path.
        path: GuestPath,
        /// The mode.
        bits: u32,
    },
    /// Two entries exclude each other.
    #[error("the overlay contains conflicting entries")]
    Place(#[source] TreeError),
}

/// Reads a whole overlay and lists it, in the order of its paths. Contents are hashed and never kept.
pub fn list(reader: impl Read, limits: &ArchiveLimits) -> Result<LayerIndex, ListError> {
    let mut files = IndexBuilder::default();
    tarball::read(reader, limits, |head, body| {
        let entry = entry(head, body)?;
        files.add(entry).map_err(ListError::Place)
    })?;
    Ok(files.into_index())
}

fn entry(head: MemberHeader, body: &mut MemberBody<'_>) -> Result<IndexEntry, ListError> {
    let name = head.name.text;
    if let Some(flaw) = head.name.flaw {
        return Err(ListError::Name { name, flaw });
    }
    let path: GuestPath = format!("/{name}").parse().map_err(|error| ListError::Path { name, error })?;
    let (user, group) = head.owner;
    if head.owner != (0, 0) {
        return Err(ListError::Owner { path, user, group });
    }
    let Some(mode) = Mode::from_bits(head.mode) else {
        return Err(ListError::Mode { path, bits: head.mode });
    };
    let kind = match head.kind {
        MemberKind::File => file(body)?,
        MemberKind::Directory => IndexKind::Directory,
        MemberKind::Symlink(target) if is_link_target(&target) => IndexKind::Symlink { target },
        MemberKind::Symlink(target) => return Err(ListError::Target { path, target }),
        MemberKind::HardLink(_) => return Err(ListError::Special { path, what: "a hard link" }),
        MemberKind::Alone => unreachable!("a tar archive names its members"),
        MemberKind::Other(what) => return Err(ListError::Special { path, what }),
    };
    Ok(IndexEntry { path, mode, kind })
}

fn file(body: &mut MemberBody<'_>) -> Result<IndexKind, TarballError> {
    let mut hashing = HashingWriter::new(io::sink());
    body.read(|piece| hashing.write_all(piece).map_err(TarballError::Read))?;
    let (_, sha256, size) = hashing.finish();
    Ok(IndexKind::File { size, sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256;
    use crate::layer::fixture::Fixture;

    fn list_gz(archive: Fixture) -> Result<LayerIndex, ListError> {
        list(&archive.gz()[..], &ArchiveLimits::default())
    }

    #[test]
    fn an_overlay_is_listed_by_path() {
        let overlay = Fixture::new().file("b/c", b"c").folder("b/").entry(b'2', "a", "b/c", b"");
        let index = list_gz(overlay).unwrap();
        let entry = |path: &str, mode: &str, kind| IndexEntry {
            path: path.parse().unwrap(),
            mode: mode.parse().unwrap(),
            kind,
        };
        let expected = [
            entry("/a", "0644", IndexKind::Symlink { target: "b/c".into() }),
            entry("/b", "0644", IndexKind::Directory),
            entry("/b/c", "0644", IndexKind::File { size: 1, sha256: Sha256::of("c") }),
        ];
        assert_eq!(index.entries, expected);
    }

    #[test]
    fn what_this_project_never_writes_is_refused() {
        let file = |change: fn(&mut tar::Header)| Fixture::new().raw(b"a", b"", change);
        for (overlay, why) in [
            (Fixture::new().file("/a", b""), "the name `a` in the overlay is absolute"),
            (Fixture::new().file("a/../b", b""), "the name `a/../b` in the overlay has a `..` part"),
            (Fixture::new().folder("./"), "the name `` in the overlay makes no path in the guest"),
            (Fixture::new().entry(b'3', "a", "", b""), "`/a` in the overlay is a device"),
            (Fixture::new().file("b", b"").entry(b'1', "a", "b", b""), "`/a` in the overlay is a hard link"),
            (
                Fixture::new().entry(b'2', "a", "b//c", b""),
                "`/a` in the overlay links to `b//c`, which is not a valid target",
            ),
            (
                file(|header| header.set_gid(7)),
                "`/a` in the overlay belongs to user 0 and group 7 instead of root",
            ),
            (file(|header| header.set_mode(0o4755)), "`/a` in the overlay has the mode 4755"),
            (Fixture::new().file("a", b"").file("a", b""), "the overlay contains conflicting entries"),
            (
                Fixture::new().entry(b'2', "a", "b", b"").file("a/x", b""),
                "the overlay contains conflicting entries",
            ),
        ] {
            assert_eq!(list_gz(overlay).unwrap_err().to_string(), why);
        }
    }

    #[test]
    fn a_layer_alone_is_no_overlay() {
        let error = list(&Fixture::new().file("a", b"").gz_without_end()[..], &ArchiveLimits::default());
        assert!(matches!(error, Err(ListError::Tarball(TarballError::NoEnd))), "{error:?}");
    }
}
