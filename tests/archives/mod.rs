//! One rule for archives: each row of the table is built, and what comes of it is what the row says. The first boot's tests read
//! the same table.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use super::support::small::gz;
use super::support::workspace::Workspace;
use imgbuild::digest::Sha256;

mod kinds;

const TABLE: &str = include_str!("table.json");
const PROFILE: &str = "cluster: small\nnetwork: {subnet: 10.0.0.0/24}\nroles: {all: [thing]}\n\
                       nodes: [{name: one, address: 10.0.0.1, roles: [all]}]\n";

#[derive(Deserialize)]
struct Table {
    archives: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    members: Vec<Member>,
    install: BTreeMap<String, String>,
    installs: Option<BTreeMap<String, String>>,
    refused: Option<String>,
}

#[derive(Deserialize)]
struct Member {
    kind: String,
    name: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    target: String,
}

/// Each character is a byte.
fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

impl Member {
    fn bytes(&self) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        let (name, target) = (latin(&self.name), latin(&self.target));
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(&name);
        old.linkname[..target.len()].copy_from_slice(&target);
        let kind = match self.kind.as_str() {
            "file" => b'0',
            "hard link" => b'1',
            "symbolic link" => b'2',
            "device" => b'3',
            "directory" => b'5',
            "FIFO" => b'6',
            other => panic!("{other}"),
        };
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_mode(u32::from_str_radix(&self.mode, 8).unwrap_or(0o755));
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(self.text.len() as u64);
        header.set_cksum();
        let mut bytes = [header.as_bytes().as_slice(), self.text.as_bytes()].concat();
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

/// A cluster of one node that installs these of a release, `from` and `to`.
pub fn cluster<'a>(
    release: &[u8],
    (file, folder): (&str, &str),
    install: impl Iterator<Item = (&'a String, &'a String)>,
) -> Workspace {
    let install: Vec<_> = install.map(|(from, to)| format!("  - {{from: '{from}', to: {to}}}\n")).collect();
    let install = install.concat();
    let folder = if folder.is_empty() { String::new() } else { format!("\n    folder: {folder}") };
    Workspace::new()
        .file(&format!("mirror/h.invalid/{file}"), release)
        .option("--mirror", "mirror")
        .releases(format!(
            "releases:\n  thing:\n    version: '1.0'\n    url: https://h.invalid/{file}{folder}\n    artifacts:\n      \
             amd64: {{sha256: {}, source: the test}}\n",
            Sha256::of(release)
        ))
        .profile(PROFILE)
        .component("thing/component.yaml", format!("description: a thing\nrelease: thing\ninstall:\n{install}"))
}

/// The files and links of the node's overlay at or below these places, as the table has them.
pub fn installed<'a>(
    workspace: &Workspace,
    places: impl Iterator<Item = &'a String>,
) -> BTreeMap<String, String> {
    let bytes = workspace.read("out/one/overlay.tar.gz");
    let places: Vec<_> = places.collect();
    let mut archive = tar::Archive::new(MultiGzDecoder::new(&bytes[..]));
    let mut found = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = format!("/{}", entry.path().unwrap().display());
        let is_below = |place: &&&String| path == ***place || path.starts_with(&format!("{place}/"));
        if !places.iter().any(|place| is_below(&place)) || entry.header().entry_type().is_dir() {
            continue;
        }
        let what = match entry.link_name().unwrap() {
            Some(target) => format!("-> {}", target.display()),
            None => {
                let mut content = String::new();
                entry.read_to_string(&mut content).unwrap();
                format!("{:04o} {content}", entry.header().mode().unwrap())
            }
        };
        found.insert(path, what);
    }
    found
}

#[test]
fn a_build_takes_what_the_table_says_and_refuses_the_rest() {
    let table: Table = serde_json::from_str(TABLE).unwrap();
    for row in table.archives {
        let members: Vec<_> = row.members.iter().flat_map(Member::bytes).collect();
        let release = gz(&[&members[..], &[0; 1024]].concat());
        let workspace = cluster(&release, ("thing.tar.gz", "top"), row.install.iter());
        let run = workspace.run(&["one", "--quiet"]);
        match (&row.installs, &row.refused) {
            (Some(expected), None) => {
                assert_eq!(run.errors(), "", "{}", row.name);
                assert_eq!(installed(&workspace, row.install.values()), *expected, "{}", row.name);
            }
            (None, Some(why)) => {
                let told = run.errors();
                assert!(told.contains(why), "{}: {told}", row.name);
                assert!(!told.contains('\u{1b}'), "{}: {told}", row.name);
                assert_eq!(workspace.files("out"), [], "{}", row.name);
                // Who wrote the component, or who made the archive; never a failure without a name.
                run.exit_in(&[3, 4]);
            }
            _ => panic!("{}: it is either installed or refused", row.name),
        }
    }
}
