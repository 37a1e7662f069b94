//! Writes an image to a file and reads it back with a reader that shares no code with the writer.

use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;

use super::manifest::OutputFile;
use super::output_file::write_file;
use crate::guest::Mode;
use crate::iso9660::{ExpectedFile, ImageFile, ImageHead, check_written, write_image};

/// A file of an image, with its bytes.
pub(super) type VolumeFile<'a> = (ExpectedFile<'a>, Box<dyn Read + 'a>);

/// Writes an image of these files.
pub(super) fn write_volume(
    path: &Path,
    head: &ImageHead<'_>,
    files: Vec<VolumeFile<'_>>,
    mode: Mode,
) -> Result<OutputFile> {
    let what = || path.file_name().expect("an image has a name").to_string_lossy().into_owned();
    let (expected, contents): (Vec<_>, Vec<_>) = files
        .into_iter()
        .map(|(file, content)| {
            let image = ImageFile::from_reader(file.name, file.mode, file.size, content);
            (file, image)
        })
        .unzip();
    let mut places = Vec::new();
    let size = expected.iter().map(|file| file.size).sum();
    let written = write_file(path, mode, size, |mut file| {
        (places, _) =
            write_image(head, contents, &mut file).with_context(|| format!("writing {}", what()))?;
        Ok(file)
    })?;
    let checked = check_written(&mut fs::File::open(path)?, head.label, &expected, &places);
    checked.with_context(|| format!("reading {} back", what()))?;
    Ok(written)
}
