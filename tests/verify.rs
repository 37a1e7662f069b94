//! `imgbuild verify` and `inspect`, and signatures: what is wrong is named, with exit code 4.
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

use std::fs;

use super::support::cluster::{Cluster, ONLINE};
use super::support::oracle::{oracle, stdout};

/// A cluster whose nodes were built, with its bundle.
fn cluster() -> Cluster {
    let cluster = Cluster::new();
    cluster.done(&[&ONLINE[..], &["--all", "--store", "store"]].concat());
    cluster.bundle(&[]);
    cluster
}

fn flip(cluster: &Cluster, file: &str, text: &[u8]) {
    let mut bytes = cluster.read(file);
    let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
    bytes[at] ^= 1;
    let path = cluster.path(file);
    fs::remove_file(&path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_was_built_is_intact_and_can_be_listed() {
    let cluster = cluster();
    for (path, kind, listed) in [
        ("b", "bundle", "profile.yaml"),
        ("out/one", "node", "thing 1.0"),
        ("out/one/seed.iso", "seed image", "overlay.tar.gz"),
        ("store", "store", " "),
    ] {
        let told = cluster.done(&["verify", path]);
        assert!(told.starts_with(&format!("{path}: {kind}, ")) && told.contains("intact"), "{told}");
        let told = cluster.done(&["inspect", path]);
        assert!(told.starts_with(kind) && told.contains(listed), "{told}");
        for verb in ["verify", "inspect"] {
            let told = cluster.done(&["--json", verb, path]);
            serde_json::from_str::<serde_json::Value>(&told).expect("it is JSON");
        }
    }
}

#[test]
fn what_is_wrong_with_a_node_is_named() {
    type Harm = fn(&Cluster);
    for (harm, named) in [
        ((|cluster| flip(cluster, "out/one/meta-data", b"one")) as Harm, "`meta-data` is damaged"),
        (
            |cluster| fs::remove_file(cluster.path("out/one/network-config")).unwrap(),
            "`network-config` is missing",
        ),
        (|cluster| cluster.write("out/one/notes", ""), "`notes` is not declared"),
        (|cluster| cluster.write("out/one/manifest.json", "{"), "`manifest.json`: "),
        (|cluster| flip(cluster, "out/one/seed.iso", b"CIDATA"), "`seed.iso` is damaged"),
    ] {
        let cluster = cluster();
        harm(&cluster);
        let told = cluster.fails(4, &["verify", "out/one"]);
        assert!(told.contains(named), "{named} in {told}");
    }
}

#[test]
fn a_seed_whose_overlay_is_another_is_named() {
    let cluster = cluster();
    let overlay = cluster.read("out/one/overlay.tar.gz");
    flip(&cluster, "out/one/seed.iso", &overlay[..64]);
    let told = cluster.fails(4, &["verify", "out/one/seed.iso"]);
    assert!(told.contains("`overlay.tar.gz` is damaged"), "{told}");
}

#[test]
fn what_is_wrong_with_a_store_is_named() {
    let cluster = cluster();
    flip(&cluster, &format!("store/sha256/{}", artifact(&cluster)), b"\x1f\x8b");
    cluster.write("store/sha256/stray", "");
    cluster.write("store/layers/odd.json", "{}");
    let told = cluster.fails(4, &["verify", "store"]);
    for named in
        [&format!("{}` is damaged", artifact(&cluster)), "`sha256/stray` is not declared", "odd.json"]
    {
        assert!(told.contains(named), "{named} in {told}");
    }
}

fn artifact(cluster: &Cluster) -> String {
    imgbuild::digest::Sha256::of(cluster.read("mirror/h.invalid/thing-1.0.tar.gz")).to_string()
}

#[test]
fn what_imgbuild_does_not_write_is_not_verified() {
    let cluster = cluster();
    cluster.fails(4, &["verify", "profile.yaml"]);
    cluster.fails(1, &["verify", "overlays"]);
    cluster.fails(1, &["verify", "nowhere"]);
}

#[test]
fn minisign_and_imgbuild_agree_on_signatures() {
    let Some(mut minisign) = oracle("minisign") else { return };
    let cluster = Cluster::new();
    stdout(minisign.current_dir(cluster.path("")).args(["-G", "-W", "-p", "pub", "-s", "key"]));
    for (more, signed) in [(&[][..], "b"), (&["--split", "64K"], "b.parts.json")] {
        cluster.bundle(&[&["--sign", "key"], more].concat());
        let Some(mut minisign) = oracle("minisign") else { return };
        stdout(minisign.current_dir(cluster.path("")).args(["-V", "-p", "pub", "-m", signed]));
        let told = cluster.done(&["verify", signed, "--key", "pub"]);
        assert!(told.contains("signed: imgbuild bundle of small"), "{told}");
    }
    let text = String::from_utf8(cluster.read("pub")).unwrap();
    cluster.done(&["verify", "b", "--key", text.lines().nth(1).unwrap()]);

    // Theirs, over ours.
    let Some(mut minisign) = oracle("minisign") else { return };
    stdout(minisign.current_dir(cluster.path("")).args(["-S", "-s", "key", "-m", "b", "-t", "by hand"]));
    assert!(cluster.done(&["verify", "b", "--key", "pub"]).contains("signed: by hand"));
}

#[test]
fn a_signature_that_does_not_hold_is_named() {
    let Some(mut minisign) = oracle("minisign") else { return };
    let cluster = Cluster::new();
    stdout(minisign.current_dir(cluster.path("")).args(["-G", "-W", "-p", "pub", "-s", "key"]));
    cluster.bundle(&["--sign", "key"]);
    let signature = cluster.read("b.minisig");
    let text = String::from_utf8(signature.clone()).unwrap();
    for (bytes, why) in [
        (text.replace("bundle of small", "bundle of large").into_bytes(), "does not hold"),
        (b"untrusted comment: x\nAAAA\n".to_vec(), "does not hold"),
        (text.lines().take(3).collect::<Vec<_>>().join("\n").into_bytes(), "does not hold"),
        (text.replace("==", "=").into_bytes(), "does not hold"),
        (
            [text.lines().take(3).collect::<Vec<_>>().join("\n"), "AAAA\n".to_owned()]
                .join("\n")
                .into_bytes(),
            "does not hold",
        ),
        (vec![0xff], "UTF-8"),
    ] {
        cluster.write("b.minisig", bytes);
        let told = cluster.fails(4, &["verify", "b", "--key", "pub"]);
        assert!(told.contains("`b.minisig`") && told.contains(why), "{told}");
    }
    fs::remove_file(cluster.path("b.minisig")).unwrap();
    assert!(cluster.fails(4, &["verify", "b", "--key", "pub"]).contains("`b.minisig` is missing"));
    cluster.fails(2, &["verify", "b", "--key", "no key"]);
    fs::create_dir(cluster.path("sha256")).unwrap();
    cluster.fails(2, &["verify", ".", "--key", "pub"]);
}

#[test]
fn a_key_with_a_password_needs_it() {
    let pair = minisign::KeyPair::generate_encrypted_keypair(Some("pass".to_owned())).unwrap();
    let cluster = Cluster::new();
    cluster.write("key", pair.sk.to_box(None).unwrap().into_string());
    let arguments = [&ONLINE[..], &["bundle", "-o", "b", "--sign", "key"]].concat();
    let told = cluster.fails(2, &arguments);
    assert!(told.contains("IMGBUILD_SIGN_PASSWORD"), "{told}");
    let mut command = cluster.command(&[]);
    stdout(command.args(arguments).env("IMGBUILD_SIGN_PASSWORD", "pass"));
    cluster.done(&["verify", "b", "--key", &pair.pk.to_base64()]);
}
