//! Why the files of a component cannot be taken out of an archive.

use std::fmt;
use std::io;

use crate::layer::name::NameFlaw;
use crate::layer::path::{GuestPath, GuestPathError};
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
    #[error("{}", MissingText { from, top, actual_top: actual_top.as_deref(), near })]
    Missing {
        /// The selection as it was written.
        from: String,
        /// The top folder that was expected.
        top: String,
        /// The top folder that the archive has, when it has one and it is another.
        actual_top: Option<String>,
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
    /// A selected member is no file, directory or symbolic link.
    #[error("`{name}` in the archive is {what}: only files, directories and symbolic links are taken")]
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
    /// A symbolic link was selected alone, or leads out of the folder that was.
    #[error(
        "`{name}` in the archive links to `{}`, which is not inside the selected folder",
        target.escape_debug()
    )]
    Symlink {
        /// The member.
        name: String,
        /// Where it leads.
        target: String,
    },
    /// A hard link to what was not taken before it.
    #[error(
        "`{name}` in the archive is a hard link to `{}`, which is no file selected before it",
        target.escape_debug()
    )]
    HardLink {
        /// The member.
        name: String,
        /// The other name.
        target: String,
    },
    /// Two members, or one under two selections, would be the same guest file.
    #[error("`{path}` would come from `{first}` in the archive and again from `{second}`")]
    Twice {
        /// The guest path.
        path: GuestPath,
        /// The member that came first.
        first: String,
        /// The member that came again.
        second: String,
    },
    /// The selected members' guest paths exclude each other.
    #[error("the selected files of the archive cannot be together in the guest")]
    Place(#[source] TreeError),
}

/// The sentence of [`ArchiveError::Missing`], which has optional parts.
struct MissingText<'a> {
    from: &'a str,
    top: &'a str,
    actual_top: Option<&'a str>,
    near: &'a [String],
}

impl fmt::Display for MissingText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the archive has no `{}`", self.from)?;
        match (self.top, self.actual_top) {
            ("", None) => {}
            ("", Some(actual)) => write!(f, " outside of a folder: its top folder is `{actual}`")?,
            (top, None) => write!(f, " in its folder `{top}`")?,
            (top, Some(actual)) => write!(f, " in a folder `{top}`: its top folder is `{actual}`")?,
        }
        for (at, name) in self.near.iter().enumerate() {
            write!(f, "{} `{name}`", if at == 0 { "; near it:" } else { "," })?;
        }
        Ok(())
    }
}
