//! Puts together what is written for a node: its layers, its documents, and what its manifest says.

use std::collections::BTreeMap;
use std::io::Write as _;

use super::documents::documents;
use super::layers::{Layer, Layers};
use super::node_layer::{OwnLayer, RenderedLayer, room_kib};
use super::password;
use crate::diagnostic::Report;
use crate::failure::Failure;
use crate::layer::NamedLayer;
use crate::output::{LayerSource, Manifest, NodeOutput, OutputFile};
use crate::plan::{LayerPlan, NodePlan, Plan};
use crate::profile::{ADMIN_PASSWORD, Secrets};
use crate::render::{NodeSecrets, OverlayFacts, private_files};
use crate::store::Cache;

/// What all nodes of a build share.
pub(super) struct Assembly<'a> {
    pub(super) plan: &'a Plan,
    pub(super) layers: &'a Layers,
    pub(super) cache: &'a Cache,
    secrets: &'a Secrets,
    /// The administrator's password, hashed.
    password: Option<String>,
}

impl<'a> Assembly<'a> {
    /// Of a plan's nodes, whose layers are finished.
    pub(super) fn new(
        plan: &'a Plan,
        layers: &'a Layers,
        cache: &'a Cache,
        secrets: &'a Secrets,
    ) -> Result<Self, Failure> {
        let password = match plan.cluster.system.admin.as_ref().zip(secrets.get(ADMIN_PASSWORD)) {
            None => None,
            Some((admin, password)) => {
                Some(password::hashed(password, &format!("{}/{}", plan.cluster.name, admin.name))?)
            }
        };
        Ok(Self { plan, layers, cache, secrets, password })
    }

    /// What is written for a node.
    pub(super) fn output<'n>(
        &'n self,
        node: &'n NodePlan,
        own: &'n OwnLayer,
    ) -> Result<NodeOutput<'n>, Failure> {
        let secrets = self.secrets(node)?;
        let mut layers =
            node.layers.iter().map(|layer| self.shared_layer(layer)).collect::<Result<Vec<_>, _>>()?;
        layers.extend(own.common.layer.as_ref().map(RenderedLayer::source));
        layers.push(own.own.source());
        let delivery = &self.plan.delivery;
        let listed = if delivery.is_whole() {
            Vec::new()
        } else {
            layers.iter().map(|source| source.layer.clone()).collect()
        };
        let mut joined = own.common.joined.clone();
        joined.write_all(&own.own.bytes)?;
        let (_, sha256, size) = joined.finish();
        let facts = OverlayFacts {
            sha256,
            size,
            room_kib: room_kib(&own.index),
            layers: listed,
            layers_url: delivery.layers_url().map(str::to_owned),
        };
        let documents = documents(self.plan, node, &facts, &secrets).map_err(Report::from)?;
        Ok(NodeOutput {
            layers,
            overlay: OutputFile { size, sha256 },
            delivery,
            documents,
            epoch: self.plan.epoch,
            manifest: Manifest { secrets: !secrets.is_empty(), ..self.manifest(node) },
        })
    }

    /// A layer that nodes share.
    pub(super) fn shared_layer(&self, layer: &LayerPlan) -> Result<LayerSource<'static>, Failure> {
        let Layer { sha256, size, .. } = self.layers[&layer.key];
        let content = self.layers[&layer.key].read(self.cache)?;
        Ok(LayerSource { layer: NamedLayer { name: layer.component.clone(), sha256, size }, content })
    }

    /// What the node's user-data has of secrets, those among them that were generated after the rendering.
    fn secrets(&self, node: &NodePlan) -> Result<NodeSecrets, Failure> {
        let mut report = Report::new();
        let files = private_files(self.plan, node, self.secrets, &mut report);
        if report.has_errors() {
            return Err(Failure::Invalid(report));
        }
        Ok(NodeSecrets { files, password: self.password.clone() })
    }

    fn manifest(&self, node: &NodePlan) -> Manifest {
        let member = node.member(self.plan);
        Manifest {
            imgbuild: env!("CARGO_PKG_VERSION").to_owned(),
            cluster: self.plan.cluster.name.clone(),
            node: node.name.clone(),
            instance_id: node.instance.id.clone(),
            arch: member.arch,
            components: member.components.clone(),
            members: self.plan.cluster.member_lists(node.index),
            artifacts: node.artifacts().map(Into::into).collect(),
            delivery: (&self.plan.delivery).into(),
            secrets: false,
            overlay: None,
            layers: Vec::new(),
            outputs: BTreeMap::new(),
        }
    }
}
