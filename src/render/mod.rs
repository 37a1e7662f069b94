//! Templates and the cloud-init documents (pure).
