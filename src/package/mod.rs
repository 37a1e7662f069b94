//! Debian packages: signed archives, which packages belong together, and the lock that records them (pure).

pub mod base;
pub mod candidates;
mod fields;
pub mod index;
pub mod lock;
pub mod lock_text;
pub mod name;
pub mod openpgp;
pub mod refusal;
pub mod relation;
pub mod resolve;
pub mod solution;
pub mod suite;
pub mod version;
mod world;
