//! What is known of the guest: the names and permissions of its files, which of them are imgbuild's own, and whom
//! Ubuntu 24.04's cloud image has before anything of ours comes. Pure.

mod path;
mod users;

pub use path::{GuestPath, GuestPathError, Mode, ModeError};
pub use users::{IMAGE_USERS, PACKAGE_USERS};

/// Guest paths that imgbuild writes itself, which no component may own.
pub const RESERVED: [&str; 4] = [
    "/usr/local/sbin/imgbuild-first-boot",
    "/etc/systemd/system/imgbuild.service",
    "/usr/lib/imgbuild",
    "/etc/imgbuild",
];
