//! manifest.json: the record of a build's outputs and inputs.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::delivery::DeliveryKind;
use super::digests::SeedDigests;
use super::names::{DOCUMENTS, IMAGE, SEED_FILES, USER_DATA};
use crate::digest::Sha256;
use crate::layer::NamedLayer;
use crate::release::{Arch, Artifact};

/// The addresses of nodes, by component and node.
pub type MemberLists = BTreeMap<String, BTreeMap<String, IpAddr>>;

/// What came out of the build of one node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of imgbuild.
    pub imgbuild: String,
    /// The cluster's name.
    pub cluster: String,
    /// The node's name.
    pub node: String,
    /// What cloud-init knows this instance by.
    pub instance_id: String,
    /// The node's architecture.
    pub arch: Arch,
    /// What runs on the node.
    pub components: Vec<String>,
    /// Where the members were that a component of the node keeps a list of, by component and node.
    #[serde(default, skip_serializing_if = "MemberLists::is_empty")]
    pub members: MemberLists,
    /// The artifacts that are in the overlay, or that the node fetches itself.
    pub artifacts: Vec<ManifestArtifact>,
    /// How the node gets its layers.
    #[serde(default)]
    pub delivery: DeliveryKind,
    /// Whether the node has secrets: then only its owner can read user-data, the seed, and the manifest with their sizes and
    /// digests, by which others could try guesses.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secrets: bool,
    /// The overlay that they join to, whether or not it is among the files.
    #[serde(default)]
    pub overlay: Option<OutputFile>,
    /// The layers, in order; the node's own is the last.
    #[serde(default)]
    pub layers: Vec<NamedLayer>,
    /// The files beside the manifest.
    pub outputs: BTreeMap<String, OutputFile>,
}

impl Manifest {
    /// The file's text.
    pub(super) fn to_text(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Whether this output is private, and with it its size and digest.
    pub fn is_private(&self, name: &str) -> bool {
        self.secrets && [USER_DATA, IMAGE].contains(&name)
    }

    /// The files beside the manifest that are on the seed too.
    pub fn seed_files(&self) -> &'static [&'static str] {
        if self.delivery.is_whole() { &SEED_FILES } else { &DOCUMENTS }
    }

    /// What the seed holds: those files, and the node's own layer where it comes with its seed alone.
    pub fn seed_digests(&self) -> SeedDigests {
        let beside = self.seed_files().iter().filter_map(|name| {
            let file = self.outputs.get(*name)?;
            Some(((*name).to_owned(), file.sha256))
        });
        let own = self.layers.last().filter(|_| self.delivery == DeliveryKind::Shared);
        SeedDigests(beside.chain(own.map(|own| (own.sha256.to_string(), own.sha256))).collect())
    }
}

/// An artifact, as the manifest names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ManifestArtifact {
    /// The release's name.
    pub name: String,
    /// The release's version.
    pub version: String,
    /// Where upstream publishes it.
    pub url: String,
    /// Its digest.
    pub sha256: Sha256,
    /// Where the digest is known from.
    pub source: String,
}

/// A file that a build wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
}

/// All that is in a manifest, as text, but for its outputs and the digests of what they hold: what the outputs were made of.
pub(super) fn facts(mut manifest: Value) -> String {
    if let Some(manifest) = manifest.as_object_mut() {
        manifest.retain(|name, _| !["outputs", "overlay", "layers"].contains(&name.as_str()));
    }
    format!("{manifest:#}\n")
}

impl From<&Artifact> for ManifestArtifact {
    fn from(artifact: &Artifact) -> Self {
        Self {
            name: artifact.release.clone(),
            version: artifact.version.clone(),
            url: artifact.url.clone(),
            sha256: artifact.sha256,
            source: artifact.source.clone(),
        }
    }
}
