//! The integration tests, one binary; each module says in its first line what belongs in it.

mod downloads;
mod downloads_in_parts;
mod mirrors;
mod store;
mod store_processes;
mod support;
