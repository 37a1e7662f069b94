//! The layers of what was rendered: one that all nodes with the same components share, and each node's own.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context as _, Result};

use crate::build::layers::{self, Layers};
use crate::digest::{HashingWriter, Sha256};
use crate::failure::Failure;
use crate::layer::{
    Content, IndexKind, LayerEntry, LayerIndex, MembersWriter, NamedLayer, Tree, end_of_archive, write_layer,
};
use crate::output::LayerSource;
use crate::plan::{NodePlan, Plan};
use crate::release::Arch;
use crate::render::{NodeFile, lists, programs};
use crate::store::Cache;

/// What the layer is called that nodes with the same components share.
const COMMON: &str = "cluster";

/// A layer in memory.
pub(super) struct RenderedLayer {
    /// What it is.
    pub layer: NamedLayer,
    /// Its bytes.
    pub bytes: Vec<u8>,
    index: LayerIndex,
}

impl RenderedLayer {
    fn new(name: &str, files: Vec<NodeFile>, epoch: u64) -> Result<Self> {
        let mut tree = Tree::default();
        for file in files {
            tree.insert(file.path, LayerEntry::file(file.mode, Content::Bytes(Arc::clone(&file.bytes))))?;
        }
        let mut compressed = MembersWriter::new(Vec::new(), NonZero::<usize>::MIN);
        let index = write_layer(&tree, &mut io::empty(), epoch, &mut compressed)?;
        Ok(Self::of(name, compressed.finish()?, index))
    }

    fn of(name: &str, bytes: Vec<u8>, index: LayerIndex) -> Self {
        let layer =
            NamedLayer { name: name.to_owned(), sha256: Sha256::of(&bytes), size: bytes.len() as u64 };
        Self { layer, bytes, index }
    }

    /// The same layer with the end of the archive.
    fn ended(self) -> Result<Self> {
        let bytes = [self.bytes, end_of_archive()?].concat();
        Ok(Self::of(&self.layer.name, bytes, self.index))
    }

    /// The layer with its bytes.
    pub(super) fn source(&self) -> LayerSource<'_> {
        LayerSource { layer: self.layer.clone(), content: Box::new(&self.bytes[..]) }
    }
}

/// What nodes with the same components have of their overlays in common.
pub(super) struct Common {
    /// The files that are rendered alike, if there are any.
    pub layer: Option<RenderedLayer>,
    /// All layers but the nodes' own, joined: each overlay's digest goes on from there.
    pub joined: HashingWriter<io::Sink>,
}

/// A node's own layer, the last of its overlay.
pub(super) struct OwnLayer {
    /// What stands before it.
    pub common: Rc<Common>,
    /// The layer, with the end of the archive.
    pub own: RenderedLayer,
    /// What is in the whole overlay.
    pub index: LayerIndex,
}

/// Makes the layers of nodes.
pub(super) struct Renderer<'a> {
    plan: &'a Plan,
    cache: &'a Cache,
    layers: &'a Layers,
    known: BTreeMap<(&'a [String], Arch), Rc<Common>>,
}

impl<'a> Renderer<'a> {
    /// For the nodes of a plan, whose other layers are finished.
    pub(super) fn new(plan: &'a Plan, cache: &'a Cache, layers: &'a Layers) -> Self {
        Self { plan, cache, layers, known: BTreeMap::new() }
    }

    /// A node's own layer of these files, and what stands before it. What a release's folder holds is known only now, so
    /// that its paths are compared with all others here.
    pub(super) fn own_layer(
        &mut self,
        node: &NodePlan,
        mut files: Vec<NodeFile>,
    ) -> Result<OwnLayer, Failure> {
        let indexes: Vec<(&str, &LayerIndex)> = node
            .layers
            .iter()
            .map(|layer| (layer.component.as_str(), &self.layers[&layer.key].index))
            .collect();
        files.extend(programs(node));
        let lists = lists(node, &indexes, &files);
        files.extend(lists);
        let (alike, own): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.is_common);
        let common = self.common(node, alike)?;
        let context = || format!("building `{}`", node.name);
        let own = RenderedLayer::new(&node.name, own, self.plan.epoch).and_then(RenderedLayer::ended);
        let own = own.with_context(context)?;
        let before = indexes.iter().map(|(_, index)| *index);
        let before = before.chain(common.layer.as_ref().map(|layer| &layer.index));
        let index = LayerIndex::merge(before.chain([&own.index]));
        let index = index.with_context(context)?;
        Ok(OwnLayer { common, own, index })
    }

    /// What is the same for every node with the components of this one; made for the first of them.
    fn common(&mut self, node: &NodePlan, files: Vec<NodeFile>) -> Result<Rc<Common>, Failure> {
        let member = node.member(self.plan);
        let key = (&member.components[..], member.arch);
        if let Some(common) = self.known.get(&key) {
            return Ok(Rc::clone(common));
        }
        let layer = (!files.is_empty()).then(|| RenderedLayer::new(COMMON, files, self.plan.epoch));
        let layer = layer.transpose()?;
        let mut joined = layers::joined(&node.layers, self.layers, self.cache)?;
        if let Some(layer) = &layer {
            io::copy(&mut &layer.bytes[..], &mut joined)?;
        }
        let common = Rc::new(Common { layer, joined });
        self.known.insert(key, Rc::clone(&common));
        Ok(common)
    }
}

/// What an overlay's files need on a node's disk with blocks of 4 KiB.
pub(super) fn room_kib(index: &LayerIndex) -> u64 {
    let kib = |kind: &IndexKind| match kind {
        IndexKind::File { size, .. } => size.div_ceil(4096) * 4,
        IndexKind::Directory | IndexKind::Symlink { .. } => 4,
    };
    index.entries.iter().map(|entry| kib(&entry.kind)).sum()
}
