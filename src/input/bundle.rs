//! What a build takes from a bundle in place of files and the network.
#![expect(clippy::disallowed_methods, reason = "edge: looks whether a bundle is there")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::texts::{Folder, MAX_COMPONENT_FILE, MAX_DOCUMENT, Texts, text};
use crate::bundle::{Bundle, BundleError, PROFILE, Part, RELEASES, Signed, VerifyingKey};
use crate::component::FolderFile;
use crate::date::Moment;
use crate::diagnostic::{Diagnostic, Report, Source};
use crate::failure::Failure;
use crate::fetch::{BundleSource, Supplied};
use crate::settings::BundleSettings;

/// The longest file of a key that is read, in bytes.
pub(crate) const MAX_KEY: u64 = 64 << 10;
/// The most that all components' files of a bundle may have together, in bytes: they are read into memory.
pub(crate) const MAX_COMPONENTS: u64 = 256 << 20;

/// Opens a bundle, and refuses one that is not signed as it must be. The artifacts need no signature: the pins vouch for
/// them, which it does.
pub(crate) fn open(settings: &BundleSettings) -> Result<Arc<Bundle>, Failure> {
    let bundle = Bundle::open(&settings.path).map_err(|error| match error {
        BundleError::Io(error) => Failure::unreadable(
            &settings.path,
            "a bundle",
            &error,
            "`imgbuild bundle -o FILE` writes one, where there is a network",
        ),
        error => error.into(),
    })?;
    bundle.check_size()?;
    if let Some(trust) = &settings.trust {
        let signed = bundle.signed(&key(&trust.key)?)?;
        if let Some(why) = too_old(&signed, trust.not_before) {
            return Err(Failure::Integrity {
                message: format!("the bundle `{}` is refused: {why}", bundle.path().display()),
                help: "use a newer bundle, or an earlier time with `--not-before TIME`".to_owned(),
            });
        }
    }
    Ok(Arc::new(bundle))
}

/// The key that a text is, or the text of the file that it names.
pub(crate) fn key(key: &str) -> Result<VerifyingKey, Failure> {
    let file = Path::new(key);
    let text = if file.is_file() {
        text(file, MAX_KEY).map_err(|why| anyhow::anyhow!("{}", why.message()))?
    } else {
        key.to_owned()
    };
    VerifyingKey::read(&text).map_err(|error| Failure::Usage {
        message: format!("--key: {error}"),
        help: "expected a minisign public key, or a file that holds one".to_owned(),
    })
}

/// Why a bundle is too old to be accepted, if it is.
pub(crate) fn too_old(signed: &Signed, not_before: Option<Moment>) -> Option<String> {
    let not_before = not_before?;
    match signed.time {
        Some(time) if time >= not_before => None,
        Some(time) => Some(format!("it was signed at {time}, expected not before {not_before}")),
        None => {
            Some(format!("its signature does not say when it was made, expected not before {not_before}"))
        }
    }
}

/// The profile, the pins and the components of a bundle.
pub(crate) fn texts(bundle: Arc<Bundle>, report: &mut Report) -> Result<Texts, Failure> {
    let shown = |path: &str| format!("{}/{path}", bundle.path().display());
    let mut document = |path: &str| -> Result<_, Failure> {
        let bytes = bundle.load(path, MAX_DOCUMENT)?.expect("an index without profile or pins is refused");
        let Ok(text) = String::from_utf8(bytes) else {
            report.push(Diagnostic::error(format!("`{}` is not valid UTF-8", shown(path))));
            return Ok(None);
        };
        Ok(Some(Source::new(shown(path), text)))
    };
    let (profile, releases) = (document(PROFILE)?, document(RELEASES)?);
    let mut folders = BTreeMap::<String, Folder>::new();
    let mut total = 0_u64;
    for part in &bundle.index().parts {
        let Some((component, file)) = part.in_component() else { continue };
        total = total.saturating_add(part.size);
        if total > MAX_COMPONENTS {
            let message =
                format!("the components of the bundle have more than {MAX_COMPONENTS} bytes together");
            return Err(anyhow::anyhow!(message).into());
        }
        let bytes = bundle.load(&part.path, MAX_COMPONENT_FILE)?.expect("the part is one of the index");
        let file_of = FolderFile { name: shown(&part.path), bytes: bytes.into(), is_builtin: false };
        folders.entry(component.to_owned()).or_default().insert(file.to_owned(), file_of);
    }
    let arch = bundle.index().arch;
    Ok(Texts { profile, releases, folders, arch, bundle: Some(bundle) })
}

/// The artifacts of a bundle. The store verifies them.
pub(crate) fn supply(bundle: Arc<Bundle>) -> BundleSource {
    BundleSource::new(move |digest| {
        let (part, bytes) = bundle.unverified(&Part::artifact_path(digest))?;
        Some(Supplied::new(part.size, bytes))
    })
}
