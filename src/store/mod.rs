//! Content-addressed store of verified artifacts and finished layers, and the downloads that fill it.
