//! The key that a bundle is signed with, and its password.

use std::path::PathBuf;

use super::Environment;

/// The key that a bundle is signed with.
pub(crate) struct SigningSettings {
    /// The file of the minisign secret key.
    pub(crate) key: PathBuf,
    /// Its password, if it needs one.
    pub(crate) password: Option<String>,
}

impl SigningSettings {
    /// The environment variable with the password of a secret key: an argument would be seen by other users.
    pub(crate) const PASSWORD: &'static str = "IMGBUILD_SIGN_PASSWORD";

    /// The key in this file.
    pub(crate) fn resolve(key: PathBuf, environment: Environment<'_>) -> Self {
        let password = environment(Self::PASSWORD).and_then(|password| password.into_string().ok());
        // A variable that is set to nothing is as if it were not set.
        Self { key, password: password.filter(|password| !password.is_empty()) }
    }
}
