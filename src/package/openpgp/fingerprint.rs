//! What a key is known by.

use std::fmt;
use std::str::FromStr;

use crate::text_form::as_text;

/// The fingerprint of a version 4 key (RFC 9580, section 5.5.4.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint([u8; 20]);

/// Why a text is not a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a fingerprint of 40 hex digits, got {0} characters{1}\nhelp: `gpg --show-keys FILE` prints it"
)]
pub struct FingerprintError(usize, &'static str);

impl Fingerprint {
    /// That of these bytes, a key's packet as it is hashed.
    pub(super) fn of(hashed: &[u8]) -> Self {
        // SHA-1 by definition of version 4: nothing here rests on its being free of collisions.
        let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, hashed);
        Self::from_bytes(digest.as_ref()).expect("SHA-1 has 20 bytes")
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its last 8 bytes, by which old signatures name a key.
    pub(super) fn key_id(&self) -> &[u8] {
        &self.0[12..]
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain: String = text.chars().filter(|c| *c != ' ').collect();
        let length = plain.chars().count();
        if let Some(bytes) = hex(&plain) {
            return Self::from_bytes(&bytes).ok_or(FingerprintError(length, ""));
        }
        Err(FingerprintError(length, ", not all of them hex digits"))
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<_> = text.chars().map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair.get(1)?).ok()).collect()
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

as_text!(Fingerprint, "^[0-9A-Fa-f ]{40,}$", "The fingerprint of an OpenPGP key, 40 hex digits.");
