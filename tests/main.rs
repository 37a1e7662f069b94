//! The integration tests, one binary; each module says in its first line what belongs in it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod archives;
mod build;
mod bundle;
mod cache;
mod checkout;
mod delivery;
mod diff;
mod documents;
mod download_on_node;
mod downloads;
mod downloads_in_parts;
mod downloads_of_users;
mod errors;
mod fuzz_targets;
#[path = "../fuzz/src/lib.rs"]
mod fuzzing;
mod golden;
mod grafana;
mod hypervisors;
mod interface;
mod machines;
mod messages;
mod mirrors;
mod network;
mod options;
mod overlay_archive;
mod package;
mod pin;
mod pin_check;
mod replace;
mod reproducible;
mod sbom;
mod seed_image;
mod serve;
mod signatures;
mod store;
mod store_processes;
mod structure;
mod support;
mod system_extension;
mod terminal;
mod verify;
mod yaml_roundtrip;
