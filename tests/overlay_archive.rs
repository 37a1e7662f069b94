//! Overlays as the guest's tools read them: GNU tar, bsdtar, busybox and Python list and unpack what was put in.
#![expect(clippy::disallowed_methods, reason = "edge: runs tools on files")]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use imgbuild::digest::Sha256;
use imgbuild::guest::{GuestPath, Mode};
use imgbuild::layer::{
    ArchiveLimits, Content, IndexEntry, IndexKind, LayerEntry, LayerIndex, MembersWriter, Tree,
    end_of_archive, list, write_layer,
};

use crate::support::oracle::oracle;

/// 2023-11-14 22:13:20 UTC.
const EPOCH: u64 = 1_700_000_000;

/// A tool that lists archives, one line an entry.
struct Lister {
    program: &'static str,
    arguments: &'static [&'static str],
    /// Which columns hold owner and time, joined by a space, and what they must say.
    owner_and_time: (&'static [usize], &'static str),
    size: usize,
    /// How many columns stand before the name.
    columns: usize,
}

const LISTERS: [Lister; 3] = [
    Lister {
        program: "tar",
        arguments: &["--numeric-owner", "--quoting-style=literal", "--full-time", "-tvzf"],
        owner_and_time: (&[1, 3, 4], "0/0 2023-11-14 22:13:20"),
        size: 2,
        columns: 5,
    },
    Lister {
        program: "bsdtar",
        arguments: &["--numeric-owner", "-tvf"],
        owner_and_time: (&[2, 3, 5, 6, 7], "0 0 Nov 14 2023"),
        size: 4,
        columns: 8,
    },
    Lister {
        program: "busybox",
        arguments: &["tar", "-tvzf"],
        owner_and_time: (&[1, 3, 4], "root/root 2023-11-14 22:13:20"),
        size: 2,
        columns: 5,
    },
];

const UNPACKERS: [(&str, &[&str]); 3] =
    [("tar", &["-xpzf"]), ("bsdtar", &["-xpf"]), ("busybox", &["tar", "-xpzf"])];

/// Lists an archive with Python's tarfile: names, modes, owners, times, sizes, links and digests as JSON.
const PYTHON: &str = r"
import hashlib, json, sys, tarfile
entries = []
for m in tarfile.open(sys.argv[1], 'r:gz'):
    e = {'path': '/' + m.name, 'mode': f'{m.mode:04o}'}
    assert (m.uid, m.gid, m.uname, m.gname, m.mtime) == (0, 0, 'root', 'root', int(sys.argv[2])), m
    if m.isdir():
        e['kind'] = 'directory'
    elif m.issym():
        e |= {'kind': 'symlink', 'target': m.linkname}
    else:
        digest = hashlib.sha256(tarfile.open(sys.argv[1], 'r:gz').extractfile(m.name).read()).hexdigest()
        e |= {'kind': 'file', 'size': m.size, 'sha256': digest}
    entries.append(e)
print(json.dumps(entries))
";

#[test]
fn all_tools_list_what_was_put_in() {
    let (folder, index) = overlay();
    let file = folder.path().join("overlay.tar.gz");
    assert_eq!(list(&std::fs::read(&file).unwrap()[..], &ArchiveLimits::default()).unwrap(), index);
    let expected: BTreeMap<_, _> = index.entries.iter().map(listed).collect();
    for lister in &LISTERS {
        if let Some(mut command) = oracle(lister.program) {
            let text = output(command.args(lister.arguments).arg(&file));
            let lines: BTreeMap<_, _> = text.lines().map(|line| lister.parse(line)).collect();
            assert_eq!(lines, expected, "{}", lister.program);
            assert_eq!(text.lines().count(), expected.len(), "{} has each once", lister.program);
        }
    }
}

#[test]
fn python_reads_what_was_put_in() {
    let (folder, index) = overlay();
    if let Some(mut command) = oracle("python3") {
        let file = folder.path().join("overlay.tar.gz");
        let json = output(command.args(["-c", PYTHON]).arg(file).arg(EPOCH.to_string()));
        let mut read: LayerIndex = serde_json::from_str(&json).unwrap();
        read.entries.sort_by(|a, b| a.path.cmp(&b.path));
        assert_eq!(read, index);
    }
}

#[test]
fn all_tools_unpack_what_was_put_in() {
    let (folder, index) = overlay();
    for (program, arguments) in UNPACKERS {
        if let Some(mut command) = oracle(program) {
            let root = folder.path().join(program);
            std::fs::create_dir(&root).unwrap();
            let file = folder.path().join("overlay.tar.gz");
            output(command.args(arguments).arg(file).arg("-C").arg(&root));
            let unpacked = index.entries.iter().map(|entry| unpacked(&root, &entry.path)).collect();
            assert_eq!(LayerIndex { entries: unpacked }, index, "{program}");
        }
    }
}

/// An overlay of three layers, one of them empty, and its index.
fn overlay() -> (tempfile::TempDir, LayerIndex) {
    let large: Vec<u8> = (0..3_000_000_u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
    let spooled = Content::Spooled { offset: 5, size: large.len() as u64, sha256: Sha256::of(&large) };
    let spool = [b"other", &large[..]].concat();
    let bytes = |text: &str| Content::Bytes(text.as_bytes().into());
    let long = |length: usize| "long/".repeat(length / 5) + "name";
    let component = tree([
        ("/usr/local/bin/large".into(), LayerEntry::file(Mode::EXECUTABLE, spooled)),
        ("/opt/empty".into(), LayerEntry::file(Mode::FILE, bytes(""))),
        ("/opt/folder".into(), LayerEntry::directory("0750".parse().unwrap())),
        ("/opt/folder/a b".into(), LayerEntry::file(Mode::PRIVATE, bytes("space"))),
        ("/opt/слой/файл".into(), LayerEntry::file(Mode::FILE, bytes("unicode"))),
        (format!("/opt/{}", "n".repeat(255)), LayerEntry::file(Mode::FILE, bytes("one long part"))),
        (format!("/opt/{}", long(96)), LayerEntry::file(Mode::FILE, bytes("more than a header holds"))),
        (format!("/opt/{}", long(600)), LayerEntry::file(Mode::FILE, bytes("more than POSIX headers hold"))),
        (format!("/opt/{}", "d".repeat(150)), LayerEntry::directory(Mode::EXECUTABLE)),
        ("/opt/link".into(), LayerEntry::symlink("folder/a b")),
        ("/opt/up/absolute".into(), LayerEntry::symlink("/opt/empty")),
        ("/opt/up/far".into(), LayerEntry::symlink(format!("../{}", long(300)))),
    ]);
    let node = tree([("/etc/hosts".into(), LayerEntry::file(Mode::FILE, bytes("127.0.0.1 localhost\n")))]);
    let folder = tempfile::tempdir().unwrap();
    let mut overlay = Vec::new();
    let mut indexes = Vec::new();
    for tree in [component, Tree::default(), node] {
        let mut out = MembersWriter::new(Vec::new(), NonZero::new(2).unwrap());
        indexes.push(write_layer(&tree, &mut Cursor::new(&spool), EPOCH, &mut out).unwrap());
        overlay.extend(out.finish().unwrap());
    }
    overlay.extend(end_of_archive().unwrap());
    std::fs::write(folder.path().join("overlay.tar.gz"), overlay).unwrap();
    (folder, LayerIndex::merge(&indexes).unwrap())
}

fn tree(files: impl IntoIterator<Item = (String, LayerEntry)>) -> Tree {
    let mut tree = Tree::default();
    for (path, entry) in files {
        tree.insert(path.parse().unwrap(), entry).unwrap();
    }
    tree
}

/// An entry as `ls -l` shows it: name and link, and before them mode and size.
fn listed(entry: &IndexEntry) -> (String, (String, u64)) {
    let path = entry.path.relative();
    let (kind, size, name) = match &entry.kind {
        IndexKind::Directory => ('d', 0, format!("{path}/")),
        IndexKind::Symlink { target } => ('l', 0, format!("{path} -> {target}")),
        IndexKind::File { size, .. } => ('-', *size, path.to_owned()),
    };
    let bits = entry.mode.bits();
    let letters = (0..9).map(|at| if bits >> (8 - at) & 1 == 1 { ['r', 'w', 'x'][at % 3] } else { '-' });
    (name, (std::iter::once(kind).chain(letters).collect(), size))
}

impl Lister {
    fn parse(&self, line: &str) -> (String, (String, u64)) {
        let mut rest = line;
        let mut columns = Vec::new();
        for _ in 0..self.columns {
            let (column, after) = rest.split_once(' ').unwrap();
            columns.push(column);
            rest = after.trim_start();
        }
        let (which, expected) = self.owner_and_time;
        let owner_and_time: Vec<_> = which.iter().map(|&at| columns[at]).collect();
        assert_eq!(owner_and_time.join(" "), expected, "{}: {line}", self.program);
        (rest.to_owned(), (columns[0].to_owned(), columns[self.size].parse().unwrap()))
    }
}

/// What lies at a path after unpacking.
fn unpacked(root: &Path, path: &GuestPath) -> IndexEntry {
    let file = root.join(path.relative());
    let metadata = std::fs::symlink_metadata(&file).unwrap();
    let kind = if metadata.is_dir() {
        IndexKind::Directory
    } else if metadata.is_symlink() {
        let target = std::fs::read_link(&file).unwrap();
        IndexKind::Symlink { target: target.into_os_string().into_string().unwrap() }
    } else {
        IndexKind::File { size: metadata.len(), sha256: Sha256::of(std::fs::read(&file).unwrap()) }
    };
    let mode = Mode::from_bits(metadata.permissions().mode() & 0o7777).unwrap();
    IndexEntry { path: path.clone(), mode, kind }
}

/// Runs `command`, which must have nothing to complain about, and returns what it wrote to stdout.
fn output(command: &mut Command) -> String {
    let output = command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{command:?}: {}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
