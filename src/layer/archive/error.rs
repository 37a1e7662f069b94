//! Why the files of a component cannot be taken out of an archive.

use std::fmt;
use std::io;

use crate::guest::{GuestPath, GuestPathError};
use crate::layer::name::NameFlaw;
use crate::layer::tarball::TarballError;
use crate::layer::tree::TreeError;

/// Why files cannot be taken out of an archive. Names are the archive's, with its top folder; those that may have
/// control characters are escaped, since a terminal would obey them.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The archive cannot be read to its end.
    #[error(transparent)]
    Tarball(#[from] TarballError),
    /// The contents could not be put aside.
    #[error("cannot write what the archive holds")]
    Spool(#[source] io::Error),
    /// The archive has no such file or folder.
    #[error("{}", MissingText { from, top, actual_top: actual_top.as_deref(), folders: *folders, near })]
    Missing {
        /// The selection as it was written.
        from: String,
        /// The top folder that was expected.
        top: String,
        /// The top folder that the archive has, when it has one and it is another.
        actual_top: Option<String>,
        /// Whether anything is in the expected top folder, or in another.
        folders: bool,
        /// Names, without the top folder, that may have been meant.
        near: Vec<String>,
    },
    /// A selected name is unfit to lead to a file.
    #[error("the name `{}` in the archive {flaw}", name.escape_debug())]
    Name {
        /// The name without what is redundant in it.
        name: String,
        /// What is wrong with it.
        flaw: NameFlaw,
    },
    /// A selected name makes no guest path.
    #[error("the name `{name}` in the archive makes no path in the guest")]
    Path {
        /// The name.
        name: String,
        /// What is wrong with it.
        #[source]
        error: GuestPathError,
    },
    /// A selected member is not a file, directory or symbolic link.
    #[error("`{}` in the archive is {what}, expected a file, a directory or a symbolic link", name.escape_debug())]
    Special {
        /// The member.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// A selected file is a directory.
    #[error("`{name}` in the archive is a directory: select it with a slash at its end")]
    Directory {
        /// The member.
        name: String,
    },
    /// A symbolic link leads out of what was selected, and not to a file of the archive.
    #[error(
        "`{}` in the archive links to `{}`, which is not a file of the archive",
        name.escape_debug(), target.escape_debug()
    )]
    Symlink {
        /// The member.
        name: String,
        /// Where it leads.
        target: String,
    },
    /// A hard link to something that is not an earlier file.
    #[error(
        "`{}` in the archive is a hard link to `{}`, which is not a file before it in the archive",
        name.escape_debug(), target.escape_debug()
    )]
    HardLink {
        /// The member.
        name: String,
        /// The other name.
        target: String,
    },
    /// Two members, or one under two selections, would be the same guest file.
    #[error("`{path}` would be installed twice: from `{first}` and from `{second}` in the archive")]
    Twice {
        /// The guest path.
        path: GuestPath,
        /// The member that came first.
        first: String,
        /// The member that came again.
        second: String,
    },
    /// The release is one file, and several or a folder are selected of it.
    #[error("the release is a single file, not an archive that contains `{}`", names.join("`, `"))]
    Alone {
        /// The selections.
        names: Vec<String>,
    },
    /// The selected members' guest paths exclude each other.
    #[error("the selected files of the archive conflict in the guest")]
    Place(#[source] TreeError),
}

impl ArchiveError {
    /// Whether the archive itself is not what it should be, and not what was said of it.
    pub fn is_of_archive(&self) -> bool {
        match self {
            Self::Tarball(error) => !matches!(error, TarballError::Unsupported(_)),
            Self::Name { .. }
            | Self::Special { .. }
            | Self::Symlink { .. }
            | Self::HardLink { .. }
            | Self::Place(_) => true,
            // One member twice; two members for one place are two selections' doing.
            Self::Twice { first, second, .. } => first == second,
            _ => false,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Tarball(TarballError::Unsupported(_)) => {
                "name another file of the release in `url`: a tar archive, plain or compressed with gzip, xz, zstd or bzip2, \
                 a zip archive, or a program, alone or compressed"
            }
            Self::Tarball(_) => {
                "it matches its pin, so upstream's own file is damaged, or the pin is of a damaged copy: compare with upstream, or pin another version"
            }
            Self::Missing { top, folders: false, .. } if !top.is_empty() => {
                "leave out `folder` of this release in the pins: its files are not in a top folder"
            }
            Self::Missing { actual_top: Some(_), .. } => {
                "set `folder` of this release in the pins to its top folder"
            }
            Self::Missing { .. } => "correct `from` in the component's `install`",
            Self::Directory { .. } => "end `from` in the component's `install` with a slash",
            Self::Alone { .. } => "`install` of such a release has one `from`, without a slash at its end",
            Self::Twice { .. } | Self::Place(_) | Self::Path { .. } => {
                "select less in the component's `install`, or place it elsewhere"
            }
            Self::Spool(_) => "free disk space in the cache folder",
            Self::Name { .. } | Self::Special { .. } | Self::Symlink { .. } | Self::HardLink { .. } => {
                "select single files in the component's `install`, without this one"
            }
        }
    }
}

/// The sentence of [`ArchiveError::Missing`], which has optional parts.
struct MissingText<'a> {
    from: &'a str,
    top: &'a str,
    actual_top: Option<&'a str>,
    folders: bool,
    near: &'a [String],
}

impl fmt::Display for MissingText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the archive does not contain `{}`", self.from)?;
        match (self.top, self.actual_top) {
            ("", None) => {}
            ("", Some(actual)) => write!(f, " outside of a folder: its top folder is `{actual}`")?,
            (top, None) if !self.folders => write!(f, " in a folder `{top}`: it has no top folder")?,
            (top, None) => write!(f, " in its folder `{top}`")?,
            (top, Some(actual)) => write!(f, " in a folder `{top}`: its top folder is `{actual}`")?,
        }
        for (at, name) in self.near.iter().enumerate() {
            write!(f, "{} `{name}`", if at == 0 { "; near it:" } else { "," })?;
        }
        Ok(())
    }
}
