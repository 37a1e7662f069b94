//! Guest files as a tree, and its way into a compressed layer and an overlay (pure, writes to `impl Write`).
//!
//! Upstream's release → [`Extraction`] → [`Tree`] → [`write_layer`] through [`MembersWriter`] → layers, and
//! [`end_of_archive`] behind the last of a node.
//! A layer is a tar stream without its end, as complete gzip members: layers join by copying their bytes
//! (RFC 1952 section 2.2: "a gzip file consists of a series of members").

pub mod archive;
pub mod extension;
#[cfg(test)]
mod fixture;
mod gzip;
pub mod index;
pub mod join;
pub mod list;
mod name;
mod named;
pub mod tarball;
pub mod tree;
mod unpack;
pub mod write;

pub use archive::{
    ArchiveError, ArchiveLayout, ArchiveSelection, Extraction, TakenMember, extract, full_name,
};
pub use extension::{ExtensionError, ExtensionHead, extension_path, write_extension};
pub use gzip::MembersWriter;
pub use index::{IndexEntry, IndexKind, LayerIndex};
pub use join::end_of_archive;
pub use list::{ListError, list};
pub use name::NameFlaw;
pub use named::NamedLayer;
pub use tarball::{ArchiveLimits, TarballError};
pub use tree::{Content, EntryKind, LayerEntry, Tree, TreeError};
pub use write::{LayerError, write_layer};
