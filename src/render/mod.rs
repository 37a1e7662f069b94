//! The cloud-init documents and the files that each node gets of its own (pure).

mod bootcmd;
mod documents;
mod masked;
mod node_files;
mod private;
mod programs;
mod user_data;
pub mod yaml;

pub use documents::{meta_data, network_config};
pub use masked::masked;
pub use node_files::{NodeFile, NodeFiles, lists};
pub use private::{NodeSecrets, PrivateContent, private_files, try_private_files};
pub use programs::programs;
pub use user_data::{OverlayFacts, user_data};

/// The guest file that lists all others with their components, by its name in [`crate::plan::Format::lists`]; first boot compares it
/// with the one before.
const FILES_LIST: &str = "files";
/// The guest file that lists what is started, and what tells that it is up.
const COMPONENTS_LIST: &str = "components";
