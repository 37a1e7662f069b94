//! Keys, and the files that hold them.

use super::armor;
use super::fingerprint::Fingerprint;
use super::packet::{Bytes, PUBLIC_KEY, PUBLIC_SUBKEY};

/// The longest key file, in bytes.
const MAX_KEYRING: usize = 1 << 20;

const BLOCK: &str = "PGP PUBLIC KEY BLOCK";

/// A key with its subkeys.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// What it is known by.
    pub fingerprint: Fingerprint,
    /// Itself and its subkeys.
    pub(super) keys: Vec<PublicKey>,
}

/// A key that can verify.
#[derive(Clone, Debug)]
pub(super) struct PublicKey {
    pub(super) fingerprint: Fingerprint,
    pub(super) material: Material,
}

/// What a key computes with.
#[derive(Clone, Debug)]
pub(super) enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    Ed25519(Vec<u8>),
    /// An algorithm that is not accepted.
    Other,
}

/// Why a file holds no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// It is too long.
    #[error("it is longer than {MAX_KEYRING} bytes")]
    TooLong,
    /// Its armor cannot be read.
    #[error("it is not an OpenPGP key: expected `-----BEGIN {BLOCK}-----` or packets")]
    NoKey,
    /// Its packets cannot be read.
    #[error("its packets are damaged")]
    Damaged,
    /// It is not a public key.
    #[error("it holds a secret key")]
    Secret,
}

/// The keys in a file, armored or not. Keys of other versions than 4 are left out.
pub fn certificates(file: &[u8]) -> Result<Vec<Certificate>, KeyringError> {
    if file.len() > MAX_KEYRING {
        return Err(KeyringError::TooLong);
    }
    let mut all = Vec::new();
    if file.first().is_some_and(|byte| byte & 0x80 != 0) {
        packets(file, &mut all)?;
        return Ok(all);
    }
    let text = str::from_utf8(file).map_err(|_| KeyringError::NoKey)?;
    // Some files say in words before the armor whose key it is.
    let mut rest = text.find("-----BEGIN ").map(|at| &text[at..]).ok_or(KeyringError::NoKey)?;
    while !rest.trim().is_empty() {
        if rest.contains("PRIVATE KEY BLOCK") {
            return Err(KeyringError::Secret);
        }
        let armored = armor::read(rest.trim_start(), BLOCK).ok_or(KeyringError::NoKey)?;
        packets(&armored.bytes, &mut all)?;
        rest = armored.rest;
    }
    Ok(all)
}

fn packets(bytes: &[u8], all: &mut Vec<Certificate>) -> Result<(), KeyringError> {
    let mut bytes = Bytes(bytes);
    // Subkeys belong to the key before them, if that could be read.
    let mut is_open = false;
    while !bytes.0.is_empty() {
        let packet = bytes.packet().ok_or(KeyringError::Damaged)?;
        match packet.kind {
            PUBLIC_KEY => {
                let key = public_key(packet.body);
                is_open = key.is_some();
                all.extend(key.map(|key| Certificate { fingerprint: key.fingerprint, keys: vec![key] }));
            }
            PUBLIC_SUBKEY if is_open => {
                if let Some(certificate) = all.last_mut() {
                    certificate.keys.extend(public_key(packet.body));
                }
            }
            5 | 7 => return Err(KeyringError::Secret),
            // User ids, their signatures, and what GnuPG notes about trust.
            _ => {}
        }
    }
    Ok(())
}

/// A key of version 4.
fn public_key(body: &[u8]) -> Option<PublicKey> {
    let mut bytes = Bytes(body);
    if bytes.byte()? != 4 {
        return None;
    }
    bytes.take(4)?;
    let material = material(bytes).unwrap_or(Material::Other);
    let length = u16::try_from(body.len()).ok()?.to_be_bytes();
    let fingerprint = Fingerprint::of(&[&[0x99], &length[..], body].concat());
    Some(PublicKey { fingerprint, material })
}

/// The curve Ed25519 as version 4 names it (RFC 9580, section 9.2).
const LEGACY_ED25519: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];

fn material(mut bytes: Bytes<'_>) -> Option<Material> {
    match bytes.byte()? {
        1 | 3 => {
            let (modulus, exponent) = (bytes.integer()?.to_vec(), bytes.integer()?.to_vec());
            Some(Material::Rsa { modulus, exponent })
        }
        22 => {
            let length = bytes.number(1)?;
            let is_known = bytes.take(length)? == LEGACY_ED25519;
            let point = bytes.integer()?.strip_prefix(&[0x40])?;
            (is_known && point.len() == 32).then(|| Material::Ed25519(point.to_vec()))
        }
        27 => bytes.take(32).map(|point| Material::Ed25519(point.to_vec())),
        _ => None,
    }
}
