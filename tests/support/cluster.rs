//! A small cluster in a temporary folder, and the program run on it as a person would.
#![expect(clippy::disallowed_methods, reason = "tests lay out files")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use imgbuild::digest::Sha256;
use tempfile::TempDir;

/// A password that must come out in user-data, hashed, and nowhere else.
pub const SECRET: &str = "s3cret-of-the-test";

/// The arguments that name the cluster's own files and the mirror.
pub const ONLINE: [&str; 8] = [
    "--profile",
    "profile.yaml",
    "--releases",
    "releases.yaml",
    "--overlays",
    "overlays",
    "--mirror",
    "mirror",
];

/// A profile of two nodes, one of which installs a release from a mirror's folder.
pub struct Cluster {
    folder: TempDir,
}

impl Cluster {
    pub fn new() -> Self {
        let cluster = Self { folder: TempDir::new().unwrap() };
        let archive = archive();
        cluster.write("mirror/h.invalid/thing-1.0.tar.gz", &archive);
        cluster.write(
            "releases.yaml",
            format!(
                "releases:\n  thing:\n    version: '1.0'\n    url: https://h.invalid/thing-{{{{ version }}}}.tar.gz\n    \
                 folder: thing-{{{{ version }}}}\n    artifacts:\n      amd64: {{sha256: {}, source: the test}}\n",
                Sha256::of(&archive)
            ),
        );
        cluster.write(
            "profile.yaml",
            "cluster: small\nnetwork: {subnet: 10.0.0.0/24}\nroles: {worker: [thing], idle: []}\n\
             system: {admin: {name: ann}}\nnodes:\n  - {name: one, address: 10.0.0.1, roles: [worker]}\n  \
             - {name: two, address: 10.0.0.2, roles: [idle]}\n",
        );
        cluster.write(
            "overlays/thing/component.yaml",
            "description: a thing\nrelease: thing\ninstall:\n  \
             - {from: thing, to: /usr/local/bin/thing, mode: '0755'}\n",
        );
        cluster.write("overlays/thing/files/etc/thing.conf.j2", "node={{ node.name }}\n");
        cluster.write("secrets.yaml", format!("admin_password: {SECRET}\n"));
        fs::set_permissions(cluster.path("secrets.yaml"), fs::Permissions::from_mode(0o600)).unwrap();
        cluster
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The program, in the folder and with nothing of the environment that it would read, behind a `wrapper`.
    pub fn command(&self, wrapper: &[&str]) -> Command {
        let program = assert_cmd::cargo::cargo_bin!("imgbuild");
        let mut command = match wrapper {
            [] => Command::new(program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        command.current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(&[]).args(arguments).output().unwrap()
    }

    /// Runs the program, which must succeed, and returns what it printed.
    #[track_caller]
    pub fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {}\n{told}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the program, which must fail with this exit code, and returns what it said.
    #[track_caller]
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        told
    }

    /// Writes a bundle of the cluster.
    #[track_caller]
    pub fn bundle(&self, more: &[&str]) {
        self.done(&[&ONLINE[..], &["bundle", "-o", "b"], more].concat());
    }

    /// The files of the nodes that were built in a folder: path and bytes.
    pub fn built(&self, out: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        for node in ["one", "two"] {
            for path in super::depot::files(&self.path(out).join(node)) {
                files.push((Path::new(node).join(path.file_name().unwrap()), fs::read(path).unwrap()));
            }
        }
        files.sort();
        files
    }
}

/// An archive as upstream's are: one folder with a program.
fn archive() -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(6);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    archive.append_data(&mut header, "thing-1.0/thing", &b"thing\n"[..]).unwrap();
    archive.into_inner().unwrap().finish().unwrap()
}
