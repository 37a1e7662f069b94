//! The rooms of imgbuild. ARCHITECTURE.md says what is in each, which of them are pure, and which may import which.
//!
//! Those that tests and fuzz targets name are public; in all others the compiler says what is dead.
#![warn(unreachable_pub)]

// What is typed, and what is told.
pub mod cli;
pub mod command;
mod event;
mod failure;
mod settings;
pub mod terminal;

// The engine behind the verbs.
mod build;
mod input;
mod lock;
mod membership;
mod pack;
mod pin;
mod verify;

// What is written, read back, served and booted.
pub mod audit;
pub mod bundle;
mod diff;
mod machine;
pub mod output;
mod sbom;
pub mod serve;

// The pure core: from what people wrote to what a node gets.
pub mod cluster;
pub mod component;
pub mod guest;
pub mod iso9660;
pub mod layer;
mod lint;
pub mod package;
pub mod plan;
pub mod profile;
pub mod release;
pub mod render;
pub mod template;

// What comes from elsewhere, and where it is kept.
pub mod fetch;
mod probe;
pub mod store;

// The ground.
pub mod date;
pub mod diagnostic;
pub mod digest;
mod escape;
mod files;
mod text_form;
