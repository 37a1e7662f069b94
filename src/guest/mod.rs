//! The guest as it is before anything of ours comes: what Ubuntu 24.04's cloud image has. Pure.

mod users;

pub use users::{IMAGE_USERS, PACKAGE_USERS};
