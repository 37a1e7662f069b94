//! Resolves profile, pins and components into a plan: every name resolved, every conflict found (pure).
