//! What is written beside the nodes' folders, where they get their layers from there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::digest::Sha256;
use crate::failure::Failure;
use crate::output::{
    LAYERS, LayerSource, OutputCache, Outputs, SHARED, StagedFolder, known_layers, layers_are_current,
    remove_unused_layers, shared_is_current, write_layers, write_shared,
};
use crate::plan::Delivery;

/// Where it is.
pub(crate) fn path(delivery: &Delivery, out: &Path) -> Option<PathBuf> {
    match delivery {
        Delivery::Image | Delivery::Download { .. } => None,
        Delivery::Shared => Some(out.join(SHARED)),
        Delivery::Http { .. } => Some(out.join(LAYERS)),
    }
}

/// Writes what the nodes share, unless it is there.
pub(super) fn stage(
    delivery: &Delivery,
    outputs: &mut Outputs,
    epoch: u64,
    layers: Vec<LayerSource<'_>>,
) -> Result<Option<Shared>, Failure> {
    let root = outputs.root().to_owned();
    let seen = &mut outputs.seen;
    let (is_current, place) = match delivery {
        Delivery::Image | Delivery::Download { .. } => return Ok(None),
        Delivery::Shared => (shared_is_current(&layers, &root, seen)?, "."),
        Delivery::Http { .. } => (layers_are_current(&layers, seen)?, LAYERS),
    };
    if is_current {
        return Ok(None);
    }
    let staged = outputs.stage(place)?;
    let files = if delivery.is_of_all() {
        vec![(SHARED.to_owned(), write_shared(layers, epoch, staged.path())?.sha256)]
    } else {
        let written = write_layers(layers, staged.path())?.into_iter();
        written.map(|digest| (format!("{LAYERS}/{digest}"), digest)).collect()
    };
    Ok(Some(Shared { staged, files }))
}

/// The layers beside the nodes before a build, which [`tidy`] may remove after it.
pub(super) fn layers_before(delivery: &Delivery, outputs: &Outputs) -> Result<BTreeSet<Sha256>, Failure> {
    Ok(if delivery.layers_url().is_some() {
        known_layers(outputs.root(), &outputs.seen)?
    } else {
        BTreeSet::new()
    })
}

/// Removes those of these layers that no node needs any more.
pub(super) fn tidy(out: &Path, before: &BTreeSet<Sha256>) -> Result<(), Failure> {
    if !before.is_empty() {
        remove_unused_layers(out, before)?;
    }
    Ok(())
}

/// What nodes share, before it has its place.
pub(super) struct Shared {
    staged: StagedFolder,
    /// Its files, as they will be called, with their digests.
    files: Vec<(String, Sha256)>,
}

impl Shared {
    /// What is yet to be published.
    pub(super) fn staged(&self) -> &StagedFolder {
        &self.staged
    }

    /// Puts it there.
    pub(super) fn publish(self, seen: &mut OutputCache) -> Result<(), Failure> {
        self.staged.publish_files()?;
        self.files.iter().try_for_each(|(name, digest)| Ok(seen.wrote(name, *digest)?))
    }
}
