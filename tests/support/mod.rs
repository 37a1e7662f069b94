//! What several test modules need.

pub mod authority;
pub mod child;
pub mod cluster;
pub mod depot;
pub mod diff;
pub mod golden;
pub mod hostile;
pub mod markdown;
pub mod oracle;
pub mod overlay;
pub mod releases;
pub mod server;
pub mod trial;
pub mod workspace;
