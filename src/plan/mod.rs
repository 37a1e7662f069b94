//! Resolves profile, pins and components into a plan: every name resolved, every conflict found (pure).

mod checks;
mod claims;
mod format;
mod installs;
mod layer;
mod members;
mod node;
mod resolve;
mod services;
mod shape;

pub use format::Format;
pub use layer::LayerPlan;
pub use node::{FileOrigin, NodePlan, Origin, PlannedFile, PlannedSecret, PlannedService};
pub use resolve::{Inputs, Plan, resolve};
