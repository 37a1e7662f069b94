//! What stands where a bundle would be written: an earlier bundle gives way, and nothing else does.
#![expect(clippy::disallowed_methods, reason = "edge: puts things in the way of the program")]

use std::fs;
use std::process::Command;

use crate::support::small::{away, small};

/// What is in the way, as commands of a shell; what is written where; and what is said of it.
const IN_THE_WAY: [(&str, &str, &str); 14] = [
    ("", "-o profile.yaml", "the output `profile.yaml` is the same file as the input `profile.yaml`"),
    ("ln profile.yaml b", "-o b", "the output `b` is the same file as the input `profile.yaml`"),
    ("ln -s profile.yaml b", "-o b", "the output `b` is the same file as the input `profile.yaml`"),
    ("", "-o ./releases.yaml", "the output `./releases.yaml` is the same file as the input `releases.yaml`"),
    ("", "-o secrets.yaml", "the output `secrets.yaml` is the same file as the input `secrets.yaml`"),
    (
        "cp key b.minisig",
        "-o b --sign b.minisig",
        "the output `b.minisig` is the same file as the input `b.minisig`",
    ),
    ("", "-o overlays/thing/b", "it is in the folder of components"),
    ("echo text >b", "-o b", "`b` is not a bundle"),
    ("imgbuild bundle -q -o c; ln -s c b", "-o b", "`b` is not a plain file"),
    ("echo text >b.minisig", "-o b", "`b.minisig` is not a signature"),
    ("echo text >b.001", "-o b --split 64K", "`b.001` is not a piece of a bundle"),
    ("echo text >b.017", "-o b --split 64K", "`b.017` is not a piece of a bundle"),
    (
        "echo text >b.parts.json",
        "-o b --split 64K",
        "`b.parts.json` is not the list of a split bundle's pieces",
    ),
    ("mkdir b.parts.json.minisig", "-o b --split 64K", "`b.parts.json.minisig` is not a plain file"),
];

#[test]
fn what_is_no_bundle_is_refused_before_anything_is_fetched() {
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    for (given, arguments, message) in IN_THE_WAY {
        let workspace = small().file("key", pair.sk.to_box(None).unwrap().into_string());
        if given.starts_with("imgbuild") {
            workspace.run(&["bundle", "-q", "-o", "c"]).exit(0);
            fs::remove_dir_all(workspace.path("cache")).unwrap();
        }
        let script = given.trim_start_matches("imgbuild bundle -q -o c;");
        let done = Command::new("sh").args(["-ec", script]).current_dir(workspace.path(".")).status();
        assert!(done.unwrap().success(), "{given}");
        let before = workspace.files(".");
        let arguments: Vec<_> = ["bundle"].into_iter().chain(arguments.split(' ')).collect();
        let run = workspace.run(&arguments).exit(2).stdout("");
        run.says(&[message, "help: name another file, or move that one away"]);
        assert!(workspace.files(".") == before, "{given} {arguments:?}");
    }
}

#[test]
fn a_bundle_is_not_written_over_the_one_that_it_is_made_of() {
    let workspace = small();
    for split in [&[][..], &["--split", "64K"]] {
        workspace.run(&[&["bundle", "-q", "-o", "b"], split].concat()).exit(0);
        let before = workspace.files(".");
        for name in ["b", "./b"] {
            let run = away(&workspace, &[&["--bundle", "b", "bundle", "-o", name], split].concat()).exit(2);
            run.says(&["is the same file as the input"]);
        }
        assert!(workspace.files(".") == before);
        let _ = fs::remove_file(workspace.path("b"));
    }
}

#[test]
fn an_earlier_bundle_and_an_empty_file_give_way() {
    let workspace = small().file("b", "");
    workspace.run(&["bundle", "-q", "-o", "b"]).exit(0);
    let whole = workspace.read("b");
    // However damaged it is.
    let mut damaged = whole.clone();
    damaged.truncate(2000);
    workspace.write("b", damaged);
    workspace.run(&["bundle", "-q", "-o", "b"]).exit(0);
    assert!(workspace.read("b") == whole);
}
