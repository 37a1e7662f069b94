//! What the user writes of a cluster (pure).
