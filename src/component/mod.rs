//! What an overlays/NAME/component.yaml declares, and the files beside it (pure).

mod folder;
mod spec;

pub use folder::{COMMANDS, Component, Components, FolderFile, SPEC_FILE};
pub use spec::{
    Check, Collect, Demand, Directory, Health, Install, Metrics, PrivateFile, Replace, SecretSpec, Setting,
    Spec, Syntax, SystemUser, matches_whole,
};
