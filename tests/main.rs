//! The integration tests, one binary; each module says in its first line what belongs in it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod build;
mod delivery;
mod downloads;
mod downloads_in_parts;
mod errors;
mod golden;
mod grafana;
mod interface;
mod machines;
mod mirrors;
mod overlay_archive;
mod readme;
mod reproducible;
mod seed_image;
mod serve;
mod store;
mod store_processes;
mod support;
mod yaml_roundtrip;
