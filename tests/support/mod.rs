//! What tests share.

pub mod authority;
pub mod child;
pub mod depot;
pub mod server;
pub mod trial;
