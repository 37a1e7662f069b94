//! Signatures as minisign(1) makes and checks them: Ed25519 over the `BLAKE2b` digest of the file.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use minisign::{PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};

use super::output::with_end;

/// The length of an Ed25519 signature (RFC 8032, section 5.1.6).
const SIGNATURE_BYTES: usize = 64;

/// Where the signature of a file is.
pub fn signature_of(path: &Path) -> PathBuf {
    with_end(path, ".minisig")
}

/// Why something cannot be signed, or its signature does not hold.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The secret key cannot be used.
    #[error("the secret key cannot be used: {0}")]
    SecretKey(String),
    /// The public key cannot be used.
    #[error("the public key cannot be used: {0}")]
    PublicKey(String),
    /// Nothing could be signed.
    #[error("signing failed: {0}")]
    Signing(String),
    /// The signature does not hold.
    #[error("invalid signature: {0}")]
    Broken(String),
}

/// A key that signs. It has no `Debug`, so that none can print it.
pub struct SigningKey {
    key: SecretKey,
    public: PublicKey,
}

impl SigningKey {
    /// Reads the text of a secret key file; the password is needed if the key was made with one.
    pub fn read(text: &str, password: Option<String>) -> Result<Self, SignatureError> {
        let unfit = |error: &dyn std::fmt::Display| SignatureError::SecretKey(error.to_string());
        let line = text.lines().nth(1).ok_or_else(|| unfit(&"its second line is missing"))?;
        // What the decoder says has characters of the line in it, which may be of another secret.
        let bytes =
            BASE64_STANDARD.decode(line.trim()).map_err(|_| unfit(&"its second line is not valid base64"))?;
        // Not through the library's reader for keys without a password: it asks for a checksum, which minisign(1)
        // leaves empty in them.
        let key = SecretKey::from_bytes(&bytes).map_err(|error| unfit(&error))?;
        let key = match (key.is_encrypted(), password) {
            (false, _) => key,
            (true, None) => return Err(unfit(&"it is protected by a password")),
            (true, password) => SecretKey::from_box(SecretKeyBox::from(text.to_owned()), password)
                .map_err(|error| unfit(&error))?,
        };
        let public = PublicKey::from_secret_key(&key).map_err(|error| unfit(&error))?;
        Ok(Self { key, public })
    }

    /// The text of a signature file over all that `data` gives. `what` is signed with it, and shown by minisign.
    pub fn sign(&self, data: impl Read, what: &str) -> Result<String, SignatureError> {
        minisign::sign(Some(&self.public), &self.key, data, Some(what), Some("signature by imgbuild"))
            .map(SignatureBox::into_string)
            .map_err(|error| SignatureError::Signing(error.to_string()))
    }
}

/// A key that signatures are checked with.
#[derive(Clone, Debug)]
pub struct VerifyingKey(PublicKey);

impl VerifyingKey {
    /// Reads a public key: the text of its file, or its one line of base64.
    pub fn read(text: &str) -> Result<Self, SignatureError> {
        let text = text.trim();
        let key = if text.contains('\n') {
            PublicKeyBox::from_string(text).and_then(PublicKeyBox::into_public_key)
        } else {
            PublicKey::from_base64(text)
        };
        key.map(Self).map_err(|error| SignatureError::PublicKey(error.to_string()))
    }

    /// Checks the text of a signature file over all that `data` gives, and returns what was signed with it.
    pub fn check(&self, signature: &str, data: impl Read + Seek) -> Result<String, SignatureError> {
        let broken = |error: minisign::PError| SignatureError::Broken(error.to_string());
        // The library takes for granted that the second signature has the length of one.
        let second = signature.lines().nth(3).and_then(|line| BASE64_STANDARD.decode(line.trim()).ok());
        if second.is_none_or(|bytes| bytes.len() != SIGNATURE_BYTES) {
            return Err(SignatureError::Broken("its trusted comment is not signed".to_owned()));
        }
        let signature = SignatureBox::from_string(signature).map_err(broken)?;
        // Signatures of the old kind are over the whole file, which would have to be in memory.
        if !signature.is_prehashed() {
            return Err(SignatureError::Broken(
                "it is in minisign's legacy format, expected a prehashed signature".to_owned(),
            ));
        }
        minisign::verify(&self.0, &signature, data, true, false, false).map_err(broken)?;
        signature.trusted_comment().map_err(broken)
    }
}
