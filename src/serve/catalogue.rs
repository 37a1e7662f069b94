//! The files that are served: those that manifests list, by URL path.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::served_folder::ServedFolder;
use crate::digest::Sha256;
use crate::output::{Found, LAYERS, MANIFEST, Manifest, NodeFolder, OutputFile};

/// A file that a manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The path at which it is served.
    pub path: String,
    /// What it is to people: a file's name, a component, a node.
    pub name: String,
    /// The node, where only that one has a use for it.
    pub node: Option<String>,
    /// Its size.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
}

/// All that the manifests of a folder name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// By path: `NODE/FILE` and `layers/SHA256`.
    pub items: BTreeMap<String, Item>,
    /// The nodes that have a manifest.
    pub nodes: BTreeSet<String>,
    /// What is wrong with manifests that cannot be used.
    pub problems: Vec<String>,
}

impl Catalogue {
    /// Reads the manifests of all nodes in a folder.
    pub fn read(folder: &ServedFolder) -> io::Result<Self> {
        let mut catalogue = Self::default();
        for name in folder.names()? {
            let path = format!("{name}/{MANIFEST}");
            let file = match folder.file(&path) {
                Ok((file, _)) => file,
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    catalogue.problems.push(format!(
                        "cannot read {path}: only its owner can read the files of a node with secrets"
                    ));
                    continue;
                }
                Err(_) => continue,
            };
            match NodeFolder::read(file)? {
                Found::Whole(node) => catalogue.add(&name, node.manifest),
                Found::Unusable(why) => {
                    catalogue.problems.push(format!("cannot parse manifest {path}: {why}"));
                }
            }
        }
        Ok(catalogue)
    }

    fn add(&mut self, node: &str, manifest: Manifest) {
        self.nodes.insert(node.to_owned());
        for (name, OutputFile { size, sha256 }) in manifest.outputs {
            let path = format!("{node}/{name}");
            let node = Some(node.to_owned());
            self.items.insert(path.clone(), Item { path: format!("/{path}"), name, node, size, sha256 });
        }
        let own = manifest.layers.len().saturating_sub(1);
        for (number, layer) in manifest.layers.into_iter().enumerate() {
            let path = format!("{LAYERS}/{}", layer.sha256);
            let node = (number == own).then(|| node.to_owned());
            let item = Item {
                path: format!("/{path}"),
                name: layer.name,
                node,
                size: layer.size,
                sha256: layer.sha256,
            };
            self.items.insert(path, item);
        }
    }
}
