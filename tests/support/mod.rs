//! What several test modules need.

pub mod authority;
pub mod child;
pub mod depot;
pub mod diff;
pub mod faults;
pub mod golden;
pub mod hostile;
pub mod leaks;
pub mod markdown;
pub mod network;
pub mod oracle;
pub mod overlay;
pub mod releases;
pub mod run;
pub mod server;
pub mod small;
pub mod terminal;
pub mod trial;
pub mod workspace;
