//! The network's settings from the environment: proxies and certificates, read once.

use std::ffi::OsString;

use super::{CertificatePaths, Proxies, ProxyError};

/// How servers are reached.
#[derive(Clone, Debug, Default)]
pub struct NetworkSettings {
    /// The proxies on the way.
    pub(super) proxies: Proxies,
    /// Whose certificates are trusted.
    pub(super) certificates: CertificatePaths,
}

impl NetworkSettings {
    /// What an environment says. `get` gives the value of a variable.
    pub fn from_environment(get: impl Fn(&str) -> Option<OsString>) -> Result<Self, ProxyError> {
        let certificates = CertificatePaths::from_environment(&get);
        Ok(Self { proxies: Proxies::from_environment(get)?, certificates })
    }
}
