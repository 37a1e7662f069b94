//! What an overlays/NAME/component.yaml declares, and the files beside it (pure).

mod folder;
mod spec;

pub use folder::{Component, Components, FolderFile, SPEC_FILE};
pub use spec::{
    Check, Collect, Directory, Health, Install, Metrics, PrivateFile, SecretSpec, Setting, Spec, SystemUser,
    matches_whole,
};
