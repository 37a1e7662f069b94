//! Keys and signatures of tests' own, as `OpenPGP` writes them (RFC 9580), with every mistake that is asked for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// The algorithm Ed25519 by its newer number.
const ED25519: u8 = 27;
/// SHA-512.
pub const SHA512: u8 = 10;
/// SHA-1.
pub const SHA1: u8 = 2;

/// A key with which tests sign.
pub struct Signer {
    pair: Ed25519KeyPair,
    /// Its packet's body.
    public: Vec<u8>,
}

impl Signer {
    pub fn new() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let public = [&[4, 0, 0, 0, 1, ED25519][..], pair.public_key().as_ref()].concat();
        Self { pair, public }
    }

    /// The key in a file, armored.
    pub fn key(&self) -> String {
        armored("PGP PUBLIC KEY BLOCK", &packet(6, &self.public))
    }

    pub fn fingerprint(&self) -> Vec<u8> {
        let length = u16::try_from(self.public.len()).unwrap().to_be_bytes();
        let hashed = [&[0x99], &length[..], &self.public].concat();
        ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &hashed).as_ref().to_vec()
    }

    pub fn hex(&self) -> String {
        let digits: Vec<_> = self.fingerprint().iter().map(|byte| format!("{byte:02X}")).collect();
        digits.concat()
    }

    /// A signed message.
    pub fn message(&self, text: &str) -> String {
        clear(text, &[self.signature(text, SHA512)])
    }

    /// A signature that says it is made over this digest; what is computed is SHA-512.
    pub fn signature(&self, text: &str, hash: u8) -> Vec<u8> {
        let subpackets = [&[22, 33, 4][..], &self.fingerprint()].concat();
        let length = u16::try_from(subpackets.len()).unwrap().to_be_bytes();
        let hashed = [&[4, 1, ED25519, hash], &length[..], &subpackets].concat();
        let trailer = [&[4, 0xff][..], &u32::try_from(hashed.len()).unwrap().to_be_bytes()].concat();
        let lines: Vec<_> = text.lines().map(|line| line.trim_end_matches([' ', '\t'])).collect();
        let signed = [lines.join("\r\n").as_bytes(), &hashed, &trailer].concat();
        let digest = ring::digest::digest(&ring::digest::SHA512, &signed);
        let numbers = self.pair.sign(digest.as_ref());
        packet(2, &[&hashed, &[0, 0][..], &digest.as_ref()[..2], numbers.as_ref()].concat())
    }
}

/// A message of a text, with these signatures.
pub fn clear(text: &str, signatures: &[Vec<u8>]) -> String {
    let lines = text
        .lines()
        .map(|line| if line.starts_with('-') { format!("- {line}\n") } else { format!("{line}\n") });
    let text: String = lines.collect();
    let armor = armored("PGP SIGNATURE", &signatures.concat());
    format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{text}{armor}")
}

pub fn armored(kind: &str, bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {kind}-----\n\n{}\n-----END {kind}-----\n", lines.join("\n"))
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[0xc0 | kind, 255], &length[..], body].concat()
}
