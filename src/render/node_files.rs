//! The files of a node that do not come from a release: rendered templates, collected files, and the lists that first boot reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{COMPONENTS_LIST, FILES_LIST};
use crate::diagnostic::{Diagnostic, Malformed, Report, Source};
use crate::digest::Sha256;
use crate::guest::{GuestPath, Mode};
use crate::layer::{IndexKind, LayerIndex};
use crate::plan::{FileOrigin, NodePlan, Origin, Plan, PlannedFile, PlannedService};

/// A guest file with its contents.
#[derive(Clone, Debug)]
pub struct NodeFile {
    /// Its path in the guest.
    pub path: GuestPath,
    /// Its permissions.
    pub mode: Mode,
    /// The component that it belongs to.
    pub component: String,
    /// Its contents.
    pub bytes: Arc<[u8]>,
    /// Their digest.
    pub sha256: Sha256,
    /// Whether it is the same on every node that runs the component.
    pub is_common: bool,
    /// Who wrote it.
    pub origin: FileOrigin,
}

/// Renders the files of nodes, and those that are the same everywhere only once.
pub struct NodeFiles<'a> {
    plan: &'a Plan,
    shared: BTreeMap<String, (Arc<[u8]>, Sha256)>,
    /// Templates that did not render for some node: that is reported, and may have taken all the fuel.
    failed: BTreeSet<String>,
}

impl<'a> NodeFiles<'a> {
    /// A renderer for the nodes of a plan.
    pub fn new(plan: &'a Plan) -> Self {
        Self { plan, shared: BTreeMap::new(), failed: BTreeSet::new() }
    }

    /// The files of a node, sorted by path. Those that do not render are left out; `report` says why.
    pub fn of(&mut self, node: &NodePlan, report: &mut Report) -> Vec<NodeFile> {
        let is_sound = |file: &&PlannedFile| match &file.origin {
            Origin::Template { sees, .. } => !self.plan.unsound.contains(sees),
            Origin::Copy { .. } => true,
        };
        let files: Vec<_> = node.files.iter().filter(is_sound).collect();
        files.into_iter().filter_map(|file| self.render(node, file, report)).collect()
    }

    /// One file of a node.
    pub fn render(&mut self, node: &NodePlan, file: &PlannedFile, report: &mut Report) -> Option<NodeFile> {
        let ((bytes, sha256), is_common, origin) = match &file.origin {
            Origin::Copy { bytes, sha256, name } => {
                ((Arc::clone(bytes), *sha256), true, FileOrigin::File(name.clone()))
            }
            Origin::Template { template, sees } => {
                let text = self.text(node, file, template, sees, report)?;
                (text, self.shared.contains_key(template), FileOrigin::Template(template.clone()))
            }
        };
        let (path, component) = (file.path.clone(), file.component.clone());
        Some(NodeFile { path, mode: file.mode, component, bytes, sha256, is_common, origin })
    }

    fn text(
        &mut self,
        node: &NodePlan,
        file: &PlannedFile,
        template: &str,
        sees: &str,
        report: &mut Report,
    ) -> Option<(Arc<[u8]>, Sha256)> {
        if let Some(known) = self.shared.get(template) {
            return Some(known.clone());
        }
        if self.failed.contains(template) {
            return None;
        }
        let templates = &self.plan.templates;
        let context = self.plan.context.of_node(sees, node.index);
        let Some(text) = templates.render(template, &context, false, report) else {
            self.failed.insert(template.to_owned());
            return None;
        };
        if let Some(found) = Malformed::find(file.path.as_str(), &text) {
            let message = format!("the rendered {} is not valid {}: {}", file.path, found.kind, found.reason);
            let span = found.span(&text);
            let source = Source::new(file.path.as_str(), text);
            let help = format!("this is what the template `{template}` gives on `{}`", node.name);
            report.push(Diagnostic::error(message).at(&source, span, "").help(help));
            return None;
        }
        let sha256 = Sha256::of(&text);
        let known: (Arc<[u8]>, _) = (text.into_bytes().into(), sha256);
        if templates.is_same_everywhere(template) {
            self.shared.insert(template.to_owned(), known.clone());
        }
        Some(known)
    }
}

/// The two lists by which first boot knows what belongs to whom, and what to start. `layers` are the indexes of the
/// node's other layers with the component of each.
pub fn lists(node: &NodePlan, layers: &[(&str, &LayerIndex)], own: &[NodeFile]) -> Vec<NodeFile> {
    let mut lines: Vec<String> = Vec::new();
    for (component, index) in layers {
        for entry in &index.entries {
            let state = match &entry.kind {
                IndexKind::File { sha256, .. } => format!("{sha256}{}", entry.mode),
                IndexKind::Symlink { target } => format!("{}link", Sha256::of(target)),
                IndexKind::Directory => continue,
            };
            lines.push(format!("{component}\t{state}\t{}\n", entry.path));
        }
    }
    for file in own {
        let state = format!("{}{}", file.sha256, file.mode);
        lines.push(format!("{}\t{state}\t{}\n", file.component, file.path));
    }
    // Byte order, as comm(1) in the C locale wants it.
    lines.sort();
    let component = |service: &PlannedService| {
        let health = service.health.as_deref().unwrap_or("-");
        format!("{}\t{}\t{health}\t{}\n", service.component, service.units.join(","), service.timeout)
    };
    let components: Vec<_> = node.services.iter().map(component).collect();
    let list = |name: &str, text: String| NodeFile {
        path: format!("{}/{name}", node.format.lists()).parse().expect("constant parts make a guest path"),
        mode: Mode::FILE,
        component: "imgbuild".to_owned(),
        sha256: Sha256::of(&text),
        bytes: text.into_bytes().into(),
        is_common: false,
        origin: FileOrigin::Made,
    };
    vec![list(COMPONENTS_LIST, components.concat()), list(FILES_LIST, lines.concat())]
}
