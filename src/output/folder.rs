//! A node's folder as a build left it: the one reader of its manifest.

use std::io::{self, Read};
use std::path::Path;

use fs_err as fs;

use super::manifest::{self, Manifest, OutputFile};
use super::names::MANIFEST;
use crate::diagnostic::from_json;
use crate::files::{if_exists, read_bounded, read_plain};

/// The longest manifest that is read, in bytes: one with the names of ten thousand nodes has less.
pub(super) const MAX_MANIFEST: u64 = 16 << 20;

/// What is in the place of something that a build writes.
#[derive(Debug)]
pub enum Found<T> {
    /// It.
    Whole(T),
    /// Something else, or only a part of it; why it cannot be used.
    Unusable(String),
}

/// The folder of a node that was built.
#[derive(Debug)]
pub struct NodeFolder {
    /// What its manifest says.
    pub manifest: Manifest,
    text: Vec<u8>,
}

impl NodeFolder {
    /// Reads the manifest in a folder; `None` if there is none.
    pub fn open(folder: &Path) -> io::Result<Option<Found<Self>>> {
        let path = folder.join(MANIFEST);
        let Some(found) = if_exists(fs::symlink_metadata(&path))? else { return Ok(None) };
        if !found.is_file() {
            let why = "it is a link or a special file, expected a file";
            return Ok(Some(Found::Unusable(why.to_owned())));
        }
        Ok(Some(Self::parse(read_plain(&path, MAX_MANIFEST)?)))
    }

    /// Reads a manifest.
    pub fn read(manifest: impl Read) -> io::Result<Found<Self>> {
        Ok(Self::parse(read_bounded(manifest, MAX_MANIFEST)?))
    }

    fn parse(text: Option<Vec<u8>>) -> Found<Self> {
        let Some(text) = text else {
            return Found::Unusable(format!("it is longer than {MAX_MANIFEST} bytes"));
        };
        match from_json(&text) {
            Ok(manifest) => Found::Whole(Self { manifest, text }),
            Err(why) => Found::Unusable(why),
        }
    }

    /// The bytes of the manifest.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// What the manifest says beside its outputs and the digests of what they hold, as text, and whatever imgbuild wrote it.
    pub(super) fn facts(&self) -> String {
        manifest::facts(serde_json::from_slice(&self.text).expect("it was read as JSON before"))
    }

    /// What the manifest says of an output.
    pub(super) fn output(&self, name: &str) -> Option<OutputFile> {
        self.manifest.outputs.get(name).copied()
    }
}
