//! A small cluster: two nodes, one of which installs a release from a mirror's folder.

use std::io::Write as _;

use imgbuild::digest::Sha256;

use super::workspace::{Run, Workspace};

/// A password that must come out in user-data and nowhere else. It is hashed already, which takes the most of a small build.
pub const SECRET: &str = "$6$rounds=5000$saltsalt$8RqN7FZCPY6rKJfNuWLL6N.6cnkYNzhdZvWmo/PzrgoRGIhWSvw0Z8RPdhDRqna9nanrwWxNNbI2g5VMO5QNB.";

/// Where the mirror has the release.
pub const ARCHIVE: &str = "mirror/h.invalid/thing-1.0.tar.gz";

const PROFILE: &str = "\
cluster: small
network: {subnet: 10.0.0.0/24}
roles: {worker: [thing], idle: []}
system: {admin: {name: ann}}
nodes:
  - {name: one, address: 10.0.0.1, roles: [worker]}
  - {name: two, address: 10.0.0.2, roles: [idle]}
";

const COMPONENT: &str = "\
description: a thing
release: thing
install:
  - {from: thing, to: /usr/local/bin/thing, mode: '0755'}
  - {from: share/, to: /usr/share/thing}
";

/// The cluster, with a release that has what the component installs.
pub fn small() -> Workspace {
    small_with(&archive(b"thing\n"))
}

/// The cluster with this file as its release.
pub fn small_with(archive: &[u8]) -> Workspace {
    let releases = format!(
        "releases:\n  thing:\n    version: '1.0'\n    url: https://h.invalid/thing-{{{{ version }}}}.tar.gz\n    \
         folder: thing-{{{{ version }}}}\n    artifacts:\n      amd64: {{sha256: {}, source: the test}}\n",
        Sha256::of(archive)
    );
    Workspace::new()
        .file(ARCHIVE, archive)
        .option("--mirror", "mirror")
        .releases(releases)
        .profile(PROFILE)
        .component("thing/component.yaml", COMPONENT)
        .component("thing/files/etc/thing.conf.j2", "node={{ node.name }}\n")
        .secrets(format!("admin_password: {SECRET}\n"))
}

/// A release as upstream's are: one folder with a program and what it needs.
pub fn archive(program: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, mode, bytes) in
        [("thing-1.0/thing", 0o755, program), ("thing-1.0/share/words", 0o644, b"a word\n")]
    {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        header.set_uid(1001);
        header.set_gid(127);
        header.set_mtime(1_700_000_000);
        tar.append_data(&mut header, path, bytes).unwrap();
    }
    gz(&tar.into_inner().unwrap())
}

/// Bytes compressed.
pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

/// Runs the program as where none of the cluster's files are: without the options that name them.
pub fn away(workspace: &Workspace, arguments: &[&str]) -> Run {
    Run::of(&mut workspace.bare(arguments))
}
