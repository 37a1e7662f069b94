//! Archives that are damaged, old, somebody else's or hostile: nothing of them is used, and the message says why.
#![expect(clippy::disallowed_methods, reason = "edge: removes what the tests wrote")]

use std::io::Write as _;

use imgbuild::digest::Sha256;

use super::archive::{Archive, gz, lock_without_mirror, package};
use super::signer::{SHA1, SHA512, Signer, clear};
use crate::support::run::Run;
use crate::support::server::{Answer, Server};

fn haproxy() -> Archive {
    Archive::new(&[package("haproxy", "3.0-1", "")])
}

/// Locks haproxy from an archive whose `InRelease` is this.
fn with_message(archive: &Archive, message: &[u8]) -> Run {
    let desk = archive.desk("[haproxy]");
    desk.write("mirror/h.invalid/debian/dists/trixie/InRelease", message);
    let run = desk.run(&["lock"]);
    assert!(!desk.path("packages.lock").exists());
    run
}

#[test]
fn what_is_not_signed_by_a_pinned_key_is_refused() {
    let archive = haproxy();
    let text = archive.release();
    let good = archive.signer.message(&text);
    let other = Signer::new();
    let flipped = good.replacen("Codename: trixie", "Codename: trixia", 1);
    let half = &good[..good.len() / 2];
    let dash = good.replacen("Suite:", "-Suite:", 1);
    for (message, says) in [
        (text.clone(), "`trixie` of `debian`: InRelease: it does not begin as a signed message"),
        (other.message(&text), "trusts"),
        (flipped, "does not hold"),
        (half.to_owned(), "it is not a valid signed message"),
        ([good.as_str(), &good].concat(), "something stands behind the signature"),
        (format!("Suite: evil\n{good}"), "it does not begin as a signed message"),
        (format!("{good}Suite: evil\n"), "something stands behind the signature"),
        (good.replacen("Hash: SHA512\n", "Hash: SHA512\nComment: evil\n", 1), "a header that is not `Hash:`"),
        (dash, "a line begins with a dash that is not escaped"),
        (good.replace('\n', "\r\n"), "it does not begin as a signed message"),
        (good.replacen("Suite", "Su\0ite", 1), "a carriage return or a zero byte"),
        (clear(&text, &[archive.signer.signature(&text, SHA1)]), "algorithms that are not accepted: SHA-1"),
        (clear(&text, &[]), "its signature is damaged"),
        (String::new(), "it does not begin as a signed message"),
    ] {
        with_message(&archive, message.as_bytes()).exit(4).says(&[says]);
    }
    let run = with_message(&archive, other.message(&text).as_bytes());
    run.says(&[&format!("signed by {}", other.hex()), &format!("`debian` trusts {}", archive.signer.hex())]);
    with_message(&archive, b"<!DOCTYPE html><html>login</html>").exit(4);
    with_message(&archive, &vec![b'x'; 2 << 20]).exit(4);
}

#[test]
fn one_good_signature_is_enough() {
    let archive = haproxy();
    let text = archive.release();
    let other = Signer::new();
    let mut broken = archive.signer.signature(&text, SHA512);
    let last = broken.len() - 1;
    broken[last] ^= 1;
    let signatures =
        [other.signature(&text, SHA512), broken.clone(), archive.signer.signature(&text, SHA512)];
    let desk = archive.desk("[haproxy]");
    desk.write("mirror/h.invalid/debian/dists/trixie/InRelease", clear(&text, &signatures));
    desk.run(&["lock"]).exit(0);
    let many = vec![other.signature(&text, SHA512); 20];
    with_message(&archive, clear(&text, &many).as_bytes()).exit(4).says(&["more than 16 signatures"]);
    with_message(&archive, clear(&text, &[broken]).as_bytes()).exit(4).says(&["does not hold"]);
}

#[test]
fn a_key_file_must_have_the_pinned_key() {
    let archive = haproxy();
    for (file, says) in [
        (Signer::new().key(), "does not have the key"),
        ("not a key".to_owned(), "it is not an OpenPGP key"),
        (archive.signer.key().replace("PUBLIC", "PRIVATE"), "it holds a secret key"),
    ] {
        let desk = archive.desk("[haproxy]").file("keys/test.asc", file);
        desk.run(&["lock"]).exit(4).says(&["keys/test.asc", says]);
    }
    let desk = archive.desk("[haproxy]");
    std::fs::remove_file(desk.path("keys/test.asc")).unwrap();
    desk.run(&["lock"])
        .exit(3)
        .says(&["failed to read `keys/test.asc`, which the pins file names", "beside the pins file"]);
}

#[test]
fn a_suite_is_of_the_right_time() {
    let mut archive = haproxy();
    archive.extra = "Valid-Until: Sat, 22 Nov 2025 10:20:30 UTC\n".into();
    let run = archive.lock("[haproxy]").exit(4);
    run.says(&["`trixie` of `debian` expired on 2025-11-22T10:20:30Z", "--at"]);
    archive.desk("[haproxy]").run(&["lock", "--at", "2025-11-20"]).exit(0);
    let run = archive.desk("[haproxy]").run(&["lock", "--at", "2025-11-01"]).exit(4);
    run.says(&["is of 2025-11-15T10:20:30Z, and 2025-11-01T00:00:00Z is asked for"]);
    archive.date = "Sat, 15 Nov 2098 10:20:30 UTC".into();
    archive.extra.clear();
    archive.lock("[haproxy]").exit(4).says(&["is of 2098-11-15T10:20:30Z", "see that the clock is right"]);
}

#[test]
fn a_suite_never_goes_back_in_time() {
    let mut archive = haproxy();
    let desk = archive.desk("[haproxy]");
    desk.run(&["lock"]).exit(0);
    archive.date = "Fri, 14 Nov 2025 10:20:30 UTC".into();
    archive.publish(&desk);
    let run = desk.run(&["lock", "--upgrade"]).exit(4);
    run.says(&["is of 2025-11-14T10:20:30Z, the lock has seen 2025-11-15T10:20:30Z: it went back in time"]);
    desk.run(&["lock", "--at", "2025-11-14T12:00:00Z"]).exit(0);
}

#[test]
fn a_suite_is_the_one_that_was_asked_for() {
    let mut archive = haproxy();
    (archive.suite, archive.codename) = ("stable".into(), "noble".into());
    let run = archive.lock("[haproxy]").exit(4);
    run.says(&["`debian` was asked for `trixie`, got Suite: stable, Codename: noble"]);
    (archive.suite, archive.codename) = ("trixie-updates".into(), "trixie".into());
    archive.lock("[haproxy]").exit(4).says(&["got Suite: trixie-updates, Codename: trixie"]);
    archive = haproxy();
    archive.component = "contrib".into();
    archive.lock("[haproxy]").exit(3).says(&["`trixie` of `debian` has no `main` for amd64, has `contrib`"]);
}

#[test]
fn an_index_is_what_was_signed() {
    let mut archive = haproxy();
    let good = gz(&archive.packages);
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for index in [flipped, good[..good.len() - 1].to_vec(), [&good[..], b"x"].concat()] {
        archive.index = Some(index);
        archive.lock("[haproxy]").exit(4).says(&["main/binary-amd64/Packages.gz", "InRelease says"]);
    }
    archive.index = None;
    archive.room = Some(archive.packages.len() - 1);
    archive.lock("[haproxy]").exit(4).says(&["it has more than the", "bytes that InRelease says"]);
    archive.room = None;
    archive.packages = format!("{}<html>\n", archive.packages);
    archive.lock("[haproxy]").exit(4).says(&["Packages.gz` of `trixie` of `debian`: line", "is not a field"]);
}

#[test]
fn a_bomb_is_stopped_at_the_size_that_was_signed() {
    let mut archive = haproxy();
    let bomb = format!("{}{}", archive.packages, "Description: x\n y\n".repeat(4_000_000));
    archive.room = Some(archive.packages.len());
    archive.packages = bomb;
    archive.lock("[haproxy]").exit(4).says(&["bytes that InRelease says"]);
}

#[test]
fn a_cut_xz_is_refused() {
    let Some(mut xz) = crate::support::oracle::oracle("xz") else { return };
    let archive = haproxy();
    let mut child = xz
        .args(["--format=xz", "-9"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(archive.packages.as_bytes()).unwrap();
    let whole = child.wait_with_output().unwrap().stdout;
    for (bytes, code) in [(&whole[..], 0), (&whole[..whole.len() - 20], 4)] {
        let release = format!(
            "{} {} {} main/binary-amd64/Packages.xz\n",
            archive.release(),
            Sha256::of(bytes),
            bytes.len()
        );
        let desk = archive.desk("[haproxy]");
        desk.write("mirror/h.invalid/debian/dists/trixie/InRelease", archive.signer.message(&release));
        desk.write("mirror/h.invalid/debian/dists/trixie/main/binary-amd64/Packages.xz", bytes);
        desk.run(&["lock"]).exit(code);
    }
}

#[test]
fn a_package_that_cannot_be_trusted_is_refused() {
    let good = package("haproxy", "3.0-1", "");
    let path = "pool/main/haproxy_3.0-1_amd64.deb";
    for (from, to, says) in [
        (path, "../../etc/x.deb", "Filename `../../etc/x.deb` leads out of the archive"),
        (path, "/etc/x.deb", "leads out of the archive"),
        (path, "https://evil.invalid/x.deb", "leads out of the archive"),
        ("SHA256", "MD5sum", "haproxy 3.0-1 of debian/trixie/main: it has no SHA-256"),
        ("Size: 1000", "Size: -1", "is not a valid `Size`"),
        ("Installed-Size", "Depends: libc6 (>= 1) [amd64]\nInstalled-Size", "is not a valid relation"),
        ("Version: 3.0-1", "Version: 3.0 1", "is not a valid `Version`"),
        ("Package: haproxy", "Package: haproxy\nPackage: other", "has the field `Package` a second time"),
    ] {
        Archive::new(&[good.replacen(from, to, 1)]).lock("[haproxy]").exit(4).says(&[says]);
    }
    let twice = good.replace(&Sha256::of("haproxy 3.0-1").to_string(), &Sha256::of("evil").to_string());
    let run = Archive::new(&[good, twice]).lock("[haproxy]").exit(4);
    run.says(&["two different haproxy 3.0-1: sha256"]);
}

#[test]
fn a_mirror_in_the_middle_of_an_update_is_read_once_more() {
    let (mut old, mut new) = (haproxy(), haproxy());
    new.packages += &package("haproxy", "3.0-2", "");
    new.date = "Sun, 16 Nov 2025 10:20:30 UTC".into();
    new.signer = old.signer;
    old.signer = Signer::new();
    let old_release = new.signer.message(&old.release());
    let files = new.files();
    for (is_updated, code) in [(true, 0), (false, 4)] {
        let (old_release, files) = (old_release.clone(), files.clone());
        let server = Server::start(move |request, earlier| {
            let path = request.target().trim_start_matches('/');
            if path.ends_with("InRelease") && (earlier == 0 || !is_updated) {
                return Answer::ok(old_release.as_bytes());
            }
            let file = files.iter().find(|(name, _)| name == path);
            file.map_or_else(|| Answer::error("404 Not Found"), |(_, bytes)| Answer::ok(bytes))
        });
        let desk = new.desk("[haproxy]").file("releases.yaml", new.pins(&server.url("")));
        std::fs::remove_dir_all(desk.path("mirror")).unwrap();
        let run = lock_without_mirror(&desk, &[]).exit(code);
        if is_updated {
            run.says(&[]).data().contains("haproxy 3.0-2").then_some(()).unwrap();
        } else {
            run.says(&["the archive is being updated, or the mirror is damaged"]);
        }
    }
}

#[test]
fn by_hash_goes_first_where_it_is_offered() {
    let mut archive = haproxy();
    archive.extra = "Acquire-By-Hash: yes\n".into();
    let index = gz(&archive.packages);
    let name = format!("dists/trixie/main/binary-amd64/by-hash/SHA256/{}", Sha256::of(&index));
    let desk = archive.desk("[haproxy]");
    desk.run(&["lock", "--dry-run"]).exit(0);
    desk.write(&format!("mirror/h.invalid/debian/{name}"), &index);
    desk.write("mirror/h.invalid/debian/dists/trixie/main/binary-amd64/Packages.gz", "another");
    desk.run(&["lock"]).exit(0);
}

#[test]
fn an_archive_that_does_not_answer_is_a_network_error() {
    let archive = haproxy();
    let desk = archive.desk("[haproxy]");
    std::fs::remove_dir_all(desk.path("mirror/h.invalid")).unwrap();
    let run = desk.run(&["lock"]).exit(5);
    run.says(&["https://h.invalid/debian/dists/trixie/InRelease", "the mirror does not have it"]);
    let desk = archive
        .desk("[haproxy]")
        .file("releases.yaml", archive.pins("https://gone.invalid/x', 'https://h.invalid/debian"));
    desk.run(&["lock"]).exit(0);
}
