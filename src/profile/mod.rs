//! What the user writes of a cluster (pure).

mod cluster;
mod mac;

pub use cluster::{Admin, Network, Node, Profile, System};
pub use mac::{Mac, MacError};
