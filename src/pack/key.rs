//! The key that a bundle is signed with.
#![expect(clippy::disallowed_methods, reason = "edge: reads the key")]

use std::io;

use crate::bundle::SigningKey;
use crate::failure::Failure;
use crate::input;
use crate::input::bundle::MAX_KEY;
use crate::settings::SigningSettings;

/// Reads it.
pub(crate) fn signing_key(settings: &SigningSettings) -> Result<SigningKey, Failure> {
    let path = settings.key.as_path();
    let there = fs_err::metadata(path)
        .and_then(|found| if found.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(()) });
    there.map_err(|error| {
        let help = "`minisign -G -p imgbuild.pub -s imgbuild.key` makes a key: `--sign imgbuild.key`";
        Failure::unreadable(path, "a minisign secret key", &error, help)
    })?;
    let text = input::text(path, MAX_KEY).map_err(|why| anyhow::anyhow!("{}", why.message()))?;
    SigningKey::read(&text, settings.password.clone()).map_err(|error| Failure::Usage {
        message: format!("--sign {}: {error}", path.display()),
        help: format!(
            "`minisign -G` makes a key; one with a password needs it in {}",
            SigningSettings::PASSWORD
        ),
    })
}
