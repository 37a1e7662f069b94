//! Reads the overlay of a built node, whichever delivery it was built with.

use std::io::{self, BufReader, Read};
use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use super::delivery::DeliveryKind;
use super::folder::Found;
use super::manifest::Manifest;
use super::names::{LAYERS, OVERLAY, SHARED};
use crate::files::if_exists;
use crate::iso9660::read_image;
use crate::layer::NamedLayer;

/// The bytes of an overlay.
pub(super) type OverlayBytes = Box<dyn Read>;

/// The overlay of the node in `folder`, which has this manifest. `Unusable` if a part is missing.
pub(super) fn overlay(folder: &Path, manifest: &Manifest) -> Result<Found<OverlayBytes>> {
    let beside = folder.parent().unwrap_or(folder);
    match manifest.delivery {
        DeliveryKind::Image | DeliveryKind::Download => {
            Ok(match if_exists(fs::File::open(folder.join(OVERLAY)))? {
                Some(file) => Found::Whole(Box::new(BufReader::new(file))),
                None => Found::Unusable(format!("its {OVERLAY} is missing")),
            })
        }
        DeliveryKind::Shared => of_image(&beside.join(SHARED), &manifest.layers),
        DeliveryKind::Http => of_files(&beside.join(LAYERS), &manifest.layers),
    }
}

fn of_image(path: &Path, layers: &[NamedLayer]) -> Result<Found<OverlayBytes>> {
    let Some(mut image) = if_exists(fs::File::open(path))? else {
        return Ok(Found::Unusable(format!("{} does not exist", path.display())));
    };
    let Ok(listing) = read_image(&mut image) else {
        return Ok(Found::Unusable(format!("{} is not a valid shared image", path.display())));
    };
    join(layers, path, |layer| {
        let name = layer.sha256.to_string();
        let Some(file) = listing.files.iter().find(|file| file.name == name) else { return Ok(None) };
        Ok(Some(Box::new(file.open(fs::File::open(path)?)?)))
    })
}

fn of_files(folder: &Path, layers: &[NamedLayer]) -> Result<Found<OverlayBytes>> {
    join(layers, folder, |layer| {
        let file = if_exists(fs::File::open(folder.join(layer.sha256.to_string())))?;
        Ok(file.map(|file| Box::new(file) as OverlayBytes))
    })
}

/// The layers one after the other.
fn join(
    layers: &[NamedLayer],
    place: &Path,
    part: impl Fn(&NamedLayer) -> Result<Option<OverlayBytes>>,
) -> Result<Found<OverlayBytes>> {
    let mut joined: OverlayBytes = Box::new(io::empty());
    for layer in layers {
        let Some(bytes) = part(layer)? else {
            return Ok(Found::Unusable(format!(
                "{} does not contain the layer of `{}`",
                place.display(),
                layer.name.escape_debug()
            )));
        };
        joined = Box::new(joined.chain(BufReader::new(bytes)));
    }
    Ok(Found::Whole(joined))
}
