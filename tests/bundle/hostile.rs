//! Bundles made to do harm: refused with exit code 4, in memory that does not follow what they claim, or harmless.

use std::process::Command;

use imgbuild::bundle::header;
use imgbuild::digest::Sha256;
use serde_json::{Value, json};

use super::{OFFLINE, bundled, is_the_same};
use crate::support::child::has_tool;
use crate::support::small::{away, gz};
use crate::support::workspace::{Run, Workspace};

/// The memory for data that reading a bundle gets, in bytes: a few times the longest index here.
const MEMORY: usize = 32 << 20;

/// A bundle's index, and all that stands behind it.
struct Parts {
    index: Value,
    rest: Vec<u8>,
}

impl Parts {
    fn of(workspace: &Workspace) -> Self {
        let bytes = workspace.read("b");
        let index = away(workspace, &["inspect", "b", "--json"]).exit(0).json();
        let sizes = index["parts"].as_array().unwrap().iter().map(|part| {
            let size = part["size"].as_u64().unwrap();
            512 + size.next_multiple_of(512)
        });
        let rest = usize::try_from(sizes.sum::<u64>()).unwrap() + 1024;
        Self { index, rest: bytes[bytes.len() - rest..].to_vec() }
    }

    /// A bundle with a changed index.
    fn with(&self, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut index = self.index.clone();
        change(&mut index);
        self.with_text(&index.to_string())
    }

    fn with_text(&self, index: &str) -> Vec<u8> {
        let digest = format!("{}  index.json\n", Sha256::of(index));
        let mut bytes = Vec::new();
        for (path, text) in [("index.json", index), ("index.json.sha256", &digest)] {
            bytes.extend(header(path, text.len() as u64).unwrap());
            bytes.extend(text.as_bytes());
            bytes.resize(bytes.len().next_multiple_of(512), 0);
        }
        [bytes, self.rest.clone()].concat()
    }

    /// One with another part.
    fn with_part(&self, path: &str, size: u64) -> Vec<u8> {
        self.with(|index| {
            let part = json!({"path": path, "name": "x", "size": size, "sha256": Sha256::of("")});
            let parts = index["parts"].as_array_mut().unwrap();
            parts.push(part);
            parts.sort_by_key(|part| part["path"].as_str().unwrap().to_owned());
        })
    }
}

fn no_bundles(whole: &[u8], parts: &Parts) -> Vec<(Vec<u8>, &'static str)> {
    let many: Vec<_> = (0..20_000).map(|at| json!({"path": format!("overlays/a/{at:06}"), "name": "", "size": 0, "sha256": Sha256::of("")})).collect();
    let odd = |key: &'static str, value: Value| parts.with(|index| index[key] = value);
    vec![
        (parts.with_part("overlays/../../etc/cron.d/x", 0), "absolute, or has an empty, `.` or `..` part"),
        (parts.with_part("/etc/passwd", 0), "absolute, or has an empty, `.` or `..` part"),
        (parts.with_part("secrets.yaml", 0), "is not a part that a bundle can contain"),
        (parts.with_part("overlays/thing/component.yaml", 0), "is listed twice or out of order"),
        (
            parts.with_part(&format!("artifacts/sha256/{}", Sha256::of("x")), 0),
            "whose name and digest differ",
        ),
        (parts.with_part("overlays/thing/huge", u64::MAX), "exceeds 64 bits"),
        (parts.with_part("overlays/thing/huge", 1 << 50), "from its index"),
        (parts.with_part("overlays/thing/a\u{1b}[2J", 0), "has a control character"),
        (odd("cluster", json!("\u{1b}]0;owned\u{7}")), "it contains a name with a control character"),
        (odd("nodes", json!(["\u{1b}[2J"])), "it contains a name with a control character"),
        (odd("\u{1b}[2J", json!(1)), "unknown field"),
        (odd("format", json!("1")), "invalid type"),
        (odd("parts", json!([])), "the part `profile.yaml` is missing"),
        (
            parts.with(|index| index["parts"].as_array_mut().unwrap().splice(1..1, many).for_each(drop)),
            "from its index",
        ),
        (parts.with_text(&("{\"x\":".to_owned() + &"[".repeat(1 << 20))), "EOF while parsing a list"),
        (parts.with_text("{}"), "missing field"),
        (header("index.json", 1 << 40).unwrap(), "more than the limit of 16777216"),
        ([whole, &header("overlays/thing/more", 0).unwrap()[..]].concat(), "from its index"),
        ([whole, &[0; 10240]].concat(), "from its index"),
        (gz(whole), "is not a bundle, or its beginning is damaged"),
        (b"PK\x03\x04".repeat(200), "is not a bundle, or its beginning is damaged"),
        (vec![0; 2048], "is not a bundle, or its beginning is damaged"),
        (vec![], "is not a bundle, or its beginning is damaged"),
    ]
}

#[test]
fn what_is_no_bundle_is_refused_and_nothing_is_built_from_it() {
    let limited = has_tool("prlimit", &[&format!("--data={MEMORY}"), "true"]);
    let workspace = bundled(&[]);
    let parts = Parts::of(&workspace);
    let whole = workspace.read("b");
    assert!(
        parts.with_text(&(serde_json::to_string_pretty(&parts.index).unwrap() + "\n")).len() == whole.len()
    );
    for (bytes, why) in no_bundles(&whole, &parts) {
        workspace.write("b", bytes);
        for arguments in [&OFFLINE[..], &["verify", "b"], &["--bundle", "b", "check"]] {
            let mut prlimit = Command::new("prlimit");
            prlimit.arg(format!("--data={MEMORY}"));
            let run = if limited {
                Run::of(&mut workspace.bare_of(prlimit, arguments))
            } else {
                away(&workspace, arguments)
            };
            let run = run.exit(4).stdout("").hides("\u{1b}");
            let found = run.errors();
            assert!(
                found.contains(why) || arguments[0] == "verify" && why == "from its index",
                "{why}: {found}"
            );
        }
        assert!(!workspace.path("offline").exists() && !workspace.path("fresh").exists(), "{why}");
    }
}

#[test]
fn a_newer_format_is_no_damage() {
    let workspace = bundled(&[]);
    let parts = Parts::of(&workspace);
    workspace.write("b", parts.with(|index| index["format"] = json!(2)));
    for arguments in [&OFFLINE[..], &["verify", "b"], &["inspect", "b"]] {
        away(&workspace, arguments).exit(1).says(&["has format 2, this imgbuild reads format 1"]);
    }
}

#[test]
fn a_member_that_tar_takes_for_something_else_is_named_and_does_no_harm() {
    let workspace = bundled(&[]);
    let whole = workspace.read("b");
    let own = header("profile.yaml", 219).unwrap();
    let at = whole.windows(100).position(|part| part == &own[..100]).unwrap();
    for (kind, link) in [
        (tar::EntryType::Symlink, "/etc/passwd"),
        (tar::EntryType::Link, "../../x"),
        (tar::EntryType::Char, ""),
    ] {
        let mut odd = tar::Header::from_byte_slice(&whole[at..at + 512]).clone();
        odd.set_entry_type(kind);
        odd.set_link_name_literal(link).unwrap();
        odd.set_cksum();
        let mut bytes = whole.clone();
        bytes[at..at + 512].copy_from_slice(odd.as_bytes());
        workspace.write("b", bytes);
        away(&workspace, &["verify", "b"]).exit(4).says(&["`profile.yaml`: its tar header was modified"]);
    }
    // The index alone says what is where.
    away(&workspace, &OFFLINE).exit(0);
    is_the_same(&workspace);
}

#[test]
fn lists_of_pieces_that_cannot_be_are_refused() {
    let workspace = bundled(&["--split", "64K"]);
    let digest = Sha256::of("").to_string();
    let piece = |size: u64| json!({"size": size, "sha256": digest});
    let list = |pieces: Vec<Value>| json!({"format": 1, "pieces": pieces}).to_string();
    let list_of = |text: &str| {
        serde_json::to_string_pretty(&serde_json::from_str::<Value>(text).unwrap()).unwrap() + "\n"
    };
    for (text, why) in [
        (list_of(&list(vec![])), "it has 0 pieces"),
        (list_of(&list(vec![piece(1); 1000])), "it has 1000 pieces"),
        (list_of(&list(vec![piece(u64::MAX); 2])), "exceeds 64 bits"),
        (workspace.text("b.parts.json") + " ", "it is not formatted as imgbuild writes it"),
        ("[".repeat(100_000), "invalid type"),
        ("x".repeat(1 << 19), "expected value"),
        ("x".repeat(3 << 20), "it is longer than 1048576 bytes"),
        (workspace.text("b.parts.json").replace("\"format\": 1", "\"format\": 2"), "it has format 2"),
    ] {
        workspace.write("b.parts.json", text);
        for arguments in [&OFFLINE[..], &["verify", "b"], &["inspect", "b.001"]] {
            away(&workspace, arguments).exit(4).stdout("").says(&[why]);
        }
    }
}
