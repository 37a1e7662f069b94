//! Guest paths that no component can own: those of the kernel, of volatile file systems, and of imgbuild itself.

use crate::component::Component;
use crate::diagnostic::{Diagnostic, Report, Step};
use crate::guest::GuestPath;
use crate::guest::RESERVED;
use crate::template::SUFFIX;

/// Folders in which a file that is unpacked is lost, or harms (hier(7), file-hierarchy(7)).
const FOREIGN: [(&str, &str); 6] = [
    ("/proc", "the kernel provides the files there"),
    ("/sys", "the kernel provides the files there"),
    ("/dev", "the kernel provides the files there"),
    ("/run", "files there are lost at the next boot"),
    ("/var/run", "files there are lost at the next boot"),
    ("/var/lib/imgbuild", "the first boot keeps its own state there"),
];

/// Reports each path of a component that it cannot own.
pub(super) fn places(component: &Component, report: &mut Report) {
    let spec = &component.spec;
    let step = |list: &str, index: usize, key: &str| vec![list.into(), index.into(), Step::from(key)];
    let install = spec.install.iter().enumerate().map(|(index, one)| (step("install", index, "to"), &one.to));
    let private = spec.private.iter().enumerate();
    let private = private.map(|(index, one)| (step("private", index, "path"), &one.path));
    let collects = spec.collects.iter().enumerate();
    let collects = collects.map(|(index, one)| (step("collects", index, "into"), &one.into));
    for (path, place) in install.chain(private).chain(collects) {
        refuse(component, &path, place, foreign(place), report);
    }
    // Files are compared with what is imgbuild's where paths are claimed; folders are not claimed.
    let folders = spec.directories.iter().enumerate();
    let folders = folders.map(|(index, one)| (step("directories", index, "path"), &one.path));
    let home = spec.user.iter().filter_map(|user| user.home.as_ref());
    let home = home.map(|home| (vec!["user".into(), "home".into()], home));
    for (path, place) in folders.chain(home) {
        refuse(component, &path, place, foreign(place).or_else(|| reserved(place)), report);
    }
    for (path, file) in component.folder("files") {
        let place = format!("/{}", path.strip_suffix(SUFFIX).unwrap_or(path)).parse::<GuestPath>();
        if let Some(why) = place.ok().as_ref().and_then(foreign) {
            let message = format!("`{}` cannot be in a guest: {why}", file.name.escape_debug());
            report.push(Diagnostic::error(message).help("choose another folder"));
        }
    }
}

fn refuse(component: &Component, path: &[Step], place: &GuestPath, why: Option<&str>, report: &mut Report) {
    if let Some(why) = why {
        let message = format!("a component cannot own {place}: {why}");
        report.push(component.document.error(path, message, "").help("choose another folder"));
    }
}

fn foreign(place: &GuestPath) -> Option<&'static str> {
    FOREIGN.iter().find(|(folder, _)| is_within(place, folder)).map(|(_, why)| *why)
}

fn reserved(place: &GuestPath) -> Option<&'static str> {
    RESERVED.iter().any(|folder| is_within(place, folder)).then_some("imgbuild writes it itself")
}

fn is_within(place: &GuestPath, folder: &str) -> bool {
    place.as_str().strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
