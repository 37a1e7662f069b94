//! Signatures of bundles: minisign makes and checks the same, and one that does not hold is named, with exit code 4.
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

use std::fs;

use super::support::oracle::{oracle, stdout};
use super::support::small::{away, small};
use super::support::workspace::{Run, Workspace};

/// Runs minisign in the folder of the workspace.
fn minisign(workspace: &Workspace, arguments: &[&str]) -> Option<String> {
    Some(stdout(oracle("minisign")?.current_dir(workspace.path("")).args(arguments)))
}

/// A cluster and minisign's keys.
fn with_keys() -> Option<Workspace> {
    let workspace = small();
    minisign(&workspace, &["-G", "-W", "-p", "pub", "-s", "key"])?;
    Some(workspace)
}

#[test]
fn minisign_and_imgbuild_agree_on_signatures() {
    let Some(workspace) = with_keys() else { return };
    for (arguments, signed) in [(&["-o", "b"][..], "b"), (&["-o", "s", "--split", "64K"], "s.parts.json")] {
        workspace.run(&[&["bundle", "--sign", "key"], arguments].concat()).exit(0);
        minisign(&workspace, &["-V", "-p", "pub", "-m", signed]);
        let told = away(&workspace, &["verify", signed, "--key", "pub"]).exit(0).data();
        assert!(told.contains("signed: imgbuild bundle of small"), "{told}");
        assert!(told.ends_with("proven: every byte is the one that was signed with this key\n"), "{told}");
    }
    let text = workspace.text("pub");
    away(&workspace, &["verify", "b", "--key", text.lines().nth(1).unwrap()]).exit(0);

    // Theirs, over ours.
    minisign(&workspace, &["-S", "-s", "key", "-m", "b", "-t", "by hand"]);
    let told = away(&workspace, &["verify", "b", "--key", "pub"]).exit(0).data();
    assert!(told.contains("signed: by hand"), "{told}");
}

#[test]
fn a_signature_that_does_not_hold_is_named() {
    let Some(workspace) = with_keys() else { return };
    workspace.run(&["bundle", "-o", "b", "--sign", "key"]).exit(0);
    let text = workspace.text("b.minisig");
    let first = text.lines().take(3).collect::<Vec<_>>().join("\n");
    for (bytes, why) in [
        (text.replace("bundle of small", "bundle of large").into_bytes(), "invalid signature: "),
        (b"untrusted comment: x\nAAAA\n".to_vec(), "invalid signature: "),
        (first.clone().into_bytes(), "invalid signature: "),
        (text.replace("==", "=").into_bytes(), "invalid signature: "),
        ((first + "\nAAAA\n").into_bytes(), "invalid signature: "),
        (vec![0xff], "UTF-8"),
    ] {
        workspace.write("b.minisig", bytes);
        let run = away(&workspace, &["verify", "b", "--key", "pub"]).exit(4).stdout("");
        run.says(&["`b.minisig`", why]);
    }
    workspace.write("b.minisig", text);
    away(&workspace, &["verify", "b", "--key", "pub"]).exit(0);
    minisign(&workspace, &["-G", "-W", "-p", "other.pub", "-s", "other.key"]);
    away(&workspace, &["verify", "b", "--key", "other.pub"]).exit(4).says(&["`b.minisig`"]);
    fs::remove_file(workspace.path("b.minisig")).unwrap();
    away(&workspace, &["verify", "b", "--key", "pub"]).exit(4).says(&["`b.minisig` is missing"]);
}

#[test]
fn keys_that_are_none_are_a_matter_of_usage() {
    let Some(workspace) = with_keys() else { return };
    workspace.run(&["--all", "--quiet"]).exit(0);
    workspace.run(&["bundle", "-o", "b"]).exit(0);
    away(&workspace, &["verify", "b", "--key", "no key"])
        .exit(2)
        .says(&["--key: the public key cannot be used"]);
    away(&workspace, &["verify", "out/one", "--key", "pub"]).exit(2).says(&["a node has no signature"]);
    for wrong in ["pub", "secrets.yaml", "profile.yaml"] {
        let run = workspace.run(&["bundle", "-o", "c", "--sign", wrong]).exit(2);
        run.says(&[&format!("--sign {wrong}: the secret key cannot be used"), "minisign -G"]);
        assert!(!workspace.path("c").exists());
    }
}

#[test]
fn a_bundle_that_is_not_signed_keeps_no_signature_of_an_earlier_one() {
    let Some(workspace) = with_keys() else { return };
    workspace.run(&["bundle", "-o", "b", "--sign", "key"]).exit(0);
    workspace.run(&["bundle", "-o", "b", "one"]).exit(0);
    assert!(!workspace.path("b.minisig").exists());
}

#[test]
fn a_key_with_a_password_needs_it() {
    const PASSWORD: &str = "pass-of-the-key";
    let pair = minisign::KeyPair::generate_encrypted_keypair(Some(PASSWORD.to_owned())).unwrap();
    let workspace = small().file("key", pair.sk.to_box(None).unwrap().into_string());
    let arguments = ["bundle", "-o", "b", "--sign", "key"];
    workspace.run(&arguments).exit(2).says(&["IMGBUILD_SIGN_PASSWORD"]);
    for (password, code) in [("another one", 2), (PASSWORD, 0)] {
        let mut command = workspace.command(&arguments);
        Run::of(command.env("IMGBUILD_SIGN_PASSWORD", password)).exit(code);
    }
    away(&workspace, &["verify", "b", "--key", &pair.pk.to_base64()]).exit(0);
}

#[test]
fn a_build_can_insist_on_a_key_and_on_not_going_back() {
    let Some(workspace) = with_keys() else { return };
    minisign(&workspace, &["-G", "-W", "-p", "other.pub", "-s", "other.key"]);
    for arguments in [&["-o", "b"][..], &["-o", "s", "--split", "64K"]] {
        workspace.run(&[&["bundle", "--sign", "key"], arguments].concat()).exit(0);
    }
    workspace.run(&["bundle", "-o", "plain"]).exit(0);
    let build = |more: &[&str]| away(&workspace, &[&["one", "--quiet", "--store", "fresh"], more].concat());
    for bundle in ["b", "s"] {
        build(&["--bundle", bundle, "--key", "pub", "--not-before", "2026-01-01"]).exit(0);
        let run =
            build(&["--bundle", bundle, "--key", "pub", "--not-before", "2999-12-31T00:00:01Z"]).exit(4);
        run.says(&[
            "is refused: it was signed at 20",
            "expected not before 2999-12-31T00:00:01Z",
            "--not-before",
        ]);
        build(&["--bundle", bundle, "--key", "other.pub"])
            .exit(4)
            .says(&["failed to verify the bundle with the signature"]);
    }
    build(&["--bundle", "plain", "--key", "pub"]).exit(4).says(&["plain.minisig", "it is missing"]);
    build(&["--bundle", "b", "--key", "pub", "--not-before", "soon"]).exit(2).says(&["2026-11-28"]);
    build(&["--key", "pub"]).exit(2).says(&["--bundle <FILE>"]);
    build(&["--bundle", "b", "--not-before", "2026-01-01"]).exit(2).says(&["--key <PUB>"]);

    // A piece that is not the one that was signed.
    let (name, mut piece) = ("s.002", workspace.read("s.002"));
    piece[100] ^= 1;
    workspace.write(name, piece);
    build(&["--bundle", "s", "--key", "pub"]).exit(4).says(&["s.002"]);
}

#[test]
fn an_older_bundle_under_a_new_name_shows_what_it_is() {
    let Some(workspace) = with_keys() else { return };
    workspace.run(&["bundle", "-o", "b", "--sign", "key"]).exit(0);
    let own = away(&workspace, &["verify", "b", "--key", "pub"]).exit(0).data();
    let sha256 = imgbuild::digest::Sha256::of(workspace.read("b"));
    assert!(own.contains("signed: imgbuild bundle of small, as `b`, at 20"), "{own}");
    assert!(own.contains(&format!("sha256 {sha256}\n")) && !own.contains("another name"), "{own}");
    for end in ["", ".minisig"] {
        fs::rename(workspace.path(&format!("b{end}")), workspace.path(&format!("newest{end}"))).unwrap();
    }
    let told = away(&workspace, &["verify", "newest", "--key", "pub"]).exit(0).data();
    assert!(told.contains("as `b`, at 20") && told.contains("; it had another name then"), "{told}");
    let json = away(&workspace, &["--json", "verify", "newest", "--key", "pub"]).exit(0).json();
    assert_eq!(
        (&json["signed"]["name"], &json["signed"]["sha256"]),
        (&"b".into(), &sha256.to_string().into())
    );
    assert!(json["signed"]["time"].as_u64().unwrap() > 1_700_000_000);
    let late = ["verify", "newest", "--key", "pub", "--not-before", "2999-01-01"];
    away(&workspace, &late).exit(4).says(&["`newest.minisig`: it was signed at 20"]);
}
