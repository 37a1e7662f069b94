//! The integration tests, one binary; each module says in its first line what belongs in it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod downloads;
mod downloads_in_parts;
mod grafana;
mod mirrors;
mod overlay_archive;
mod pin;
mod sbom;
mod seed_image;
mod store;
mod store_processes;
mod support;
mod yaml_roundtrip;
