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
        let (version, url) = (&release.version, &release.url);
        writeln!(text, "  {name}:\n    version: {version}\n    url: {url}").unwrap();
        if let Some(build) = &release.build {
            writeln!(text, "    build: \"{build}\"").unwrap();
        }
        let top = release.folder.as_deref().unwrap();
        writeln!(text, "    folder: {top}\n    artifacts:").unwrap();
        for arch in [Arch::Amd64, Arch::Arm64] {
            let members = spec.install.iter().map(|item| item.from.as_str());
            let archive =
                archive(&expanded(top, release, arch), members, |member| content(name, arch, member));
            let place = folder.join(expanded(url, release, arch).strip_prefix("https://").unwrap());
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            let (sha256, size) = (Sha256::of(&archive), archive.len());
            fs::write(place, archive).unwrap();
            writeln!(text, "      {arch}: {{sha256: {sha256}, size: {size}, source: synthetic}}").unwrap();
        }
    }
    fs::write(folder.join("releases.yaml"), text).unwrap();
}

/// What a member of a synthetic archive holds.
pub fn content(release: &str, arch: Arch, member: &str) -> String {
    format!("#!/bin/sh\n# stands for {member} of {release} for {arch}\n")
}

/// A template of the pins.
fn expanded(template: &str, release: &Release, arch: Arch) -> String {
    let build = release.build.as_deref().unwrap_or_default();
    let arch = arch.to_string();
    let names = [("version", release.version.as_str()), ("arch", &arch), ("build", build)];
    names
        .iter()
        .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{{ {name} }}}}"), value))
}

/// A gzipped tar archive with a file of every name, and one in every folder (a name with a slash at its end), and one
/// that nobody asks for.
fn archive<'a>(
    top: &str,
    members: impl Iterator<Item = &'a str>,
    content: impl Fn(&str) -> String,
) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for member in members.chain(["CHANGELOG.md"]) {
        let content = content(member);
        let name = if member.ends_with('/') { format!("{member}content") } else { member.to_owned() };
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(if name.starts_with(|c: char| c.is_ascii_uppercase()) { 0o644 } else { 0o755 });
        // As upstream's machines leave them: nothing of this may reach a guest.
        header.set_uid(1001);
        header.set_gid(127);
        header.set_mtime(1_700_000_000);
        tar.append_data(&mut header, format!("{top}/{name}"), content.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}
