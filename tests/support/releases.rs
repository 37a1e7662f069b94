//! Small releases in upstream's archive layout, in a folder that is a mirror, and the pins that fit them.
#![expect(clippy::disallowed_methods, reason = "edge: writes the mirror")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use imgbuild::digest::Sha256;

/// The version of every release.
pub const VERSION: &str = "1.2.3";

/// Releases by name, with the members of their archives.
pub struct Releases(BTreeMap<String, Vec<String>>);

impl Releases {
    /// Those that the built-in components name.
    pub fn builtin() -> Self {
        let mut releases = Self(BTreeMap::new());
        releases.add("node_exporter", &["node_exporter", "LICENSE", "NOTICE"]);
        releases.add("etcd", &["etcd", "etcdctl", "etcdutl", "README.md"]);
        releases.add("prometheus", &["prometheus", "promtool", "LICENSE", "NOTICE"]);
        let grafana =
            ["bin/grafana", "conf/defaults.ini", "public/index.html", "plugins-bundled/one/plugin.json"];
        releases.add("grafana", &grafana);
        releases
    }

    pub fn add(&mut self, name: &str, members: &[&str]) {
        self.0.insert(name.to_owned(), members.iter().map(|&member| member.to_owned()).collect());
    }

    /// Writes the archives into a mirror, and returns the pins.
    pub fn write(&self, mirror: &Path) -> String {
        let folder = mirror.join("releases.invalid");
        fs::create_dir_all(&folder).unwrap();
        let mut pins = "releases:\n".to_owned();
        for (name, members) in &self.0 {
            let _ = writeln!(pins, "  {name}:\n    version: {VERSION}");
            let _ = writeln!(pins, "    url: https://releases.invalid/{name}-{{{{ arch }}}}.tar.gz");
            let _ = writeln!(pins, "    folder: {name}-{{{{ version }}}}\n    artifacts:");
            for arch in ["amd64", "arm64"] {
                let bytes = archive(name, arch, members);
                let (sha256, size) = (Sha256::of(&bytes), bytes.len());
                let _ = writeln!(pins, "      {arch}: {{sha256: {sha256}, size: {size}, source: this test}}");
                fs::write(folder.join(format!("{name}-{arch}.tar.gz")), bytes).unwrap();
            }
        }
        pins
    }
}

/// What a member of a synthetic archive holds.
pub fn content(release: &str, arch: &str, member: &str) -> String {
    format!("#!/bin/false\n# {member} of {release} for {arch}, payload\n")
}

fn archive(release: &str, arch: &str, members: &[String]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for member in members {
        let bytes = content(release, arch, member);
        let mut header = tar::Header::new_gnu();
        // As upstream's machines leave them: nothing of this may reach a guest.
        header.set_uid(1001);
        header.set_gid(127);
        header.set_mtime(1_700_000_000);
        header.set_size(bytes.len() as u64);
        header.set_mode(if member.contains('.') || member.contains("E") { 0o644 } else { 0o755 });
        let path = format!("{release}-{VERSION}/{member}");
        tar.append_data(&mut header, path, bytes.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}
