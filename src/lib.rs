//! The rooms of imgbuild, in the order in which data goes through them.
//!
//! arguments + profile + releases + components + secrets → plan → store → layers → overlay → seed → output.
//! The rooms marked *pure* take values and return values or write to `impl Write`; `.clippy.toml` keeps
//! the file system, the network, the environment and the clock out of them.

pub mod audit;
pub mod build;
pub mod bundle;
pub mod cli;
pub mod cluster;
pub mod command;
pub mod component;
pub mod date;
pub mod diagnostic;
pub mod diff;
pub mod digest;
pub mod escape;
pub mod event;
pub mod failure;
pub mod fetch;
pub mod files;
pub mod guest;
pub mod input;
pub mod iso9660;
pub mod layer;
pub mod lint;
pub mod live;
pub mod machine;
pub mod membership;
pub mod output;
pub mod pack;
pub mod pin;
pub mod plan;
pub mod profile;
pub mod release;
pub mod render;
pub mod sbom;
pub mod serve;
pub mod settings;
pub mod store;
pub mod template;
pub mod terminal;
mod text_form;
pub mod verify;
