//! `imgbuild inspect`: lists what is in something that imgbuild wrote, without reading the payload.
#![expect(clippy::disallowed_methods, reason = "edge: reads manifests, images' trees and stores' folders")]

use std::io;
use std::path::Path;

use serde::Serialize;

use crate::audit::{self, AuditKind};
use crate::bundle::{Bundle, Part};
use crate::failure::{Exit, Failure};
use crate::iso9660::read_image;
use crate::output::{Found, MANIFEST, NodeFolder};
use crate::terminal::Console;

/// A file of an image or a store.
#[derive(Serialize)]
struct Listed {
    name: String,
    size: u64,
}

/// What is at `path`, which is something that imgbuild writes.
pub(super) fn kind(path: &Path) -> Result<AuditKind, Failure> {
    const EXPECTED: &str = "a bundle, a node's folder, an image or a store";
    const HELP: &str = "build first: `imgbuild --all` writes a folder for each node, such as `out/ptrn-1`; `imgbuild bundle -o FILE` a bundle";
    audit::kind(path).map_err(|error| match error.downcast::<io::Error>() {
        Ok(error) => Failure::unreadable(path, EXPECTED, &error, HELP),
        Err(error) => {
            let help = format!("name {EXPECTED}, such as `out/ptrn-1`");
            Failure::Refused { exit: Exit::Failed, message: error.to_string(), help }
        }
    })
}

/// Lists what is at `path`.
pub(super) fn run(path: &Path, console: &Console) -> Result<(), Failure> {
    match kind(path)? {
        AuditKind::Bundle => bundle(&Bundle::open(path)?, console),
        AuditKind::Node => manifest(path, console),
        AuditKind::Seed | AuditKind::Shared => {
            let mut image = fs_err::File::open(path)?;
            let listing = read_image(&mut image).map_err(|error| Failure::Integrity {
                message: format!("`{}`: {error}", path.display()),
                help: "build the node again".to_owned(),
            })?;
            let files = listing.files.into_iter().map(|file| Listed { name: file.name, size: file.size });
            let head = format!("seed image {}, {} bytes", listing.label, listing.size);
            list(head, &files.collect::<Vec<_>>(), console)
        }
        AuditKind::Store => {
            let mut files = Vec::new();
            for entry in fs_err::read_dir(path.join("sha256"))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                files.push(Listed { name, size: entry.metadata()?.len() });
            }
            files.sort_by(|one, other| one.name.cmp(&other.name));
            list(format!("store, {} files", files.len()), &files, console)
        }
    }
}

fn bundle(bundle: &Bundle, console: &Console) -> Result<(), Failure> {
    let index = bundle.index();
    if console.json {
        return Ok(Console::data_json(index)?);
    }
    let (nodes, size) = (index.nodes.join(", "), bundle.size());
    let head =
        format!("bundle of {}, for {nodes}, by imgbuild {}, {size} bytes", index.cluster, index.imgbuild);
    let line = |part: &Part| row(part.size, &format!("{}  {}  {}", part.sha256, part.path, part.title()));
    lines(head, index.parts.iter().map(line))
}

fn manifest(path: &Path, console: &Console) -> Result<(), Failure> {
    let manifest = match NodeFolder::open(path)? {
        Some(Found::Whole(node)) => node.manifest,
        Some(Found::Unusable(why)) => return Err(damaged(path, &why)),
        None => return Err(damaged(path, "it is missing")),
    };
    if console.json {
        return Ok(Console::data_json(&manifest)?);
    }
    let head = format!(
        "node {} of {} ({}): {}, by imgbuild {}",
        manifest.node,
        manifest.cluster,
        manifest.arch,
        manifest.components.join(", "),
        manifest.imgbuild
    );
    let artifacts = manifest.artifacts.iter();
    let artifacts =
        artifacts.map(|artifact| format!("{} {}  {}", artifact.name, artifact.version, artifact.sha256));
    let outputs = manifest.outputs.iter();
    let outputs = outputs.map(|(name, file)| row(file.size, &format!("{}  {name}", file.sha256)));
    lines(head, artifacts.chain(outputs))
}

fn damaged(folder: &Path, why: &str) -> Failure {
    Failure::Integrity {
        message: format!("`{}`: {why}", folder.join(MANIFEST).display()),
        help: "build the node again".to_owned(),
    }
}

fn list(head: String, files: &[Listed], console: &Console) -> Result<(), Failure> {
    if console.json {
        return Ok(Console::data_json(&files)?);
    }
    lines(head, files.iter().map(|file| row(file.size, &file.name)))
}

fn row(size: u64, text: &str) -> String {
    format!("{size:>12}  {text}")
}

/// Prints lines; names may contain anything.
fn lines(head: String, rows: impl Iterator<Item = String>) -> Result<(), Failure> {
    let lines = std::iter::once(head).chain(rows).map(|line| line.replace('\n', "\\n") + "\n");
    Ok(Console::lines(&lines.collect::<String>())?)
}
