//! Versions against dpkg, signatures against `GnuPG`.
#![expect(clippy::disallowed_methods, reason = "edge: runs dpkg and GnuPG")]

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use imgbuild::package::openpgp::{certificates, verified};
use imgbuild::package::version::Version;
use tempfile::TempDir;

use crate::support::oracle::{oracle, stdout};

/// Versions of all kinds, in no order.
const VERSIONS: [&str; 34] = [
    "0",
    "0~",
    "0+",
    "00",
    "1",
    "1.0",
    "1.0-1",
    "1.0-1~bpo12+1",
    "1.0-1+b1",
    "1.0-1+b10",
    "1.0~rc1-1",
    "1.0~~",
    "1.0+dfsg-1",
    "1.0.0",
    "1.00",
    "1.a",
    "1.+",
    "1.-1",
    "1a",
    "1~a",
    "1:0",
    "1:1.0-1",
    "2:0~",
    "10",
    "1-0",
    "1-0ubuntu1",
    "2.12.7+dfsg+really2.9.14-2.1+deb13u3",
    "20230101",
    "99999999999999999999",
    "99999999999999999998",
    "1.2.3~git20260101.abcdef0-1",
    "3.0.11-1+deb13u5",
    "0.0~2025.06.09-1",
    "a",
];

#[test]
fn versions_compare_as_dpkg_compares_them() {
    let Some(mut shell) = oracle("dpkg").map(|_| Command::new("sh")) else { return };
    let mut script = String::new();
    let mut expected = String::new();
    for (at, a) in VERSIONS.iter().enumerate() {
        for b in &VERSIONS[at + 1..] {
            let [one, other] = [a, b].map(|text| text.parse::<Version>().unwrap());
            let operator = match one.cmp(&other) {
                Ordering::Less => "lt",
                Ordering::Equal => "eq",
                Ordering::Greater => "gt",
            };
            writeln!(
                script,
                "dpkg --compare-versions {a} {operator} {b} 2>/dev/null && echo ok || echo {a} {operator} {b}"
            )
            .unwrap();
            expected.push_str("ok\n");
        }
    }
    assert_eq!(stdout(shell.args(["-c", &script])), expected);
}

/// A folder of `GnuPG` with keys of these kinds, and their public parts, armored and not.
struct Gpg(TempDir);

impl Gpg {
    fn new(kinds: &[&str]) -> Option<Self> {
        oracle("gpg")?;
        oracle("gpgv")?;
        let gpg = Self(TempDir::new().unwrap());
        for (number, kind) in kinds.iter().enumerate() {
            let name = format!("key{number} <key{number}@example.invalid>");
            gpg.run(&["--quick-gen-key", &name, kind, "sign", "never"]);
            // A subkey, which signs in place of the primary key.
            let fingerprint = gpg.fingerprint(number);
            gpg.run(&["--quick-add-key", &fingerprint, kind, "sign", "never"]);
        }
        Some(gpg)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("gpg");
        command.args(["--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""]);
        command.env("GNUPGHOME", self.0.path()).stderr(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.command().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        output.stdout
    }

    fn fingerprint(&self, number: usize) -> String {
        let listed = self.run(&["--with-colons", "--list-keys", &format!("key{number}@example.invalid")]);
        let listed = String::from_utf8(listed).unwrap();
        listed
            .lines()
            .find_map(|line| line.strip_prefix("fpr:")?.split(':').find(|part| part.len() == 40))
            .unwrap()
            .to_owned()
    }

    /// What gpgv says of a message.
    fn accepts(&self, message: &[u8]) -> bool {
        let (keyring, file) = (self.0.path().join("all.gpg"), self.0.path().join("message"));
        fs::write(&keyring, self.run(&["--export"])).unwrap();
        fs::write(&file, message).unwrap();
        let status =
            Command::new("gpgv").arg("--keyring").args([&keyring, &file]).stderr(Stdio::null()).status();
        status.unwrap().success()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", self.0.path()).status();
    }
}

#[test]
fn signatures_of_gnupg_hold_and_every_flip_of_the_text_breaks_them() {
    let Some(gpg) = Gpg::new(&["rsa2048", "ed25519"]) else { return };
    let text = "Origin: Test  \n- dashed\n-----BEGIN\n\nDate: now\t\nlast";
    fs::write(gpg.0.path().join("text"), text).unwrap();
    let path = gpg.0.path().join("text").display().to_string();
    for (number, digest) in [(0, "SHA256"), (0, "SHA512"), (1, "SHA512"), (1, "SHA256")] {
        let user = format!("key{number}@example.invalid");
        let message =
            gpg.run(&["--digest-algo", digest, "--local-user", &user, "--output", "-", "--clearsign", &path]);
        for keyring in [gpg.run(&["--export"]), gpg.run(&["--armor", "--export"])] {
            let keys = certificates(&keyring).unwrap();
            assert_eq!(keys.len(), 2);
            let names: Vec<_> = keys.iter().map(|key| key.fingerprint.to_string()).collect();
            assert!(names.contains(&gpg.fingerprint(number)), "{names:?}");
            let keys: Vec<_> = keys.iter().collect();
            let read = verified(&message, &keys).unwrap();
            assert_eq!(read.text, "Origin: Test\n- dashed\n-----BEGIN\n\nDate: now\nlast");
            assert!(gpg.accepts(&message));
        }
        let keys = certificates(&gpg.run(&["--export"])).unwrap();
        let keys: Vec<_> = keys.iter().collect();
        let end = message.windows(10).position(|part| part == b"-----BEGIN").unwrap() + 60;
        for at in end..message.len() {
            let mut flipped = message.clone();
            flipped[at] ^= 0x02;
            if let Ok(read) = verified(&flipped, &keys) {
                // Only what does not belong to the text: a header of the armor, its checksum, blanks at the ends of lines.
                assert_eq!(read.text, "Origin: Test\n- dashed\n-----BEGIN\n\nDate: now\nlast", "byte {at}");
            }
        }
        let others: Vec<_> = keys
            .iter()
            .copied()
            .filter(|key| key.fingerprint.to_string() != gpg.fingerprint(number))
            .collect();
        assert!(verified(&message, &others).unwrap_err().to_string().starts_with("it is signed by "));
    }
}

#[test]
fn the_builtin_pins_have_the_keys_that_they_name() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let pins = fs::read_to_string(folder.join("releases.yaml")).unwrap();
    let pins: serde_json::Value = serde_yaml::from_str(&pins).unwrap();
    for archive in pins["archives"].as_object().unwrap().values() {
        for key in archive["keys"].as_array().unwrap() {
            let file = fs::read(folder.join(key["file"].as_str().unwrap())).unwrap();
            let keys = certificates(&file).unwrap();
            assert!(
                keys.iter().any(|one| one.fingerprint.to_string() == key["fingerprint"].as_str().unwrap()),
                "{key}"
            );
        }
    }
}
