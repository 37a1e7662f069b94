//! Gathers what goes on a node from its plan, from finished layers and from rendered files.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use super::model::{
    Affected, Bill, BomComponent, BomComponentKind, License, Metadata, Property, Rating, Reference, Tools,
    Vulnerability,
};
use crate::date::Date;
use crate::digest::Sha256;
use crate::layer::{IndexKind, LayerIndex};
use crate::plan::{LayerPlan, NodePlan};
use crate::release::{Artifact, KnownProblem};
use crate::render::NodeFile;

/// The bill of a node. `layers` has what is known of finished layers, by their keys; of the others the files are listed
/// as the components declare them, without digests. `epoch` is its time, in seconds since 1970.
///
/// The same node gives the same bytes: the serial number follows from the rest (an UUID of version 8, RFC 9562, 5.8).
pub(crate) fn bill(
    node: &NodePlan,
    layers: &BTreeMap<Sha256, LayerIndex>,
    rendered: &[NodeFile],
    epoch: u64,
) -> Result<Bill, serde_json::Error> {
    let mut releases: BTreeMap<String, BomComponent> = BTreeMap::new();
    let mut files = Vec::new();
    for layer in &node.layers {
        files.extend(layer.files.iter().map(|file| {
            let owner = Some(("imgbuild:component", layer.component.clone()));
            self::file(file.path.as_str(), Some(file.sha256), owner)
        }));
        let Some(artifact) = &layer.artifact else { continue };
        let entry = releases.entry(artifact.title()).or_insert_with(|| release(artifact));
        entry.components.extend(installed(layer, layers.get(&layer.key)));
    }
    files.extend(rendered.iter().map(|one| {
        let owner = Some(("imgbuild:component", one.component.clone()));
        file(one.path.as_str(), Some(one.sha256), owner)
    }));
    // A digest of a secret would help to guess it.
    let private = |one: &crate::plan::PlannedSecret| {
        file(one.path.as_str(), None, Some(("imgbuild:secret-of", one.component.clone())))
    };
    files.extend(node.private.iter().map(private));
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let mut bill = Bill {
        bom_format: "CycloneDX",
        spec_version: "1.5",
        serial_number: None,
        version: 1,
        metadata: metadata(node, epoch),
        components: releases.into_values().chain(files).collect(),
        vulnerabilities: vulnerabilities(node),
    };
    bill.serial_number = Some(serial_number(Sha256::of(serde_json::to_vec(&bill)?)));
    Ok(bill)
}

fn metadata(node: &NodePlan, epoch: u64) -> Metadata {
    let (hour, minute, second) = (epoch / 3600 % 24, epoch / 60 % 60, epoch % 60);
    let imgbuild = BomComponent {
        kind: BomComponentKind::Application,
        name: "imgbuild".to_owned(),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..BomComponent::default()
    };
    Metadata {
        timestamp: format!("{}T{hour:02}:{minute:02}:{second:02}Z", Date::from_epoch(epoch)),
        tools: Tools { components: vec![imgbuild] },
        component: BomComponent {
            kind: BomComponentKind::Platform,
            name: node.name.clone(),
            ..BomComponent::default()
        },
    }
}

fn release(artifact: &Artifact) -> BomComponent {
    // What no address may hold as it is (RFC 3987, section 2.2), though a pin's may.
    const ODD: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`');
    const STILL_ODD: &AsciiSet = &ODD.add(b'{').add(b'|').add(b'}');
    let url = utf8_percent_encode(&artifact.url, STILL_ODD).to_string();
    let distribution = Reference { kind: "distribution", url, hashes: vec![artifact.sha256.into()] };
    let known_from = Property { name: "imgbuild:digest-known-from", value: artifact.source.clone() };
    BomComponent {
        kind: BomComponentKind::Application,
        reference: Some(artifact.title()),
        name: artifact.release.clone(),
        version: Some(artifact.version.clone()),
        hashes: vec![artifact.sha256.into()],
        licenses: artifact.license.iter().map(|id| License { expression: id.clone() }).collect(),
        purl: Some(purl(artifact)),
        external_references: vec![distribution],
        properties: vec![
            Property { name: "imgbuild:architecture", value: artifact.arch.to_string() },
            known_from,
        ],
        components: Vec::new(),
    }
}

/// The name under which scanners know it: of the type `generic`, which is for files that are downloaded as they are.
fn purl(artifact: &Artifact) -> String {
    const WORD: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');
    let word = |text: &str| utf8_percent_encode(text, WORD).to_string();
    format!(
        "pkg:generic/{}@{}?arch={}&checksum=sha256:{}&download_url={}",
        word(&artifact.release),
        word(&artifact.version),
        artifact.arch,
        artifact.sha256,
        word(&artifact.url)
    )
}

/// What a layer has of its release.
fn installed(layer: &LayerPlan, index: Option<&LayerIndex>) -> Vec<BomComponent> {
    let Some(index) = index else {
        let declared = Some(("imgbuild:files", "as declared, not looked at".to_owned()));
        let paths = layer.install.iter().map(|(_, to, _)| to);
        return paths.map(|path| file(path.as_str(), None, declared.clone())).collect();
    };
    let own: BTreeSet<_> = layer.files.iter().map(|file| &file.path).collect();
    let entries = index.entries.iter().filter(|entry| !own.contains(&entry.path));
    entries
        .filter_map(|entry| match &entry.kind {
            IndexKind::Directory => None,
            IndexKind::Symlink { target } => {
                Some(file(entry.path.as_str(), None, Some(("imgbuild:link-to", target.clone()))))
            }
            IndexKind::File { sha256, .. } => Some(file(entry.path.as_str(), Some(*sha256), None)),
        })
        .collect()
}

fn file(path: &str, sha256: Option<Sha256>, fact: Option<(&'static str, String)>) -> BomComponent {
    BomComponent {
        name: path.to_owned(),
        hashes: sha256.into_iter().map(Into::into).collect(),
        properties: fact.into_iter().map(|(name, value)| Property { name, value }).collect(),
        ..BomComponent::default()
    }
}

/// The known problems of the node's releases, each with the release that has it.
fn vulnerabilities(node: &NodePlan) -> Vec<Vulnerability> {
    let artifacts: BTreeMap<String, &[KnownProblem]> = node
        .layers
        .iter()
        .filter_map(|layer| layer.artifact.as_ref())
        .map(|artifact| (artifact.title(), artifact.problems.as_slice()))
        .collect();
    let vulnerability = |reference: &String, problem: &KnownProblem| Vulnerability {
        id: problem.id.clone(),
        ratings: problem.severity.map(|severity| Rating { severity }).into_iter().collect(),
        description: problem.description.clone(),
        recommendation: problem.fixed_in.as_ref().map(|fix| format!("move to {fix}")),
        affects: vec![Affected { reference: reference.clone() }],
    };
    let each = |(title, problems): (&String, &&[KnownProblem])| {
        problems.iter().map(|problem| vulnerability(title, problem)).collect::<Vec<_>>()
    };
    artifacts.iter().flat_map(each).collect()
}

fn serial_number(digest: Sha256) -> String {
    let hex = digest.to_string();
    format!("urn:uuid:{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_an_uuid_of_version_8() {
        let nothing = "e3b0c44298fc1c149afbf4c8996fb924";
        let number = serial_number(Sha256::of(""));
        assert_eq!(number, "urn:uuid:e3b0c442-98fc-8c14-8afb-f4c8996fb924");
        assert_eq!(number.replace(['-'], "").len(), "urn:uuid:".len() + nothing.len());
    }

    #[test]
    fn the_time_is_the_epochs() {
        let node = NodePlan {
            name: "a".into(),
            index: crate::cluster::NodeIndex::FIRST,
            instance: crate::plan::Instance { id: "a".into(), replaces: None },
            overlay_urls: Vec::new(),
            format: crate::plan::Format::default(),
            layers: Vec::new(),
            files: Vec::new(),
            packages: Vec::new(),
            private: Vec::new(),
            services: Vec::new(),
            folders: vec![],
        };
        assert_eq!(metadata(&node, 951_827_696).timestamp, "2000-02-29T12:34:56Z");
    }
}
