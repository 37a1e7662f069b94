//! What is taken of archives, and what is refused.

use std::io::Cursor;

use super::*;
use crate::digest::Sha256;
use crate::layer::fixture::Fixture;
use crate::layer::name::NameFlaw;

fn selection(from: &str, to: &str) -> ArchiveSelection {
    ArchiveSelection { from: from.to_owned(), to: to.parse().unwrap(), mode: None }
}

/// Takes `selections` below `top`, and gives the members and the spool.
fn take(gz: &[u8], selections: &[ArchiveSelection]) -> (Result<Vec<TakenMember>, ArchiveError>, Vec<u8>) {
    let mut spool = Cursor::new(Vec::new());
    let layout = ArchiveLayout { top: "top", selections };
    let members = extract(gz, &layout, &ArchiveLimits::default(), &mut spool);
    (members, spool.into_inner())
}

fn refusal(archive: Fixture, selections: &[(&str, &str)]) -> String {
    let selections: Vec<_> = selections.iter().map(|(from, to)| selection(from, to)).collect();
    take(&archive.gz(), &selections).0.unwrap_err().to_string()
}

/// A member in one line: mode, guest path, and what it is.
fn line(member: &TakenMember) -> String {
    let kind = match &member.entry.kind {
        EntryKind::Directory => "/".to_owned(),
        EntryKind::Symlink(target) => format!(" -> {target}"),
        EntryKind::File(Content::Spooled { offset, size, .. }) => format!(" {offset}+{size}"),
        EntryKind::File(Content::Bytes(_)) => unreachable!("an archive's files are spooled"),
    };
    format!("{} {}{kind}", member.entry.mode, member.path)
}

#[test]
fn files_and_folders_are_taken_from_where_they_are_to_where_they_go() {
    let long = "l".repeat(120);
    let archive = Fixture::new()
        .folder("./top/")
        .program("./top/etcd", b"binary")
        .file("./top/README", b"not wanted")
        .with_mode(0o4755, "top/setuid", b"su")
        .folder("top/public/")
        .file("top/public/a.js", b"a")
        .entry(b'5', "top/public/empty", "", b"")
        .entry(b'2', "top/public/b.js", "./a.js", b"")
        .entry(b'1', "top/public/c.js", "top/public/a.js", b"")
        .pax(&[("path", &format!("top/public/{long}"))])
        .program("short", b"long")
        .file("top/publications", b"another");
    let (members, spool) = take(
        &archive.gz(),
        &[selection("etcd", "/usr/local/bin/etcd"), selection("public/", "/p"), selection("setuid", "/s")],
    );
    let members = members.unwrap();
    let lines: Vec<_> = members.iter().map(line).collect();
    let long = format!("0755 /p/{long} 9+4");
    let expected = [
        "0755 /p/",
        "0644 /p/a.js 8+1",
        "0777 /p/b.js -> a.js",
        "0644 /p/c.js 8+1",
        "0755 /p/empty/",
        long.as_str(),
        "0755 /s 6+2",
        "0755 /usr/local/bin/etcd 0+6",
    ];
    assert_eq!(lines, expected);
    assert_eq!(spool, b"binarysualong");
    let EntryKind::File(Content::Spooled { sha256, .. }) = &members[7].entry.kind else { panic!() };
    assert_eq!(*sha256, Sha256::of("binary"));
    assert_eq!(members[7].name, "top/etcd");
}

#[test]
fn a_selection_may_set_the_mode_and_one_member_may_go_to_two_places() {
    let private = ArchiveSelection { mode: Some(Mode::PRIVATE), ..selection("conf/", "/etc/g") };
    let archive = Fixture::new().folder("top/conf").program("top/conf/x", b"x");
    let (members, spool) = take(&archive.gz(), &[private, selection("conf/x", "/x")]);
    let lines: Vec<_> = members.unwrap().iter().map(line).collect();
    assert_eq!(lines, ["0755 /etc/g/", "0600 /etc/g/x 0+1", "0755 /x 0+1"]);
    assert_eq!(spool, b"x", "the content is there once");
}

#[test]
fn an_archive_may_have_no_top_folder_and_a_spool_may_have_other_content() {
    let mut spool = Cursor::new(b"before".to_vec());
    spool.set_position(6);
    let layout = ArchiveLayout { top: "", selections: &[selection("./", "/opt/all")] };
    let gz = Fixture::new().folder("./").file("./a", b"a").gz();
    let members = extract(&gz, &layout, &ArchiveLimits::default(), &mut spool).unwrap();
    let lines: Vec<_> = members.iter().map(line).collect();
    assert_eq!(lines, ["0755 /opt/all/", "0644 /opt/all/a 6+1"]);
    assert_eq!(spool.into_inner(), b"beforea");
}

#[test]
fn names_that_could_lead_out_are_refused_in_what_is_selected() {
    let long = "x".repeat(300);
    for (name, why) in [
        ("/top/public/a", "the name `top/public/a` in the archive is absolute"),
        ("top/public/../a", "the name `top/public/../a` in the archive has a `..` part"),
        ("top/public/a\nb", r"the name `top/public/a\nb` in the archive has a control character"),
        (
            &format!("top/public/{long}"),
            &format!("the name `top/public/{long}` in the archive makes no path in the guest"),
        ),
    ] {
        let archive = Fixture::new().pax(&[("path", name)]);
        // A PAX record cannot hold a line break in tar-rs; the header can.
        let archive =
            if name.contains('\n') { Fixture::new().file(name, b"") } else { archive.file("x", b"") };
        assert_eq!(refusal(archive, &[("public/", "/p")]), why);
    }
    let latin = Fixture::new().raw(b"top/public/caf\xe9", b"", |_| {});
    let (error, _) = take(&latin.gz(), &[selection("public/", "/p")]);
    assert!(matches!(error, Err(ArchiveError::Name { flaw: NameFlaw::NotUtf8, .. })), "{error:?}");
}

#[test]
fn names_that_could_lead_out_do_no_harm_where_nothing_is_selected() {
    let archive = Fixture::new()
        .file("/etc/passwd", b"x")
        .file("../../root/.profile", b"x")
        .entry(b'2', "top/link", "/etc", b"")
        .entry(b'3', "top/device", "", b"")
        .file("top/a", b"a");
    let (members, spool) = take(&archive.gz(), &[selection("a", "/a")]);
    assert_eq!(members.unwrap().len(), 1);
    assert_eq!(spool, b"a");
}

#[test]
fn what_is_no_file_is_refused_where_it_is_selected() {
    for (kind, what) in
        [(b'3', "a device"), (b'4', "a device"), (b'6', "a FIFO"), (b'V', "of an unsupported type")]
    {
        let why =
            format!("`top/p/x` in the archive is {what}, expected a file, a directory or a symbolic link");
        assert_eq!(refusal(Fixture::new().entry(kind, "top/p/x", "", b""), &[("p/", "/p")]), why);
    }
    let why = "`top/bin` in the archive is a directory: select it with a slash at its end";
    assert_eq!(refusal(Fixture::new().folder("top/bin/"), &[("bin", "/bin")]), why);
}

#[test]
fn symbolic_links_lead_to_files_of_the_archive() {
    for (name, target, from) in [
        ("top/p/x", "/etc/passwd", "p/"),
        ("top/p/x", "../y", "p/"),
        ("top/p/x", "y/../../../z", "p/"),
        ("top/p", "other", "p/"),
        ("top/p", "other", "p"),
    ] {
        let why = format!("`{name}` in the archive links to `{target}`, which is not a file of the archive");
        assert_eq!(refusal(Fixture::new().entry(b'2', name, target, b""), &[(from, "/p")]), why);
    }
}

#[test]
fn links_to_what_is_not_selected_are_followed_by_reading_again() {
    let archive = || {
        Fixture::new()
            .entry(b'2', "top/early", "lib/v1", b"")
            .file("top/big", &vec![1; 100_000])
            .program("top/lib/v1", b"program")
            .entry(b'1', "top/hard", "top/lib/v1", b"")
    };
    let selections = [selection("early", "/a"), selection("hard", "/b"), selection("lib/v1", "/c")];
    let (members, spool) = take(&archive().gz(), &selections);
    let lines: Vec<_> = members.unwrap().iter().map(line).collect();
    assert_eq!(lines, ["0755 /a 0+7", "0755 /b 0+7", "0755 /c 0+7"]);
    assert_eq!(spool, b"program", "the content is there once");
    let (members, spool) = take(&archive().gz(), &selections[..2]);
    assert_eq!(members.unwrap().iter().map(line).collect::<Vec<_>>(), ["0755 /a 0+7", "0755 /b 0+7"]);
    assert_eq!(spool, b"program", "what is not selected is not kept");
}

#[test]
fn nothing_is_placed_below_a_symbolic_link() {
    for archive in [
        Fixture::new().entry(b'2', "top/p/a", "b", b"").file("top/p/a/x", b""),
        Fixture::new().file("top/p/a/x", b"").entry(b'2', "top/p/a", "b", b""),
    ] {
        let (error, _) = take(&archive.gz(), &[selection("p/", "/p")]);
        assert!(matches!(error, Err(ArchiveError::Place(TreeError::Below { .. }))), "{error:?}");
    }
}

#[test]
fn hard_links_mean_files_before_them() {
    for (target, archive) in [
        ("top/p/later", Fixture::new().entry(b'1', "top/p/x", "top/p/later", b"").file("top/p/later", b"")),
        ("etc/passwd", Fixture::new().entry(b'1', "top/p/x", "/etc/passwd", b"")),
        ("top/p", Fixture::new().folder("top/p").entry(b'1', "top/p/x", "top/p", b"")),
    ] {
        let why = format!(
            "`top/p/x` in the archive is a hard link to `{target}`, which is not a file before it in the archive"
        );
        assert_eq!(refusal(archive, &[("p/", "/p")]), why);
    }
}

#[test]
fn a_member_comes_once() {
    let twice = Fixture::new().file("top/a", b"1").file("./top//a", b"2");
    let why = "`/a` would be installed twice: from `top/a` and from `top/a` in the archive";
    assert_eq!(refusal(twice, &[("a", "/a")]), why);
    let clash = Fixture::new().file("top/a", b"1").file("top/b", b"2");
    let why = "`/x` would be installed twice: from `top/a` and from `top/b` in the archive";
    assert_eq!(refusal(clash, &[("a", "/x"), ("b", "/x")]), why);
    let folders = Fixture::new().folder("top/p/").folder("top/p/").gz();
    assert_eq!(
        take(&folders, &[selection("p/", "/p")]).0.unwrap().len(),
        1,
        "a directory may be listed again"
    );
}

#[test]
fn a_missing_selection_names_what_is_near() {
    let files = |top: &str| {
        ["etcdctl", "etcdutl", "bin/node_exporter", "NOTICE"]
            .iter()
            .fold(Fixture::new(), |archive, name| archive.file(&format!("{top}{name}"), b""))
    };
    for (top, from, why) in [
        (
            "top/",
            "etcdct",
            "the archive does not contain `etcdct` in its folder `top`; near it: `etcdctl`, `etcdutl`",
        ),
        (
            "top/",
            "node_exporter",
            "the archive does not contain `node_exporter` in its folder `top`; near it: `bin/node_exporter`",
        ),
        ("top/", "public/", "the archive does not contain `public/` in its folder `top`"),
        (
            "v2/",
            "NOTICE",
            "the archive does not contain `NOTICE` in a folder `top`: its top folder is `v2`; near it: `NOTICE`",
        ),
        (
            "",
            "NOTICE",
            "the archive does not contain `NOTICE` in a folder `top`: it has no top folder; near it: `NOTICE`",
        ),
    ] {
        assert_eq!(refusal(files(top), &[(from, "/x")]), why);
    }
    let layout = ArchiveLayout { top: "", selections: &[selection("etcdctl", "/x")] };
    let error = extract(&files("v2/").gz(), &layout, &ArchiveLimits::default(), &mut Cursor::new(Vec::new()));
    let why = "the archive does not contain `etcdctl` outside of a folder: its top folder is `v2`; near it: `etcdctl`, `etcdutl`";
    assert_eq!(error.unwrap_err().to_string(), why);
}

#[test]
fn a_spool_that_takes_no_more_is_named_as_the_cause() {
    let mut full = Cursor::new([0; 4]);
    let layout = ArchiveLayout { top: "top", selections: &[selection("a", "/a")] };
    let gz = Fixture::new().file("top/a", b"12345").gz();
    let error = extract(&gz, &layout, &ArchiveLimits::default(), &mut Cursor::new(&mut full.get_mut()[..]));
    assert!(matches!(error, Err(ArchiveError::Spool(_))), "{error:?}");
}
