//! Offline bundles: one file with all that a build needs, an ordinary tar that begins with its index.
//!
//! ```text
//! index.json                  what is inside: path, name, version, size and sha256 of each part
//! index.json.sha256           the index's own digest, as sha256sum(1) writes and checks it
//! artifacts/sha256/HEX        the artifacts
//! overlays/NAME/...           the components
//! profile.yaml                the profile
//! program/imgbuild            the program, where it was asked for
//! releases.yaml               the pins
//! ```
//!
//! The index decides every byte: members follow it in its order, with headers that nothing but path and size
//! decides, zeros up to the next block of 512, and two empty blocks at the end. So a bundle is checked by writing
//! re-serialising it and comparing, and a part is found without reading those before it.
#![expect(clippy::disallowed_methods, reason = "edge: bundles are files")]

mod error;
mod index;
mod member;
mod output;
mod part;
mod pieces;
mod reader;
mod sign;
mod signed;
mod split;
mod target;
mod write;

pub use error::BundleError;
pub use index::Index;
pub use member::{header, padding};
pub use part::{OVERLAYS, PROFILE, PROGRAM, Part, RELEASES};
pub use pieces::Joined;
pub use reader::Bundle;
pub use sign::{SignatureError, SigningKey, VerifyingKey, signature_of};
pub use signed::Signed;
pub use split::{Parts, SplitPart};
pub use target::{Occupied, names, occupied};
pub use write::{NewBundle, WrittenBundle};
