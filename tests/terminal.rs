//! What others wrote, on a terminal: nothing in it is obeyed, whichever way it comes.
#![expect(clippy::disallowed_methods, reason = "edge: plants names that a terminal would obey")]

use std::fs;

use super::support::child::has_tool;
use super::support::small::{archive, gz, small, small_with};
use super::support::terminal;
use super::support::workspace::Workspace;

/// Clears the screen by ESC and by CSI (C1), sets the title, turns the direction of text, ends a line where none ends.
const HOSTILE: &str = "\u{1b}[2J\u{9b}2J\u{1b}]0;t\u{7}\u{202e}\u{2066}\u{2028}\u{7f}\u{200f}";

/// What the program writes to a pseudo-terminal, on both streams, with the colours that it would use there.
fn on_terminal(workspace: &Workspace, arguments: &[&str]) -> String {
    let arguments = [arguments, &["--color", "always"]].concat();
    let has_own = ["--profile", "--bundle", "--mirror"].iter().any(|option| arguments.contains(option));
    let command = if has_own { workspace.bare(&arguments) } else { workspace.command(&arguments) };
    let (bytes, _) = terminal::on_terminal(&command).unwrap();
    String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
}

/// The text without the sequences that choose colours.
fn without_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let parameters = part.strip_prefix('[').and_then(|part| part.split_once('m'));
        match parameters.filter(|(codes, _)| codes.chars().all(|c| c.is_ascii_digit() || c == ';')) {
            Some((_, rest)) => text + rest,
            None => text + "\u{1b}" + part,
        }
    })
}

#[track_caller]
fn is_harmless(workspace: &Workspace, arguments: &[&str], expected: &str) {
    let shown = on_terminal(workspace, arguments);
    let plain = without_colours(&shown);
    let is_obeyed = |c: char| {
        c.is_control() && c != '\n'
            || ('\u{2028}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
            || ['\u{61c}', '\u{200e}', '\u{200f}'].contains(&c)
    };
    assert!(!plain.contains(is_obeyed), "{arguments:?} {plain:?}");
    assert!(plain.contains(expected), "{arguments:?}: {expected} is missing in {plain:?}");
}

#[test]
fn nothing_that_others_wrote_is_obeyed_by_a_terminal() {
    if !has_tool("script", &["--quiet", "--command", "true", "/dev/null"]) {
        return;
    }
    let workspace = small().file(&format!("hostile{HOSTILE}"), "no bundle");
    let workspace = workspace.component("thing/files/etc/banner", HOSTILE);
    workspace.run(&["--all", "--quiet"]).exit(0);
    let hostile = format!("hostile{HOSTILE}");
    let escaped = "\\u{1b}[2J\\u{9b}2J\\u{1b}]0;t\\u{7}\\u{202e}\\u{2066}\\u{2028}\\u{7f}\\u{200f}";
    for (arguments, expected) in [
        (&["verify", &hostile][..], escaped),
        (&["verify", "nowhere\u{1b}[2J"], "nowhere\\u{1b}[2J"),
        (&["inspect", &hostile], escaped),
        (&["check", "--profile", &hostile], escaped),
        (&["check", "--bundle", &hostile], escaped),
        (&["show", "one", "/etc/banner"], escaped),
        (&["plan", &hostile], "u{1b}"),
        (&["fetch", &hostile], "u{1b}"),
        (&[&hostile], "u{1b}"),
        (&["check", &format!("--{hostile}")], "unexpected argument"),
        (&["fetch", "--quiet", "--store", "empty", "--mirror", &hostile], escaped),
        (&["bundle", "-o", &format!("{hostile}/b")], escaped),
    ] {
        is_harmless(&workspace, arguments, expected);
    }
    // Where nobody looks, a file's bytes are its bytes.
    let shown = workspace.run(&["show", "one", "/etc/banner"]).exit(0).data();
    assert_eq!(shown, HOSTILE);
    manifests(&workspace);
}

/// Names in manifests, and whatever else is in a node's folder.
fn manifests(workspace: &Workspace) {
    let text = workspace.text("out/one/manifest.json");
    let json = HOSTILE.replace('\u{1b}', "\\u001b").replace('\u{7}', "\\u0007");
    workspace.write("out/one/manifest.json", text.replace("thing", &format!("thing{json}")));
    workspace.write(&format!("out/one/more{HOSTILE}"), "");
    is_harmless(workspace, &["inspect", "out/one"], "thing\\u{1b}[2J\\u{9b}2J");
    is_harmless(
        workspace,
        &["--json", "inspect", "out/one"],
        "thing\\u001b[2J\\u009b2J\\u001b]0;t\\u0007\\u202e",
    );
    is_harmless(workspace, &["verify", "out/one"], "more\\u{1b}[2J");
    is_harmless(workspace, &["--json", "verify", "out/one"], "more\\u001b[2J\\u009b");
    let json = workspace.run(&["--json", "inspect", "out/one"]).exit(0).json();
    assert_eq!(json["artifacts"][0]["name"], format!("thing{HOSTILE}"), "it is the same value");
}

#[test]
fn nor_is_what_is_quoted_of_profiles_and_found_in_archives() {
    if !has_tool("script", &["--quiet", "--command", "true", "/dev/null"]) {
        return;
    }
    let profile = "cluster: small\nnetwork: {subnet: 10.0.0.0/24}\nroles: {worker: []}\n\
                   nodes:\n  - {name: \"one\\x9b2J\", address: 10.0.0.1, roles: [worker, \"a\u{202e}b\u{9b}2J\u{2028}c\"]}\n";
    let workspace = Workspace::new().profile(profile);
    is_harmless(&workspace, &["check"], "one");
    is_harmless(&workspace, &["check", "--json"], "\\u");
    assert!(on_terminal(&workspace, &["check"]).contains("\u{1b}["), "it has its own colours");

    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    let name = "thing-1.0/share/x\u{9b}2J\u{202e}";
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(tar::EntryType::Fifo);
    header.set_cksum();
    tar.append(&header, &[][..]).unwrap();
    header.as_old_mut().name = [0; 100];
    header.as_old_mut().name[..15].copy_from_slice(b"thing-1.0/thing");
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    tar.append(&header, &[][..]).unwrap();
    let workspace = small_with(&gz(&tar.into_inner().unwrap()));
    is_harmless(&workspace, &["one", "--quiet"], "x\\u{9b}2J\\u{202e}");
    fs::write(workspace.path("junk"), archive(HOSTILE.as_bytes())).unwrap();
    is_harmless(&workspace, &["verify", "junk"], "junk");
}
