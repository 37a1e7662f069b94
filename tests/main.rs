//! The integration tests, one binary; each module says in its first line what belongs in it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod downloads;
mod grafana;
mod overlay_archive;
mod seed_image;
mod downloads_in_parts;
mod mirrors;
mod store;
mod store_processes;
mod support;
mod yaml_roundtrip;
