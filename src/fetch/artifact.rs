//! Artifacts: what to fetch, and the result.

use crate::digest::Sha256;

/// An artifact that a build needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactRequest {
    /// What people know it by: `etcd 3.6.4 amd64`.
    pub name: String,
    /// Where upstream publishes it (http or https).
    pub url: String,
    /// The pin: the only bytes that are accepted.
    pub sha256: Sha256,
    /// How many bytes that are, where the pin knows it.
    pub size: Option<u64>,
}

/// An artifact that is in the store, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The name of the request.
    pub name: String,
    /// Its digest, by which the store gives it out.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
    /// How it got there.
    pub outcome: Outcome,
}

/// How an artifact got into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was there.
    Cached,
    /// Some of it was there from an earlier try.
    Resumed {
        /// How many bytes.
        from: u64,
    },
    /// All of it was fetched.
    Fetched,
}
