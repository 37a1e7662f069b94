//! Releases made to do harm, whose digests are pinned all the same: refused or harmless, in memory that does not follow
//! what they claim. What may be in an archive is in tests/archives/table.json.

use std::io::Write as _;
use std::process::Command;

use imgbuild::audit::audit;

use crate::support::child::has_tool;
use crate::support::overlay::unpack;
use crate::support::small::{gz, small_with};
use crate::support::workspace::{Run, Workspace};

/// The memory for data that a build gets, in bytes: a tenth of what most of these releases claim.
const MEMORY: usize = 48 << 20;

/// A member of a tar archive, whatever that may be.
struct Member {
    kind: u8,
    name: String,
    link: &'static str,
    content: Vec<u8>,
    declared: Option<u64>,
}

impl Member {
    fn file(name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { kind: b'0', name: name.into(), link: "", content: content.into(), declared: None }
    }

    fn of(kind: u8, name: &str, link: &'static str) -> Self {
        Self { kind, link, ..Self::file(name, "") }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..self.name.len()].copy_from_slice(self.name.as_bytes());
        header.set_link_name_literal(self.link).unwrap();
        header.set_entry_type(tar::EntryType::new(self.kind));
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(self.declared.unwrap_or(self.content.len() as u64));
        header.set_cksum();
        let mut bytes = [header.as_bytes().as_slice(), &self.content].concat();
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

/// What every release here has, so that it would serve.
fn good() -> Vec<Member> {
    vec![Member::file("thing-1.0/thing", "thing\n"), Member::file("thing-1.0/share/words", "a word\n")]
}

/// An archive of good members and others behind them.
fn with(others: &[Member]) -> Vec<u8> {
    let members: Vec<_> = good().iter().chain(others).flat_map(Member::bytes).collect();
    gz(&[&members[..], &[0; 1024]].concat())
}

/// Builds a node of the release in little memory.
fn build(workspace: &Workspace, limited: bool) -> Run {
    let arguments = ["one", "--quiet"];
    if !limited {
        return workspace.run(&arguments);
    }
    let mut prlimit = Command::new("prlimit");
    prlimit.arg(format!("--data={MEMORY}"));
    Run::of(&mut workspace.command_of(prlimit, &arguments))
}

/// Archives that are refused, and why.
fn refused() -> Vec<(Vec<u8>, &'static str)> {
    let in_share = |kind, link| with(&[Member::of(kind, "thing-1.0/share/x", link)]);
    let huge = Member { declared: Some(1 << 40), ..Member::file("thing-1.0/share/huge", "") };
    let endless_name = Member { kind: b'L', ..Member::file("././@LongLink", vec![b'x'; 8 << 20]) };
    let mut damaged = with(&[]);
    let last = damaged.len() - 5;
    damaged[last] ^= 1;
    vec![
        (with(&[Member::file("thing-1.0/share/../../../etc/passwd", "x")]), "has a `..` part"),
        (with(&[Member::file("/thing-1.0/share/x", "x")]), "is absolute"),
        (
            with(&[Member::file("thing-1.0/share/a\u{1b}[2Jb", "x")]),
            r"a\u{1b}[2Jb` in the archive has a control character",
        ),
        (in_share(b'2', "/etc/passwd"), "links to `/etc/passwd`, which is not a file of the archive"),
        (in_share(b'2', "../../outside"), "which is not a file of the archive"),
        (in_share(b'1', "/etc/passwd"), "which is not a file before it in the archive"),
        (in_share(b'1', "thing-1.0/../../etc/passwd"), "which is not a file before it in the archive"),
        (in_share(b'3', ""), "is a device"),
        (in_share(b'4', ""), "is a device"),
        (in_share(b'6', ""), "is a FIFO"),
        (
            with(&[Member::file("thing-1.0/thing", "other")]),
            "would be installed twice: from `thing-1.0/thing` and from",
        ),
        (
            with(&[Member::of(b'2', "thing-1.0/share/x", "y"), Member::file("thing-1.0/share/x/z", "x")]),
            "of the archive conflict in the guest",
        ),
        (with(&[huge]), "the archive unpacks to more than 4294967296 bytes"),
        (with(&[endless_name]), "the headers of one member of the archive are longer than"),
        (with(&[Member::of(b'S', "thing-1.0/share/holes", "")]), "the archive is damaged"),
        (damaged, "the archive is damaged"),
        (endless_holes(), "the archive unpacks to more than 4294967296 bytes"),
        (greedy_xz(), "needs more than 128 MiB of memory"),
        (zip_bomb(), "the archive unpacks to more than 4294967296 bytes"),
        (with(&[])[..60].to_vec(), "the archive is truncated"),
        (gz(&[&with_end(&good()), &b"more"[..]].concat()), "contains data after its end-of-archive marker"),
    ]
}

/// A file of 4 TiB that has one byte.
fn endless_holes() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let records = [("GNU.sparse.size", "4398046511104"), ("GNU.sparse.map", "0,1")];
    builder.append_pax_extensions(records.map(|(key, value)| (key, value.as_bytes()))).unwrap();
    let records = std::mem::take(builder.get_mut());
    let members: Vec<_> = good().iter().flat_map(Member::bytes).collect();
    let huge = Member::file("thing-1.0/share/huge", "x").bytes();
    gz(&[members, records, huge, vec![0; 1024]].concat())
}

/// The head of a file that asks for a dictionary of 4 GiB.
fn greedy_xz() -> Vec<u8> {
    // Header of the stream; of a block: its size, flags, LZMA2 with one byte of properties, padding (xz-file-format.txt).
    let stream = b"\xfd7zXZ\0\0\x01\x69\x22\xde\x36";
    let block = [2, 0, 0x21, 1, 40, 0, 0, 0];
    let mut crc = flate2::Crc::new();
    crc.update(&block);
    [&stream[..], &block, &crc.sum().to_le_bytes(), &[0; 64]].concat()
}

/// Many names of the same 16 MiB of zeros, which are stored once.
fn zip_bomb() -> Vec<u8> {
    let zeros = vec![0; 16 << 20];
    let mut crc = flate2::Crc::new();
    crc.update(&zeros);
    let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&zeros).unwrap();
    let packed = packed.finish().unwrap();
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    // What a member's own header and its entry in the directory have in common (APPNOTE.TXT, 4.3.7 and 4.3.12).
    let common = |name: &[u8]| {
        let sizes = [size(&packed), size(&zeros)].concat();
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0][..], &crc.sum().to_le_bytes(), &sizes, &length, &[0, 0]].concat()
    };
    let local = [b"PK\x03\x04", &common(b"zeros")[..], b"zeros", &packed].concat();
    let entry = |at: usize| {
        let name = format!("thing-1.0/share/{at}");
        let place = [&[0; 6][..], &(0o100_644_u32 << 16).to_le_bytes(), &[0; 4]].concat();
        [b"PK\x01\x02\x14\x03", &common(name.as_bytes())[..], &place, name.as_bytes()].concat()
    };
    let directory = (0..300).flat_map(entry).collect::<Vec<_>>();
    let count = 300_u16.to_le_bytes();
    let end = [&[0; 4][..], &count, &count, &size(&directory), &size(&local), &[0, 0]].concat();
    [&local[..], &directory, b"PK\x05\x06", &end].concat()
}

/// What is not read, or not as it was said, and how the program says so.
fn misunderstood() -> Vec<(Vec<u8>, &'static str, &'static str)> {
    let other_top = [Member::file("thing", "thing\n"), Member::file("share/words", "a word\n")];
    vec![
        (b"<!DOCTYPE html>".to_vec(), "it is a web page", "help: name another file of the release in `url`"),
        (b"!<arch>\ndebian-binary  ".to_vec(), "it is a Debian package", "help: name another file"),
        (
            b"\x7fELF\x02".to_vec(),
            "is a single file, not an archive that contains `share/`, `thing`",
            "help: `install`",
        ),
        (
            gz(&with_end(&other_top)),
            "in a folder `thing-1.0`: it has no top folder",
            "help: leave out `folder`",
        ),
    ]
}

#[test]
fn what_was_said_of_a_release_and_is_not_so_is_an_error_of_who_said_it() {
    for (release, why, help) in misunderstood() {
        let workspace = small_with(&release);
        build(&workspace, false).exit(3).stdout("").says(&["failed to read thing 1.0 amd64: ", why, help]);
        assert_eq!(workspace.files("out"), []);
    }
    build(&small_with(b""), false).exit(4).says(&["failed to read thing 1.0 amd64: the file is empty"]);
}

fn with_end(members: &[Member]) -> Vec<u8> {
    [members.iter().flat_map(Member::bytes).collect(), vec![0; 1024]].concat()
}

#[test]
fn a_release_that_would_do_harm_is_refused() {
    let limited = has_tool("prlimit", &[&format!("--data={MEMORY}"), "true"]);
    for (archive, why) in refused() {
        let workspace = small_with(&archive);
        let run = build(&workspace, limited).exit(4).stdout("");
        run.says(&["failed to read thing 1.0 amd64: ", why, "help: "]).hides("\u{1b}");
        assert_eq!(workspace.files("out"), []);
        assert_eq!(audit(&workspace.path("cache/imgbuild")).unwrap().faults, [], "{why}");
        assert_eq!(workspace.files("cache/imgbuild/layers"), [], "{why}");
        assert_eq!(workspace.files("cache/imgbuild/tmp"), [], "{why}");
    }
}

#[test]
fn what_nobody_takes_out_of_a_release_does_no_harm() {
    let limited = has_tool("prlimit", &[&format!("--data={MEMORY}"), "true"]);
    let others = vec![
        Member::file("../../etc/passwd", "x"),
        Member::file("/etc/passwd", "x"),
        Member::of(b'2', "thing-1.0/link", "/etc"),
        Member::file("thing-1.0/link/passwd", "x"),
        Member::of(b'1', "thing-1.0/other", "/etc/passwd"),
        Member::of(b'3', "thing-1.0/device", ""),
        Member::file("thing-1.0/twice", "x"),
        Member::file("thing-1.0/twice", "x"),
    ];
    // Far more than there is memory for, in a file of some kilobytes: a gzip file may have many members.
    let zeros = Member { declared: Some(128 << 20), ..Member::file("thing-1.0/zeros", "") };
    let bomb = [&gz(&zeros.bytes())[..], &gz(&vec![0; 16 << 20]).repeat(8), &with(&others)].concat();
    let harmless = small_with(&bomb);
    build(&harmless, limited).exit(0);
    let plain = small_with(&with(&[]));
    build(&plain, false).exit(0);
    let overlay = "out/one/overlay.tar.gz";
    assert_eq!(unpack(&harmless.read(overlay)), unpack(&plain.read(overlay)));
    assert!(harmless.read(overlay) == plain.read(overlay));
}
