//! The components' templates, and what they see of the cluster (pure).

mod context;
mod templates;

pub use context::{Context, value};
pub use templates::{SUFFIX, Templates};
