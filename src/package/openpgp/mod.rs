//! The part of `OpenPGP` (RFC 9580) that signed archives use: version 4 keys and signatures, RSA and `EdDSA`, SHA-256 and SHA-512.
//!
//! A key file is trusted as a whole, by the fingerprint that the pins have of it: expiry, user ids and the signatures that bind
//! subkeys say nothing about it. What is read of a message is what was hashed, and a message has nothing around it.

mod armor;
mod fingerprint;
mod key;
mod message;
mod packet;
mod signature;

pub use fingerprint::{Fingerprint, FingerprintError};
pub use key::{Certificate, KeyringError, certificates};
pub use message::{MessageError, SIGNED_MAX, Verified, verified};
