//! A package archive in a mirror's folder, signed by the test, and a cluster whose component wants packages of it.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use imgbuild::digest::Sha256;

use super::signer::Signer;
use crate::support::run::Run;
use crate::support::workspace::Workspace;

/// The packages of the tests' image.
const BASE: &str = "libc6:amd64\t2.41-12\nsystemd\t257.9-1\nlibsystemd0:amd64\t257.9-1\nold\t1.0-1\n";

/// An archive, changed by a test before it is signed and written.
pub struct Archive {
    pub signer: Signer,
    pub suite: String,
    pub codename: String,
    pub date: String,
    /// More fields of its release file.
    pub extra: String,
    pub component: String,
    /// The paragraphs of its index.
    pub packages: String,
    /// What is written in place of the index that is listed.
    pub index: Option<Vec<u8>>,
    /// The size that the index is said to have when it is not compressed.
    pub room: Option<usize>,
}

/// A package's paragraph, with more fields.
pub fn package(name: &str, version: &str, more: &str) -> String {
    let more = if more.is_empty() || more.ends_with('\n') { more.to_owned() } else { format!("{more}\n") };
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: amd64\nInstalled-Size: 10\n{more}Filename: pool/main/{name}_{version}_amd64.deb\n\
         Size: 1000\nSHA256: {}\n\n",
        Sha256::of(format!("{name} {version}"))
    )
}

/// The image's own packages, as the archive has them.
pub fn base() -> String {
    [
        package("libc6", "2.41-12", ""),
        package("systemd", "257.9-1", "Depends: libsystemd0 (= 257.9-1)"),
        package("libsystemd0", "257.9-1", "Depends: libc6 (>= 2.40)"),
        package("old", "1.0-1", "Provides: gone (= 1)"),
    ]
    .concat()
}

impl Archive {
    /// An archive of these packages and those of the image.
    pub fn new(packages: &[String]) -> Self {
        Self {
            signer: Signer::new(),
            suite: "stable".into(),
            codename: "trixie".into(),
            date: "Sat, 15 Nov 2025 10:20:30 UTC".into(),
            extra: String::new(),
            component: "main".into(),
            packages: [base(), packages.concat()].concat(),
            index: None,
            room: None,
        }
    }

    /// What is signed.
    pub fn release(&self) -> String {
        let index = gz(&self.packages);
        let path = format!("{}/binary-amd64/Packages", self.component);
        format!(
            "Suite: {}\nCodename: {}\nDate: {}\n{}SHA256:\n {} {} {path}\n {} {} {path}.gz\n",
            self.suite,
            self.codename,
            self.date,
            self.extra,
            Sha256::of(&self.packages),
            self.room.unwrap_or(self.packages.len()),
            Sha256::of(&index),
            index.len()
        )
    }

    /// The files below the archive's address.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let index = self.index.clone().unwrap_or_else(|| gz(&self.packages));
        vec![
            ("dists/trixie/InRelease".into(), self.signer.message(&self.release()).into()),
            (format!("dists/trixie/{}/binary-amd64/Packages.gz", self.component), index),
        ]
    }

    /// Writes it into the mirror of a workspace.
    pub fn publish(&self, desk: &Workspace) {
        for (path, bytes) in self.files() {
            desk.write(&format!("mirror/h.invalid/debian/{path}"), bytes);
        }
    }

    /// The pins of an archive at this address with this archive's key.
    pub fn pins(&self, url: &str) -> String {
        format!(
            "releases: {{}}\narchives:\n  debian:\n    urls: ['{url}']\n    keys: [{{fingerprint: {}, file: keys/test.asc, source: \
             the test}}]\n    suites: [trixie]\n    components: [main]\nsystems:\n  trixie: {{packages: 'trixie-{{{{ arch }}}}.list', \
             archives: [debian]}}\n",
            self.signer.hex()
        )
    }

    /// A workspace with this archive as mirror, and a component that wants these packages.
    pub fn desk(&self, wanted: &str) -> Workspace {
        let desk = cluster(&[("db", wanted)], "nodes: [{name: a, address: 10.0.0.1, roles: [db]}]\n")
            .releases(self.pins("https://h.invalid/debian"))
            .file("keys/test.asc", self.signer.key())
            .file("trixie-amd64.list", BASE)
            .option("--mirror", "mirror");
        self.publish(&desk);
        desk
    }

    /// Locks these packages.
    pub fn lock(&self, wanted: &str) -> Run {
        self.desk(wanted).run(&["lock"])
    }
}

/// A run of `lock` on what [`Archive::desk`] wrote, with no mirror.
pub fn lock_without_mirror(desk: &Workspace, options: &[&str]) -> Run {
    let written = ["--profile", "profile.yaml", "--overlays", "overlays", "--releases", "releases.yaml"];
    Run::of(&mut desk.bare(&[&["lock"], options, &written].concat()))
}

/// A cluster with components that want packages, each a role of the same name.
pub fn cluster(components: &[(&str, &str)], nodes: &str) -> Workspace {
    let roles: Vec<_> = components
        .iter()
        .map(|(name, _)| {
            format!(
                "  {name}: [{name}]
"
            )
        })
        .collect();
    let roles = roles.concat();
    let profile = format!("cluster: c\nnetwork: {{subnet: 10.0.0.0/24}}\nroles:\n{roles}{nodes}");
    components.iter().fold(Workspace::new().profile(profile), |desk, (name, packages)| {
        let text = format!("description: a test\npackages: {packages}\n");
        desk.component(&format!("{name}/component.yaml"), text)
    })
}

pub fn gz(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}
