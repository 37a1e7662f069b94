//! The parts of `CycloneDX` 1.5 (JSON form) that a node's bill uses.

use serde::Serialize;

use crate::digest::Sha256;
use crate::release::ProblemSeverity;

/// A bill of materials.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bill {
    pub(super) bom_format: &'static str,
    pub(super) spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_number: Option<String>,
    pub(super) version: u32,
    pub(super) metadata: Metadata,
    pub(super) components: Vec<BomComponent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) vulnerabilities: Vec<Vulnerability>,
}

#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    pub(super) timestamp: String,
    pub(super) tools: Tools,
    pub(super) component: BomComponent,
}

#[derive(Debug, Serialize)]
pub(super) struct Tools {
    pub(super) components: Vec<BomComponent>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BomComponent {
    #[serde(rename = "type")]
    pub(super) kind: BomComponentKind,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) licenses: Vec<License>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) external_references: Vec<Reference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) components: Vec<BomComponent>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum BomComponentKind {
    Application,
    #[default]
    File,
    Platform,
}

#[derive(Debug, Serialize)]
pub(super) struct Hash {
    alg: &'static str,
    content: Sha256,
}

impl From<Sha256> for Hash {
    fn from(content: Sha256) -> Self {
        Self { alg: "SHA-256", content }
    }
}

/// An SPDX expression, of which a single identifier is one.
#[derive(Debug, Serialize)]
pub(super) struct License {
    pub(super) expression: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Reference {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) url: String,
    pub(super) hashes: Vec<Hash>,
}

/// A fact that the format has no place for. The names begin with `imgbuild:`.
#[derive(Debug, Serialize)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) value: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Vulnerability {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ratings: Vec<Rating>,
    pub(super) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recommendation: Option<String>,
    pub(super) affects: Vec<Affected>,
}

#[derive(Debug, Serialize)]
pub(super) struct Rating {
    pub(super) severity: ProblemSeverity,
}

#[derive(Debug, Serialize)]
pub(super) struct Affected {
    #[serde(rename = "ref")]
    pub(super) reference: String,
}
