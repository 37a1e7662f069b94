//! The overlay of a node that is built, wherever its delivery has left the parts of it.

use std::io::{self, BufReader, Read};
use std::path::Path;

use anyhow::Result;
use fs_err as fs;
use serde_json::Value;

use super::delivery::Delivery;
use super::layers::{LAYERS, SHARED};
use super::node::OVERLAY;
use crate::iso9660::read_image;
use crate::layer::NamedLayer;

/// The bytes of an overlay.
pub(super) type Bytes = Box<dyn Read>;

/// The overlay of the node in `folder`, which has this manifest. The inner error says in words what is missing.
pub(super) fn overlay(folder: &Path, manifest: &Value) -> Result<Result<Bytes, String>> {
    let Ok(delivery) =
        manifest.get("delivery").cloned().map_or(Ok(Delivery::default()), serde_json::from_value)
    else {
        return Ok(Err("it was built with an unknown delivery".to_owned()));
    };
    let beside = folder.parent().unwrap_or(folder);
    match delivery {
        Delivery::Image | Delivery::Download => Ok(match open(&folder.join(OVERLAY))? {
            Some(file) => Ok(Box::new(BufReader::new(file))),
            None => Err(format!("its {OVERLAY} is missing")),
        }),
        Delivery::Shared => of_image(&beside.join(SHARED), &layers(manifest)),
        Delivery::Http => of_files(&beside.join(LAYERS), &layers(manifest)),
    }
}

fn layers(manifest: &Value) -> Vec<NamedLayer> {
    serde_json::from_value(manifest["layers"].clone()).unwrap_or_default()
}

fn of_image(path: &Path, layers: &[NamedLayer]) -> Result<Result<Bytes, String>> {
    let Some(mut image) = open(path)? else { return Ok(Err(format!("there is no {}", path.display()))) };
    let Ok(listing) = read_image(&mut image) else {
        return Ok(Err(format!("{} is not a valid shared image", path.display())));
    };
    join(layers, path, |layer| {
        let name = layer.sha256.to_string();
        let Some(file) = listing.files.iter().find(|file| file.name == name) else { return Ok(None) };
        Ok(Some(Box::new(file.open(fs::File::open(path)?)?)))
    })
}

fn of_files(folder: &Path, layers: &[NamedLayer]) -> Result<Result<Bytes, String>> {
    join(layers, folder, |layer| {
        Ok(open(&folder.join(layer.sha256.to_string()))?.map(|file| Box::new(file) as Bytes))
    })
}

/// The layers one after the other.
fn join(
    layers: &[NamedLayer],
    place: &Path,
    part: impl Fn(&NamedLayer) -> Result<Option<Bytes>>,
) -> Result<Result<Bytes, String>> {
    let mut joined: Bytes = Box::new(io::empty());
    for layer in layers {
        let Some(bytes) = part(layer)? else {
            return Ok(Err(format!(
                "{} does not contain the layer of `{}`",
                place.display(),
                layer.name.escape_debug()
            )));
        };
        joined = Box::new(joined.chain(BufReader::new(bytes)));
    }
    Ok(Ok(joined))
}

/// Opens a file, if there is one.
pub(super) fn open(path: &Path) -> Result<Option<fs::File>> {
    match fs::File::open(path) {
        Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {
            Ok(None)
        }
        file => Ok(Some(file?)),
    }
}
