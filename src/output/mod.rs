//! Staging, publishing at once, and the manifest that says what came out.
