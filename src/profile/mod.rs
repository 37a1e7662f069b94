//! The user's description of a cluster (pure).

mod address;
mod cluster;
mod crypt;
mod mac;
mod secrets;
mod ssh_key;

pub use cluster::{Admin, Network, Node, Profile, System};
pub use crypt::Password;
pub use mac::{Mac, MacError};
pub use secrets::{ADMIN_PASSWORD, Secrets};
pub use ssh_key::{SshKey, SshKeyError};
