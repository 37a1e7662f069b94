//! A source of artifacts by digest that needs no network: a bundle.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

use crate::digest::Sha256;

type Give = dyn Fn(&Sha256) -> Option<Supplied> + Send + Sync;

/// Gives artifacts out by digest. What it gives is verified as anything else that enters the store.
#[derive(Clone)]
pub struct BundleSource(Arc<Give>);

/// An artifact that is at hand.
pub struct Supplied {
    /// How many bytes it has.
    pub size: u64,
    /// The bytes.
    pub body: Box<dyn Read>,
}

impl BundleSource {
    /// A supply of all that `give` gives.
    pub fn new(give: impl Fn(&Sha256) -> Option<Supplied> + Send + Sync + 'static) -> Self {
        Self(Arc::new(give))
    }

    /// The artifact with this digest, if it is at hand.
    pub(super) fn give(&self, digest: &Sha256) -> Option<Supplied> {
        (self.0)(digest)
    }
}

impl Supplied {
    /// An artifact of so many bytes.
    pub fn new(size: u64, body: impl Read + 'static) -> Self {
        Self { size, body: Box::new(body) }
    }
}

impl fmt::Debug for BundleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Supply")
    }
}

impl fmt::Debug for Supplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Supplied({} bytes)", self.size)
    }
}
