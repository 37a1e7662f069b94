//! What an overlays/NAME/component.yaml declares, and the files beside it (pure).

mod duration;
mod folder;
mod spec;

pub use duration::{DurationError, PrometheusDuration, meant_duration};
pub use folder::{COMMANDS, Component, Components, FolderFile, SPEC_FILE};
pub use spec::{
    Change, Check, Collect, Demand, Directory, HEALTH_TIMEOUT, Health, Install, Membership, Metrics,
    PrivateFile, SecretSpec, Setting, SettingFormat, Spec, Syntax, SystemUser, matches_whole,
};
