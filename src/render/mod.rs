//! Templates and the cloud-init documents (pure).

mod context;
mod template;

pub use context::Context;
pub use template::Templates;

/// Guest paths that imgbuild writes itself, which no component may own.
pub const RESERVED: [&str; 3] =
    ["/usr/local/sbin/imgbuild-first-boot", "/etc/systemd/system/imgbuild.service", "/usr/lib/imgbuild"];
