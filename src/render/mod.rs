//! Templates and the cloud-init documents (pure).

pub mod yaml;
