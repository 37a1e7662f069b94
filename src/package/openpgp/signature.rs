//! Signatures over a text.

use std::fmt::Write as _;

use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512};
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey};

use super::fingerprint::Fingerprint;
use super::key::{Material, PublicKey};
use super::packet::Bytes;

/// The digests that are accepted.
#[derive(Clone, Copy, Debug)]
enum Hash {
    Sha256,
    Sha512,
}

/// A signature that can be verified.
#[derive(Debug)]
pub(super) struct Signature<'a> {
    hash: Hash,
    /// What of it is signed along with the text.
    hashed: &'a [u8],
    issuer: Issuer<'a>,
    numbers: Numbers<'a>,
}

/// Which key a signature says that it was made by.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Issuer<'a> {
    Fingerprint(Fingerprint),
    KeyId(&'a [u8]),
    Unknown,
}

#[derive(Debug)]
enum Numbers<'a> {
    Rsa(&'a [u8]),
    EdDsa(Vec<u8>),
}

/// Why a signature cannot be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unusable {
    /// It is of an algorithm that is not accepted.
    Weak(&'static str),
    /// It is not a signature over a text, or it is damaged.
    Damaged,
}

impl<'a> Signature<'a> {
    /// Reads a signature over a text.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Unusable> {
        let mut bytes = Bytes(body);
        match bytes.byte().ok_or(Unusable::Damaged)? {
            4 => {}
            3 => return Err(Unusable::Weak("version 3")),
            6 => return Err(Unusable::Weak("version 6")),
            _ => return Err(Unusable::Damaged),
        }
        let fixed = bytes.take(3).ok_or(Unusable::Damaged)?;
        let [0x01, public_key, hash] = *fixed else { return Err(Unusable::Damaged) };
        let hash = match hash {
            8 => Hash::Sha256,
            10 => Hash::Sha512,
            other => return Err(Unusable::Weak(hash_name(other))),
        };
        Self::of(body, bytes, public_key, hash).ok_or(match public_key {
            1 | 3 | 22 | 27 => Unusable::Damaged,
            17 => Unusable::Weak("DSA"),
            _ => Unusable::Weak("another public-key algorithm"),
        })
    }

    fn of(body: &'a [u8], mut bytes: Bytes<'a>, public_key: u8, hash: Hash) -> Option<Self> {
        let length = bytes.number(2)?;
        let signed = bytes.take(length)?;
        let hashed = &body[..6 + length];
        let length = bytes.number(2)?;
        let unsigned = bytes.take(length)?;
        let issuer = match issuer(signed, true)? {
            Issuer::Unknown => issuer(unsigned, false)?,
            issuer => issuer,
        };
        // The first two bytes of the digest, for who wants to know early that it is another.
        bytes.take(2)?;
        let numbers = match public_key {
            1 | 3 => Numbers::Rsa(bytes.integer()?),
            22 => {
                let (r, s) = (bytes.integer()?, bytes.integer()?);
                let padded = |number: &[u8]| {
                    Some([&[0; 32][number.len().min(32)..], number].concat()).filter(|all| all.len() == 32)
                };
                Numbers::EdDsa([padded(r)?, padded(s)?].concat())
            }
            27 => Numbers::EdDsa(bytes.take(64)?.to_vec()),
            _ => return None,
        };
        bytes.0.is_empty().then_some(Self { hash, hashed, issuer, numbers })
    }

    /// Whether it may have been made by this key.
    pub(super) fn names(&self, key: &PublicKey) -> bool {
        match &self.issuer {
            Issuer::Fingerprint(fingerprint) => *fingerprint == key.fingerprint,
            Issuer::KeyId(id) => *id == key.fingerprint.key_id(),
            Issuer::Unknown => true,
        }
    }

    /// Whether this key made it over this text, whose lines end with a carriage return and a line feed.
    pub(super) fn verifies(&self, key: &PublicKey, text: &[u8]) -> bool {
        let length =
            u32::try_from(self.hashed.len()).expect("two bytes hold the length of what it follows from");
        let signed = [text, self.hashed, &[4, 0xff], &length.to_be_bytes()].concat();
        match (&key.material, &self.numbers) {
            (Material::Rsa { modulus, exponent }, Numbers::Rsa(number)) => {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                let Some(zeros) = modulus.len().checked_sub(number.len()) else { return false };
                let number = [&vec![0; zeros][..], number].concat();
                let algorithm = match self.hash {
                    Hash::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
                    Hash::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
                };
                key.verify(algorithm, &signed, &number).is_ok()
            }
            (Material::Ed25519(point), Numbers::EdDsa(numbers)) => {
                let algorithm = match self.hash {
                    Hash::Sha256 => &ring::digest::SHA256,
                    Hash::Sha512 => &ring::digest::SHA512,
                };
                let digest = ring::digest::digest(algorithm, &signed);
                UnparsedPublicKey::new(&ED25519, point).verify(digest.as_ref(), numbers).is_ok()
            }
            _ => false,
        }
    }

    /// The key that it names, for people.
    pub(super) fn signer(&self) -> String {
        match &self.issuer {
            Issuer::Fingerprint(fingerprint) => fingerprint.to_string(),
            Issuer::KeyId(id) => hex(id),
            Issuer::Unknown => "a key that it does not name".to_owned(),
        }
    }
}

/// The key that subpackets name. `None` stands for subpackets that cannot be read, or must be understood and are not.
fn issuer(subpackets: &[u8], is_signed: bool) -> Option<Issuer<'_>> {
    let mut bytes = Bytes(subpackets);
    let mut found = Issuer::Unknown;
    while !bytes.0.is_empty() {
        let packet = bytes.subpacket()?;
        match packet.kind & 0x7f {
            33 if packet.body.first() == Some(&4) => {
                found = Issuer::Fingerprint(Fingerprint::from_bytes(&packet.body[1..])?);
            }
            16 if found == Issuer::Unknown => found = Issuer::KeyId(packet.body),
            // Times, preferences, notations, and who it is for: nothing of it says whether the text is what was signed.
            2..=4 | 16 | 20 | 26 | 28 | 33 | 35 => {}
            _ if is_signed && packet.kind & 0x80 != 0 => return None,
            _ => {}
        }
    }
    Some(found)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

fn hash_name(hash: u8) -> &'static str {
    match hash {
        1 => "MD5",
        2 => "SHA-1",
        3 => "RIPEMD-160",
        9 => "SHA-384",
        11 => "SHA-224",
        12 | 14 => "SHA-3",
        _ => "an unknown digest",
    }
}
