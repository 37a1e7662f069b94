//! Recognises what a path leads to: bundle, node, seed image, shared image or store.

use std::fmt;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::Result;
use fs_err as fs;
use serde::Serialize;

use crate::bundle::Parts;
use crate::output::{IMAGE, MANIFEST, OVERLAY};

/// What imgbuild writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditKind {
    /// A bundle.
    Bundle,
    /// The folder of a node.
    Node,
    /// A seed image.
    Seed,
    /// The image that nodes share.
    Shared,
    /// A store.
    Store,
}

impl AuditKind {
    /// What is known of such a thing once every byte of it was checked, and what is not.
    pub fn proof(self) -> &'static str {
        match self {
            Self::Bundle => {
                "every byte matches its index, so it is not damaged; its author is not proven: `--key` checks a signature"
            }
            Self::Node => {
                "every file matches manifest.json; their author is not proven: \
                 `imgbuild diff` compares them with profile and pins"
            }
            Self::Seed | Self::Shared => {
                "every byte matches the digests in the image, so it is not damaged; its author is not proven"
            }
            Self::Store => {
                "every file matches the sha256 in its name; its origin is not proven: \
                 a build uses only files that a pin names"
            }
        }
    }
}

impl fmt::Display for AuditKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bundle => "bundle",
            Self::Node => "node",
            Self::Seed => "seed image",
            Self::Shared => "shared image",
            Self::Store => "store",
        })
    }
}

/// What is at `path`; an image is taken for a seed until it is read. Any other file is read as a bundle, whose reader reports what is wrong with it.
pub fn kind(path: &Path) -> Result<AuditKind> {
    if Parts::list_of(path).is_some() {
        return Ok(AuditKind::Bundle);
    }
    let found = fs::metadata(path)?;
    if !found.is_dir() {
        anyhow::ensure!(found.is_file(), "`{}` is neither a file nor a folder", path.display());
        return Ok(if is_image(path)? { AuditKind::Seed } else { AuditKind::Bundle });
    }
    if [MANIFEST, IMAGE, OVERLAY].iter().any(|name| path.join(name).exists()) {
        return Ok(AuditKind::Node);
    }
    anyhow::ensure!(
        path.join("sha256").is_dir(),
        "`{}` is neither a node's folder (no {MANIFEST} in it) nor a store (no folder sha256 in it)",
        path.display()
    );
    Ok(AuditKind::Store)
}

/// Whether a file begins as an ISO 9660 image does: with the standard identifier of its first volume descriptor
/// (ECMA-119 8.1.2), which is in sector 16 (6.2.1).
fn is_image(path: &Path) -> Result<bool> {
    let mut file = fs::File::open(path)?;
    file.seek(SeekFrom::Start(16 * 2048 + 1))?;
    let mut identifier = Vec::new();
    file.take(5).read_to_end(&mut identifier)?;
    Ok(identifier == b"CD001")
}
