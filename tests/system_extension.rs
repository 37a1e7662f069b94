//! `--format sysext`: what is below /usr comes as read-only images, and nothing else of a node is there.
#![expect(clippy::disallowed_methods, reason = "edge: looks at what the program wrote")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;

use backhand::{FilesystemReader, InnerNode};
use flate2::read::MultiGzDecoder;

use super::support::oracle::{oracle, stdout};
use super::support::workspace::{Run, Workspace};

/// The files of an overlay, without its folders.
fn overlay(workspace: &Workspace, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let bytes = workspace.read(&format!("{folder}/overlay.tar.gz"));
    let mut archive = tar::Archive::new(MultiGzDecoder::new(&bytes[..]));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if !entry.header().entry_type().is_dir() {
            files.insert(entry.path().unwrap().display().to_string(), content);
        }
    }
    files
}

/// The files of a squashfs image with their modes.
fn image(bytes: &[u8]) -> BTreeMap<String, (u16, Vec<u8>)> {
    let image = FilesystemReader::from_reader(std::io::Cursor::new(bytes.to_vec())).unwrap();
    let mut files = BTreeMap::new();
    for node in image.files() {
        assert_eq!(
            (node.header.uid, node.header.gid, node.header.mtime),
            (0, 0, 0),
            "{}",
            node.fullpath.display()
        );
        if let InnerNode::File(file) = &node.inner {
            let mut content = Vec::new();
            image.file(file).reader().read_to_end(&mut content).unwrap();
            let name = node.fullpath.strip_prefix("/").unwrap().display().to_string();
            files.insert(name, (node.header.permissions, content));
        }
    }
    files
}

const RELEASE: &str = "usr/lib/extension-release.d/extension-release.";

#[test]
fn images_hold_what_is_below_usr_and_the_overlay_all_else() {
    let workspace = Workspace::with_releases();
    workspace.run(&["--all", "--quiet", "--out", "plain"]).exit(0);
    workspace.run(&["--all", "--quiet", "--out", "sysext", "--format", "sysext"]).exit(0);
    for node in ["ptrn-1", "prmt-1"] {
        let plain = overlay(&workspace, &format!("plain/{node}"));
        let mut got = overlay(&workspace, &format!("sysext/{node}"));
        let raws: Vec<_> =
            got.keys().filter(|name| name.starts_with("var/lib/extensions/")).cloned().collect();
        assert!(raws.contains(&"var/lib/extensions/node_exporter.raw".to_owned()), "{raws:?}");
        let mut merged = BTreeMap::new();
        for raw in raws {
            let mut files = image(&got.remove(&raw).unwrap());
            let name = raw.rsplit('/').next().unwrap().trim_end_matches(".raw");
            let release = files.remove(&format!("{RELEASE}{name}")).unwrap();
            assert_eq!(release, (0o644, b"ID=_any\nARCHITECTURE=x86-64\n".to_vec()));
            merged.extend(files);
        }
        assert_eq!(merged["usr/local/bin/node_exporter"].0, 0o755);
        let own = |name: &str| name.starts_with("usr/lib/imgbuild/") || name.starts_with("etc/imgbuild/");
        assert!(!got.keys().any(|name| name.starts_with("usr/")), "{:?}", got.keys());
        let mut all: BTreeMap<_, _> =
            merged.into_iter().map(|(name, (_, content))| (name, content)).collect();
        all.extend(got.into_iter().filter(|(name, _)| !own(name)));
        // sysusers.d and tmpfiles.d are read before anything is merged.
        let place = |name: String| match name.strip_prefix("usr/lib/") {
            Some(rest) if rest.starts_with("sysusers.d/") || rest.starts_with("tmpfiles.d/") => {
                format!("etc/{rest}")
            }
            _ => name,
        };
        let expected: BTreeMap<_, _> = plain
            .into_iter()
            .filter(|(name, _)| !own(name))
            .map(|(name, content)| (place(name), content))
            .collect();
        assert_eq!(all.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{node}");
        assert!(all == expected, "{node}");
        let user_data = workspace.text(&format!("sysext/{node}/user-data"));
        assert!(user_data.contains("lists=etc/imgbuild stage=/var/lib/imgbuild/new\n"), "{user_data}");
    }
}

#[test]
fn the_same_release_gives_the_same_image_and_others_read_it() {
    let (one, two) = (Workspace::with_releases(), Workspace::with_releases());
    let read = |workspace: &Workspace, folder: &str| {
        overlay(workspace, &format!("{folder}/ptrn-1"))["var/lib/extensions/etcd.raw"].clone()
    };
    one.run(&["ptrn-1", "--quiet", "--format", "sysext"]).exit(0);
    two.run(&["--all", "--quiet", "--format", "sysext", "--delivery", "image"]).exit(0);
    assert!(read(&one, "out") == read(&two, "out"));
    let path = one.path("etcd.raw");
    fs::write(&path, read(&one, "out")).unwrap();
    if let Some(mut unsquashfs) = oracle("unsquashfs") {
        let listing = stdout(unsquashfs.args(["-lln", "-d", ""]).arg(&path));
        let line = listing.lines().find(|line| line.ends_with("/usr/local/bin/etcd")).unwrap();
        assert!(line.starts_with("-rwxr-xr-x 0/0 "), "{listing}");
        assert!(line.contains(" 1970-01-01 "), "{listing}");
    }
    let later = ["ptrn-1", "--quiet", "--format", "sysext", "--out", "later"];
    Run::of(two.command(&later).env("SOURCE_DATE_EPOCH", "1700000000")).exit(0);
    assert!(read(&two, "later") != read(&one, "out"), "its time is in it");
    let beyond = ["ptrn-1", "--format", "sysext"];
    Run::of(one.command(&beyond).env("SOURCE_DATE_EPOCH", "4294967296"))
        .exit(1)
        .says(&["SOURCE_DATE_EPOCH is 4294967296, expected at most 4294967295 for a system extension"]);
}

#[test]
fn what_is_made_for_each_node_cannot_be_below_usr() {
    let workspace = Workspace::with_releases()
        .component("motto/component.yaml", "description: a motto\neverywhere: true\n")
        .component("motto/files/usr/share/motto.j2", "{{ node.name }}\n");
    workspace.run(&["check"]).exit(0);
    workspace.run(&["check", "--format", "sysext"]).exit(3).says(&[
        "error: /usr/share/motto of `motto` is a template, but files below /usr are the same on every node",
        "help: with `--format sysext` a template cannot be below /usr: move this one to /etc, or leave out",
    ]);
    let workspace = Workspace::with_releases();
    workspace
        .run(&["ptrn-1", "--format", "sysext", "--delivery", "download"])
        .exit(2)
        .says(&["error: `--format sysext` cannot be combined with `--delivery download`"]);
    workspace.wrote_nothing();
}
