//! Checks the paths that a build would write to. Only earlier outputs are replaced: anything else belongs to the user, who
//! may have no second copy.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::delivery::DeliveryKind;
use super::folder::MAX_MANIFEST;
use super::names::{LAYERS, MANIFEST, SHARED};
use crate::digest::Sha256;
use crate::files::{if_exists, is_absent, read_plain, refuse_foreign};
use crate::iso9660::VolumeLabel;

/// What is in the way of a build.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    /// Something that no build wrote.
    #[error("`{}` {why}", .path.display())]
    NotOurs {
        /// What it is.
        path: PathBuf,
        /// By what that is known.
        why: String,
    },
    /// What a build of another cluster wrote.
    #[error("`{}` belongs to the cluster `{theirs}`, expected `{ours}`", .path.display())]
    OtherCluster {
        /// What it is.
        path: PathBuf,
        /// Its cluster.
        theirs: String,
        /// The cluster that is built.
        ours: String,
    },
    /// Whether something is there cannot be told.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Obstacle {
    fn not_ours(path: PathBuf, why: impl Into<String>) -> Self {
        Self::NotOurs { path, why: why.into() }
    }
}

/// What is read of a manifest, also of one that an earlier version wrote.
#[derive(Deserialize)]
struct Earlier {
    #[serde(rename = "imgbuild")]
    _version: String,
    node: String,
    /// Those of the first builds may not say it.
    cluster: Option<String>,
    #[serde(default)]
    delivery: DeliveryKind,
    #[serde(default)]
    outputs: Map<String, Value>,
}

/// Where a build of a cluster writes to.
#[derive(Clone, Copy, Debug)]
pub struct OutputRoot<'a> {
    /// The folder of the nodes' folders.
    pub root: &'a Path,
    /// The cluster.
    pub cluster: &'a str,
}

impl OutputRoot<'_> {
    /// Whether the folder of the nodes' folders can be one.
    pub fn check_root(&self) -> Result<(), Obstacle> {
        refuse_foreign(self.root)?;
        match fs::metadata(self.root) {
            Ok(found) if !found.is_dir() => Err(Obstacle::not_ours(self.root.to_owned(), "is not a folder")),
            Err(error) if is_absent(&error) && fs::symlink_metadata(self.root).is_ok() => {
                Err(Obstacle::not_ours(self.root.to_owned(), "is a symbolic link to nothing"))
            }
            Err(error) if !is_absent(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Whether a node's folder can be written: nothing is there, or an earlier build of the same cluster.
    pub fn check_node(&self, node: &str) -> Result<(), Obstacle> {
        let folder = self.root.join(node);
        let Some(entries) = entries(&folder)? else { return Ok(()) };
        // What has no file in it has nothing to lose.
        let Some(first) = entries.first() else { return Ok(()) };
        let Some(earlier) = earlier(&folder)? else {
            let why = format!(
                "was not written by imgbuild: `{}` does not contain a manifest of imgbuild",
                folder.display()
            );
            return Err(Obstacle::not_ours(folder.join(first), why));
        };
        if earlier.node != node {
            let why = format!("belongs to the node `{}`, expected `{node}`", earlier.node.escape_debug());
            return Err(Obstacle::not_ours(folder, why));
        }
        self.is_of_us(&folder, &earlier)?;
        for name in entries {
            let path = folder.join(&name);
            if name != MANIFEST && !earlier.outputs.contains_key(&name) {
                let why = format!("was not written by imgbuild: {MANIFEST} does not list it");
                return Err(Obstacle::not_ours(path, why));
            }
            if !fs::symlink_metadata(&path)?.is_file() {
                return Err(Obstacle::not_ours(path, "was not written by imgbuild: it is not a plain file"));
            }
        }
        Ok(())
    }

    /// Whether what nodes share by this delivery can be written beside them.
    pub fn check_shared(&self, delivery: DeliveryKind) -> Result<(), Obstacle> {
        match delivery {
            DeliveryKind::Image | DeliveryKind::Download => return Ok(()),
            DeliveryKind::Shared => self.check_image()?,
            DeliveryKind::Http => return check_layers(&self.root.join(LAYERS)),
        }
        // There is one image for all nodes: from another cluster's it would take the layers away.
        let Some(folders) = if_exists(fs::read_dir(self.root))? else { return Ok(()) };
        for folder in folders {
            let folder = folder?.path();
            // What cannot be read is not a node's folder that could be served by the image.
            let Ok(Some(earlier)) = earlier(&folder) else { continue };
            if earlier.delivery == DeliveryKind::Shared {
                self.is_of_us(&folder, &earlier)?;
            }
        }
        Ok(())
    }

    fn check_image(&self) -> Result<(), Obstacle> {
        let path = self.root.join(SHARED);
        let Some(found) = if_exists(fs::symlink_metadata(&path))? else { return Ok(()) };
        let why = "was not written by imgbuild: it is not an image of layers";
        if !found.is_file() {
            return Err(Obstacle::not_ours(path, why));
        }
        // One that holds nothing has nothing to lose.
        let is_ours = found.len() == 0 || is_image_of_layers(&path)?;
        if is_ours { Ok(()) } else { Err(Obstacle::not_ours(path, why)) }
    }

    fn is_of_us(&self, folder: &Path, earlier: &Earlier) -> Result<(), Obstacle> {
        match &earlier.cluster {
            Some(theirs) if theirs != self.cluster => Err(Obstacle::OtherCluster {
                path: folder.to_owned(),
                theirs: theirs.escape_debug().to_string(),
                ours: self.cluster.to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

/// Whether a plain file says that it is an image of layers, however damaged it is: by the label of its primary volume
/// descriptor (ECMA-119, section 8.4), which follows on 16 sectors of 2,048 bytes.
fn is_image_of_layers(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    fs::File::open(path)?.take(17 * 2048).read_to_end(&mut head)?;
    let Some(descriptor) = head.get(16 * 2048..) else { return Ok(false) };
    let label = descriptor.get(40..72).unwrap_or_default().trim_ascii_end();
    Ok(descriptor.starts_with(b"\x01CD001") && label == VolumeLabel::Imgbuild.as_str().as_bytes())
}

/// Whether a folder has layers alone, by their names.
fn check_layers(folder: &Path) -> Result<(), Obstacle> {
    for name in entries(folder)?.unwrap_or_default() {
        let path = folder.join(&name);
        if name.parse::<Sha256>().is_err() || !fs::symlink_metadata(&path)?.is_file() {
            return Err(Obstacle::not_ours(path, "was not written by imgbuild: it is not a layer"));
        }
    }
    Ok(())
}

/// The names in a folder, in order; `None` if there is nothing. Names that are not UTF-8 are not imgbuild's, however they are shown.
fn entries(folder: &Path) -> Result<Option<Vec<String>>, Obstacle> {
    refuse_foreign(folder)?;
    let Some(found) = if_exists(fs::symlink_metadata(folder))? else { return Ok(None) };
    if !found.is_dir() {
        return Err(Obstacle::not_ours(folder.to_owned(), "was not written by imgbuild: it is not a folder"));
    }
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = fs::read_dir(folder)?.map(name).collect::<io::Result<_>>()?;
    names.sort();
    Ok(Some(names))
}

/// What the manifest in a folder says, if imgbuild wrote it.
fn earlier(folder: &Path) -> io::Result<Option<Earlier>> {
    let text = read_plain(&folder.join(MANIFEST), MAX_MANIFEST)?;
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
}
