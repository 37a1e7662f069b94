//! Folders that a component gives to its user: root writes nothing below them, since that user could put a link in the place of
//! what is there and so lead root anywhere. First boot refuses to, whatever the build says.

use crate::component::{Component, Components, Directory};
use crate::diagnostic::{Diagnostic, Report};
use crate::guest::GuestPath;
use crate::plan::shape::ComponentSet;

/// Who owns a folder that says nothing else.
const ROOT: &str = "root";

/// Reports what a node that runs `running` would get below a folder that is not root's.
pub(in crate::plan) fn owned(
    running: &[String],
    shape: &ComponentSet,
    components: &Components,
    report: &mut Report,
) {
    let running: Vec<_> = running.iter().filter_map(|name| components.get(name)).collect();
    for component in &running {
        for (index, directory) in component.spec.directories.iter().enumerate() {
            if owner(directory) == ROOT {
                continue;
            }
            if let Some((path, by)) = written(shape).find(|(path, _)| path.is_within(&directory.path)) {
                let what = format!("`{path}` of the component `{by}`");
                report.push(refusal(component, index, &what));
            }
            let nested = running.iter().flat_map(|other| &other.spec.directories).find(|other| {
                other.path != directory.path
                    && other.path.is_within(&directory.path)
                    && owner(other) != owner(directory)
            });
            if let Some(other) = nested {
                let what = format!("the folder `{}` of the user `{}`", other.path, owner(other));
                report.push(refusal(component, index, &what));
            }
        }
    }
}

fn owner(directory: &Directory) -> &str {
    directory.owner.as_deref().unwrap_or(ROOT)
}

/// Every path that a node of this shape gets a file at, with its component.
fn written(shape: &ComponentSet) -> impl Iterator<Item = (&GuestPath, &str)> {
    let layers = shape.layers.iter().flat_map(|layer| {
        let installed = layer.install.iter().map(|(_, to, _)| to);
        let copied = layer.files.iter().map(|file| &file.path);
        installed.chain(copied).map(|path| (path, layer.component.as_str()))
    });
    let rendered = shape.files.iter().map(|file| (&file.path, file.component.as_str()));
    let private = shape.private.iter().map(|file| (&file.path, file.component.as_str()));
    layers.chain(rendered).chain(private)
}

fn refusal(component: &Component, index: usize, what: &str) -> Diagnostic {
    let directory = &component.spec.directories[index];
    let message = format!("{what} is in `{}`, which the user `{}` owns", directory.path, owner(directory));
    let path = ["directories".into(), index.into()];
    let label = format!("component `{}`", component.name);
    component.document.error(&path, message, label).help(format!(
        "root writes nothing where a service could put a link in its way: put it elsewhere, such as /etc/{}",
        component.name
    ))
}
