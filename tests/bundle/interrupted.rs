//! A bundle whose writing is killed or finds the disk full is the last one or the new one, and the next run leaves nothing
//! over.
#![expect(clippy::disallowed_methods, reason = "edge: looks at what the program left")]

use std::cell::Cell;
use std::fs;
use std::process::Command;

use imgbuild::audit::audit;
use imgbuild::bundle::{VerifyingKey, signature_of};

use crate::support::child::has_tool;
use crate::support::faults::{Fault, at_each_step};
use crate::support::small::small;
use crate::support::workspace::Workspace;

/// The nodes of two bundles that are written in turn.
const NODES: [&str; 2] = ["one", "two"];

/// Whatever happened: what is called a bundle is whole, and what is called its signature holds.
#[track_caller]
fn is_sound(workspace: &Workspace, step: &str, signed: &str, key: &VerifyingKey) {
    let file = workspace.path(signed);
    if file.exists() {
        assert_eq!(audit(&file).unwrap().faults, [], "{step}");
    }
    if let Ok(signature) = fs::read_to_string(signature_of(&file)) {
        key.check(&signature, fs::File::open(&file).unwrap())
            .unwrap_or_else(|error| panic!("{step}: {error}"));
    }
}

#[test]
fn a_bundle_is_the_last_one_or_the_new_one_whenever_its_writing_ends() {
    if !has_tool("strace", &["-f", "true"]) {
        return;
    }
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let key = VerifyingKey::read(&pair.pk.to_base64()).unwrap();
    let workspace = small().file("key", pair.sk.to_box(None).unwrap().into_string());
    for (split, signed) in [(&[][..], "b"), (&["--split", "64K"], "b.parts.json")] {
        let arguments =
            |turn: usize| [&["bundle", "-o", "b", "-q", "--sign", "key", NODES[turn]], split].concat();
        workspace.run(&arguments(1)).exit(0);
        let turn = Cell::new(1);
        let command = |strace: Command| {
            turn.set(1 - turn.get());
            workspace.command_of(strace, &arguments(turn.get()))
        };
        for fault in [Fault::Kill, Fault::Full] {
            let steps = at_each_step(fault, &workspace, &[], command, |step, output| {
                is_sound(&workspace, step, signed, &key);
                let told = String::from_utf8_lossy(&output.stderr);
                let is_said = output.status.code() == Some(1) && told.contains("help: free disk space");
                let is_full = matches!(fault, Fault::Full);
                assert!(!is_full || is_said || output.status.success(), "{step}: {told}");
                workspace.run(&arguments(turn.get())).exit(0);
                is_sound(&workspace, step, signed, &key);
                assert!(signature_of(&workspace.path(signed)).exists(), "{step}");
                let left = fs::read_dir(workspace.path("")).unwrap().map(|entry| entry.unwrap().file_name());
                let left: Vec<_> =
                    left.filter(|name| name.to_str().unwrap().starts_with(".imgbuild-bundle-")).collect();
                assert!(left.is_empty(), "{step}: {left:?}");
            });
            assert!(steps > 8, "{steps} steps");
        }
        fs::rename(workspace.path(signed), workspace.path("done")).unwrap();
    }
}

#[test]
fn bundles_that_are_written_at_once_do_not_meet() {
    let workspace = small();
    workspace.run(&["fetch", "-q"]).exit(0);
    let runs: Vec<_> = (0..6)
        .map(|at| workspace.spawn(&["bundle", "-o", ["b", "c"][at % 2], NODES[at / 2 % 2], "--split", "32K"]))
        .collect();
    for mut run in runs {
        assert!(run.wait().unwrap().success());
    }
    for bundle in ["b", "c"] {
        workspace.run(&["bundle", "-o", bundle, "--split", "32K"]).exit(0);
        assert_eq!(audit(&workspace.path(bundle)).unwrap().faults, []);
    }
}
