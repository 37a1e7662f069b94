//! A text with its signatures below it (RFC 9580, section 7), such as an archive's `InRelease`.

use super::armor;
use super::fingerprint::Fingerprint;
use super::key::{Certificate, PublicKey};
use super::packet::{Bytes, SIGNATURE};
use super::signature::{Signature, Unusable};

/// The longest message that is read, in bytes.
pub const SIGNED_MAX: usize = 1 << 20;
/// The most signatures of a message.
const MAX_SIGNATURES: usize = 16;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----\n";
const BLOCK: &str = "PGP SIGNATURE";

/// A text that was signed by a trusted key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The text, as it was hashed.
    pub text: String,
    /// The key or subkey that made the first good signature.
    pub signer: Fingerprint,
}

/// Why a message is not to be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is too long.
    #[error("it is longer than {SIGNED_MAX} bytes")]
    TooLong,
    /// It is something else.
    #[error("it does not begin as a signed message")]
    NotSigned,
    /// Its form is not that of a signed message.
    #[error("it is not a valid signed message: {0}")]
    Malformed(&'static str),
    /// Something follows its signature.
    #[error("something stands behind the signature")]
    Trailing,
    /// No key that is trusted has signed it.
    #[error("it is signed by {}", .0.join(", "))]
    Unknown(Vec<String>),
    /// Nothing but old algorithms vouch for it.
    #[error("it is signed only by algorithms that are not accepted: {}", .0.join(", "))]
    Weak(Vec<&'static str>),
    /// A key that is trusted has signed another text.
    #[error("the signature by {0} does not hold")]
    Bad(Fingerprint),
    /// No signature can be read.
    #[error("its signature is damaged")]
    Damaged,
}

/// The text of a message, if one of these keys has signed it.
pub fn verified(message: &[u8], trusted: &[&Certificate]) -> Result<Verified, MessageError> {
    if message.len() > SIGNED_MAX {
        return Err(MessageError::TooLong);
    }
    let Some(rest) = message.strip_prefix(BEGIN.as_bytes()) else { return Err(MessageError::NotSigned) };
    let rest = str::from_utf8(rest).map_err(|_| MessageError::Malformed("it is not UTF-8"))?;
    if rest.contains(['\r', '\0']) {
        return Err(MessageError::Malformed("a carriage return or a zero byte"));
    }
    let rest = headers(rest)?;
    let (text, rest) = body(rest)?;
    let armored = armor::read(rest, BLOCK).ok_or(MessageError::Malformed("its signature is not in armor"))?;
    if !armored.rest.is_empty() {
        return Err(MessageError::Trailing);
    }
    let signer = signer(&armored.bytes, text.replace('\n', "\r\n").as_bytes(), trusted)?;
    Ok(Verified { text, signer })
}

/// Leaves out the headers, which name digests alone.
fn headers(mut text: &str) -> Result<&str, MessageError> {
    loop {
        let (line, rest) =
            text.split_once('\n').ok_or(MessageError::Malformed("it ends within its headers"))?;
        text = rest;
        if line.is_empty() {
            return Ok(text);
        }
        if !line.starts_with("Hash: ") {
            return Err(MessageError::Malformed("a header that is not `Hash:`"));
        }
    }
}

/// The text as it is hashed, without the blanks at the ends of its lines, and what follows.
fn body(text: &str) -> Result<(String, &str), MessageError> {
    let mut lines: Vec<&str> = Vec::new();
    let mut rest = text;
    loop {
        if rest.starts_with("-----BEGIN PGP SIGNATURE-----\n") {
            return Ok((lines.join("\n"), rest));
        }
        let (line, next) =
            rest.split_once('\n').ok_or(MessageError::Malformed("its signature is missing"))?;
        let line = match line.strip_prefix('-') {
            Some(escaped) => escaped
                .strip_prefix(' ')
                .ok_or(MessageError::Malformed("a line begins with a dash that is not escaped"))?,
            None => line,
        };
        lines.push(line.trim_end_matches([' ', '\t']));
        rest = next;
    }
}

/// The key that made one of these signatures, among those that are trusted.
fn signer(packets: &[u8], text: &[u8], trusted: &[&Certificate]) -> Result<Fingerprint, MessageError> {
    let keys: Vec<&PublicKey> = trusted.iter().flat_map(|certificate| &certificate.keys).collect();
    let (mut unknown, mut weak, mut bad) = (Vec::new(), Vec::new(), None);
    let mut bytes = Bytes(packets);
    for _ in 0..MAX_SIGNATURES {
        if bytes.0.is_empty() {
            break;
        }
        let packet = bytes.packet().filter(|packet| packet.kind == SIGNATURE).ok_or(MessageError::Damaged)?;
        let signature = match Signature::read(packet.body) {
            Ok(signature) => signature,
            Err(Unusable::Weak(algorithm)) => {
                weak.push(algorithm);
                continue;
            }
            Err(Unusable::Damaged) => continue,
        };
        let named: Vec<_> = keys.iter().filter(|key| signature.names(key)).collect();
        if named.is_empty() {
            unknown.push(signature.signer());
        }
        for key in named {
            if signature.verifies(key, text) {
                return Ok(key.fingerprint);
            }
            bad = Some(key.fingerprint);
        }
    }
    if !bytes.0.is_empty() {
        return Err(MessageError::Malformed("it has more than 16 signatures"));
    }
    weak.dedup();
    Err(match bad {
        Some(key) => MessageError::Bad(key),
        None if !unknown.is_empty() => MessageError::Unknown(unknown),
        None if !weak.is_empty() => MessageError::Weak(weak),
        None => MessageError::Damaged,
    })
}
