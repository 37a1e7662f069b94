//! The events that a running fetch reports.

use std::time::Duration;

use super::{ArtifactRequest, Cause, Outcome};

/// One step of one artifact. Steps of different artifacts come from different threads.
#[derive(Debug)]
pub struct FetchEvent<'a> {
    /// The artifact's place among the requests.
    pub index: usize,
    /// The artifact.
    pub artifact: &'a ArtifactRequest,
    /// What happened to it.
    pub step: FetchStep<'a>,
}

/// What happened to an artifact. Sizes are in bytes.
#[derive(Clone, Copy, Debug)]
pub enum FetchStep<'a> {
    /// Another build works on it: its end is awaited.
    Waiting,
    /// The store's copy has lost its digest.
    Damaged,
    /// Bytes begin to come.
    Started {
        /// How many were there before.
        from: u64,
        /// How many there will be, if that is known.
        total: Option<u64>,
    },
    /// So many bytes are there by now.
    Received(u64),
    /// A try failed, the next one follows.
    Retrying {
        /// Why it failed.
        cause: &'a Cause,
        /// The pause before the next.
        pause: Duration,
    },
    /// It is in the store.
    Done {
        /// How it got there.
        outcome: Outcome,
        /// Its size.
        size: u64,
    },
    /// It could not be fetched; the error that the fetch returns says why.
    Failed,
}
