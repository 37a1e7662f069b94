//! A mirror of tiny releases: every component's, in upstream's layout, with pins of its own. None of them runs.
#![expect(clippy::disallowed_methods, reason = "edge: writes a mirror")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use imgbuild::component::Spec;
use imgbuild::digest::Sha256;
use imgbuild::release::{Arch, Release, Releases};

/// Makes the mirror in `folder`, with its pins in `releases.yaml`. `components` are the texts of component.yaml files
/// whose releases, pinned in `pins`, it must have.
pub fn synthetic(folder: &Path, pins: &str, components: &[String]) {
    let pins: Releases = serde_yaml::from_str(pins).unwrap();
    let mut text = "releases:\n".to_owned();
    for component in components {
        let spec: Spec = serde_yaml::from_str(component).unwrap();
        let Some(name) = &spec.release else { continue };
        let release = &pins.releases[name];
        let [url, top] = [&release.url, release.folder.as_ref().unwrap()].map(|text| expanded(text, release));
        let archive = archive(&top, spec.install.iter().map(|item| item.from.as_str()));
        let place = folder.join(url.strip_prefix("https://").unwrap());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        let sha256 = Sha256::of(&archive);
        fs::write(place, archive).unwrap();
        let version = &release.version;
        write!(
            text,
            "  {name}:\n    version: {version}\n    url: {url}\n    folder: {top}\n    artifacts: \
             {{amd64: {{sha256: {sha256}, source: synthetic}}}}\n"
        )
        .unwrap();
    }
    fs::write(folder.join("releases.yaml"), text).unwrap();
}

/// A template of the pins, for amd64.
fn expanded(template: &str, release: &Release) -> String {
    let build = release.build.as_deref().unwrap_or_default();
    let names = [("version", release.version.as_str()), ("arch", "amd64"), ("build", build)];
    assert_eq!(Arch::default().to_string(), "amd64");
    names
        .iter()
        .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{{ {name} }}}}"), value))
}

/// A gzipped tar archive with an executable of every name, and one in every folder (a name with a slash at its end).
fn archive<'a>(top: &str, members: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for member in members {
        let content = format!("#!/bin/sh\n# stands for {member}\n");
        let name = if member.ends_with('/') { format!("{member}content") } else { member.to_owned() };
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        tar.append_data(&mut header, format!("{top}/{name}"), content.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}
