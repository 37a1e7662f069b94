//! What several test modules need.

pub mod authority;
pub mod child;
pub mod cluster;
pub mod depot;
pub mod hostile;
pub mod oracle;
pub mod server;
pub mod trial;
