//! The set of components that several nodes share: resolved once for all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::checks;
use super::claims::Claims;
use super::inputs::Inputs;
use super::installs::{installed, unpacked_by_node};
use super::layer::{LayerFile, LayerParts, LayerPlan};
use super::node::{FileOrigin, Origin, PlannedFile, PlannedSecret, PlannedService};
use super::services::setting_of_port;
use crate::cluster::{Cluster, Member};
use crate::component::{Component, FolderFile, HEALTH_TIMEOUT, Syntax};
use crate::diagnostic::{Diagnostic, Document, Report, Source, Step, meant};
use crate::digest::Sha256;
use crate::guest::{GuestPath, Mode};
use crate::release::Arch;
use crate::template::{SUFFIX, Templates};

/// The folder of a component that is laid out as the guest's root.
const FILES: &str = "files";
/// The same for files that hold secrets.
const PRIVATE: &str = "private";

/// What a list of components amounts to on an architecture.
#[derive(Default)]
pub(super) struct ComponentSet {
    pub(super) layers: Vec<Arc<LayerPlan>>,
    pub(super) files: Vec<PlannedFile>,
    pub(super) private: Vec<PlannedSecret>,
    pub(super) services: Vec<PlannedService>,
    /// Folders whose files are of one kind.
    pub(super) folders: Vec<(GuestPath, Syntax)>,
}

/// The shapes of a cluster, each made when it is first asked for.
pub(super) struct Shapes<'a> {
    inputs: &'a Inputs<'a>,
    cluster: &'a Cluster,
    templates: &'a Templates,
    known: BTreeMap<(Vec<String>, Arch), Arc<ComponentSet>>,
    layers: BTreeMap<(String, Arch), Arc<LayerPlan>>,
}

impl<'a> Shapes<'a> {
    pub(super) fn new(inputs: &'a Inputs<'a>, cluster: &'a Cluster, templates: &'a Templates) -> Self {
        Self { inputs, cluster, templates, known: BTreeMap::new(), layers: BTreeMap::new() }
    }

    /// The shape of a node. What is wrong with it is reported once, with the first node that has it.
    pub(super) fn of(&mut self, member: &Member, report: &mut Report) -> Arc<ComponentSet> {
        let key = (member.components.clone(), member.arch);
        if let Some(shape) = self.known.get(&key) {
            return Arc::clone(shape);
        }
        let mut shape = ComponentSet::default();
        for name in &member.components {
            let component = &self.inputs.components[name];
            shape.layers.extend(self.layer(component, member.arch, report));
            shape.files.extend(own_files(component, report));
            shape.files.extend(self.collected(component, report));
            let collects = component.spec.collects.iter();
            shape.folders.extend(collects.filter_map(|one| Some((one.into.clone(), one.syntax?))));
            shape.private.extend(private_files(component, self.templates, report));
            if !component.spec.units.is_empty() {
                shape.services.push(PlannedService {
                    component: name.clone(),
                    units: component.spec.units.clone(),
                    health: component.spec.health.as_ref().map(|health| health.url.clone()),
                    timeout: component.spec.health.as_ref().map_or(HEALTH_TIMEOUT, |health| health.timeout),
                });
            }
        }
        shape.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.claim(member, &shape, report);
        self.inputs.request.layers.format.check(&shape, report);
        checks::owned(&member.components, &shape, self.inputs.components, report);
        let shape = Arc::new(shape);
        self.known.insert(key, Arc::clone(&shape));
        shape
    }

    fn layer(&mut self, component: &Component, arch: Arch, report: &mut Report) -> Option<Arc<LayerPlan>> {
        let key = (component.name.clone(), arch);
        if !self.layers.contains_key(&key) {
            let release = component.spec.release.as_ref().filter(|_| !component.spec.install.is_empty());
            let artifact = release.and_then(|name| self.inputs.releases.artifact(name, arch, report));
            let delivery = &self.inputs.request.delivery;
            let fetched_from = artifact.as_ref().and_then(|artifact| delivery.download_url(artifact));
            if let Some(artifact) = artifact.as_ref().filter(|_| fetched_from.is_some()) {
                unpacked_by_node(artifact, &self.inputs.releases.document, report);
            }
            let install = installed(component, artifact.as_ref(), report);
            if let Some(artifact) = &artifact {
                self.inputs.releases.readable(artifact, report);
            }
            let files = component.folder(FILES).filter(|(path, _)| !path.ends_with(SUFFIX));
            let files = files.filter_map(|(path, file)| {
                let path = guest_path(path, file, report)?;
                let mode = mode(component, &path, &file.bytes);
                Some(LayerFile::new(path, mode, Arc::clone(&file.bytes), FileOrigin::File(file.name.clone())))
            });
            let parts = LayerParts { artifact, fetched_from, install, files: files.collect() };
            let layer = LayerPlan::new(component, arch, self.inputs.request.layers, parts);
            self.layers.insert(key.clone(), Arc::new(layer));
        }
        self.layers.get(&key).filter(|layer| !layer.is_empty()).cloned()
    }

    fn collected(&self, component: &Component, report: &mut Report) -> Vec<PlannedFile> {
        let mut files = Vec::new();
        for collect in &component.spec.collects {
            let sources = self.cluster.services.keys().filter_map(|name| self.inputs.components.get(name));
            for source in sources {
                for (relative, file) in source.folder(&collect.folder) {
                    let plain = relative.strip_suffix(SUFFIX);
                    let Ok(path) = collect.into.join(plain.unwrap_or(relative)) else {
                        report.push(Diagnostic::error(format!(
                            "`{}` is not a valid file name in a guest",
                            file.name
                        )));
                        continue;
                    };
                    let origin = if plain.is_some() {
                        let template = format!("{}/{}/{relative}", source.name, collect.folder);
                        Origin::Template { template, sees: source.name.clone() }
                    } else {
                        Origin::Copy {
                            sha256: Sha256::of(&file.bytes),
                            bytes: Arc::clone(&file.bytes),
                            name: file.name.clone(),
                        }
                    };
                    files.push(PlannedFile {
                        path,
                        mode: Mode::FILE,
                        component: component.name.clone(),
                        origin,
                    });
                }
            }
        }
        files
    }

    /// Two components that want the same path or port cannot run on one node.
    fn claim(&self, member: &Member, shape: &ComponentSet, report: &mut Report) {
        let mut claims = Claims::default();
        let mut claim = |path: &GuestPath, owner: &str| {
            if let Err(holder) = claims.add(path, owner) {
                report.push(self.clash(member, path, &holder, owner));
            }
        };
        for path in crate::guest::RESERVED {
            claim(&path.parse().expect("a constant guest path"), "imgbuild itself");
        }
        for layer in &shape.layers {
            layer.install.iter().for_each(|(_, to, _)| claim(to, &layer.component));
            layer.files.iter().for_each(|file| claim(&file.path, &layer.component));
        }
        shape.files.iter().for_each(|file| claim(&file.path, &file.component));
        shape.private.iter().for_each(|file| claim(&file.path, &file.component));
        self.claim_ports(member, report);
    }

    /// A path that two components have, or one twice: points at what the user can change.
    fn clash(&self, member: &Member, path: &GuestPath, holder: &str, owner: &str) -> Diagnostic {
        let who =
            if holder == owner { format!("`{owner}` twice") } else { format!("`{holder}` and `{owner}`") };
        let message = format!("the guest path {path} is claimed by {who}, on `{}`", member.name);
        let diagnostic = Diagnostic::error(message)
            .help("a file of a guest belongs to one component, and is not a folder of another");
        let [holder, owner] = [holder, owner].map(|name| self.inputs.components.get(name));
        let own = |component: &&Component| !component.is_builtin;
        let Some(culprit) = owner.filter(own).or(holder.filter(own)).or(owner).or(holder) else {
            return diagnostic;
        };
        let label = format!("component `{}`", culprit.name);
        if let Some(index) = culprit.spec.install.iter().position(|item| item.to == *path) {
            let document = &culprit.document;
            let span = document.span(&[Step::from("install"), Step::from(index)]);
            return diagnostic.at(&document.source, span, label);
        }
        let file = ["", SUFFIX].iter().find_map(|end| culprit.files.get(&format!("{FILES}{path}{end}")));
        match file.and_then(|file| Some((file, std::str::from_utf8(&file.bytes).ok()?))) {
            Some((file, text)) => diagnostic.at(&Source::new(file.name.as_str(), text), 0..text.len(), label),
            None => diagnostic.at(&culprit.document.source, culprit.document.span(&[]), label),
        }
    }

    fn claim_ports(&self, member: &Member, report: &mut Report) {
        let mut ports: BTreeMap<u16, (&str, usize)> = BTreeMap::new();
        for name in &member.components {
            let Some(service) = self.cluster.services.get(name) else { continue };
            for (index, port) in service.ports.iter().enumerate() {
                if let Some((other, earlier)) = ports.insert(*port, (name, index)) {
                    let message = format!(
                        "the TCP port {port} is claimed by `{other}` and `{name}`, on `{}`",
                        member.name
                    );
                    let mut places = [self.port_place(name, index), self.port_place(other, earlier)];
                    // What the user wrote comes before what is built in.
                    let is_builtin = |name: &str| self.inputs.components[name].is_builtin;
                    places.sort_by_key(|place| (!place.is_of_profile, is_builtin(place.component)));
                    let at = |diagnostic: Diagnostic, place: &PortPlace<'_>| {
                        let label = format!("component `{}`", place.component);
                        diagnostic.at(&place.document.source, place.document.span(&place.path), label)
                    };
                    let diagnostic = places.iter().fold(Diagnostic::error(message), at);
                    report.push(
                        diagnostic.help("move one of them by a setting, or run them on different nodes"),
                    );
                }
            }
        }
    }

    /// Where a component's port comes from: the profile's setting, or else component.yaml.
    fn port_place(&self, name: &'a str, index: usize) -> PortPlace<'a> {
        let component = &self.inputs.components[name];
        let profile = self.inputs.profile.value.as_ref();
        let text = component.spec.ports.get(index).map_or("", String::as_str);
        match profile.and_then(|profile| setting_of_port(profile, component, text)) {
            Some(path) => PortPlace {
                component: name,
                document: &self.inputs.profile.document,
                path,
                is_of_profile: true,
            },
            None => PortPlace {
                component: name,
                document: &component.document,
                path: vec!["ports".into(), index.into()],
                is_of_profile: false,
            },
        }
    }
}

/// Where a port is written.
struct PortPlace<'a> {
    component: &'a str,
    document: &'a Document,
    path: Vec<Step>,
    is_of_profile: bool,
}

fn own_files(component: &Component, report: &mut Report) -> Vec<PlannedFile> {
    let templates =
        component.folder(FILES).filter_map(|(path, file)| Some((path.strip_suffix(SUFFIX)?, file)));
    templates
        .filter_map(|(path, file)| {
            let path = guest_path(path, file, report)?;
            Some(PlannedFile {
                mode: mode(component, &path, &file.bytes),
                component: component.name.clone(),
                origin: Origin::Template {
                    template: format!("{}/{FILES}{path}{SUFFIX}", component.name),
                    sees: component.name.clone(),
                },
                path,
            })
        })
        .collect()
}

fn private_files(component: &Component, templates: &Templates, report: &mut Report) -> Vec<PlannedSecret> {
    let mut files = Vec::new();
    for (index, file) in component.spec.private.iter().enumerate() {
        let template = format!("{}/{PRIVATE}{}{SUFFIX}", component.name, file.path);
        if !templates.contains(&template) {
            let message = format!("the template of `{}` is missing", file.path);
            let label = format!("expected {PRIVATE}{}{SUFFIX} in the component's folder", file.path);
            report.push(component.document.error(
                &["private".into(), index.into(), "path".into()],
                message,
                label,
            ));
        }
        for (position, name) in file.needs.iter().enumerate() {
            if !component.spec.secrets.contains_key(name) {
                let path = ["private".into(), index.into(), "needs".into(), position.into()];
                let label = meant(name, component.spec.secrets.keys().map(String::as_str));
                report.push(component.document.error(&path, format!("unknown secret `{name}`"), label));
            }
        }
        if !file.needs.iter().all(|name| component.spec.secrets.contains_key(name)) {
            continue;
        }
        files.push(PlannedSecret {
            path: file.path.clone(),
            owner: file.owner.clone().unwrap_or_else(|| "root".to_owned()),
            component: component.name.clone(),
            template,
            needs: file.needs.clone(),
            without: file.without.clone(),
        });
    }
    files
}

fn guest_path(relative: &str, file: &FolderFile, report: &mut Report) -> Option<GuestPath> {
    let path = format!("/{relative}").parse::<GuestPath>();
    path.map_err(|error| {
        let message = format!("`{}` is not a valid path in a guest: {error}", file.name.escape_debug());
        report.push(Diagnostic::error(message).help("rename it"));
    })
    .ok()
}

fn mode(component: &Component, path: &GuestPath, bytes: &[u8]) -> Mode {
    let natural = if bytes.starts_with(b"#!") { Mode::EXECUTABLE } else { Mode::FILE };
    component.spec.modes.get(path).copied().unwrap_or(natural)
}
