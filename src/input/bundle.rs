//! What a build takes from a bundle in place of files and the network.

use std::collections::BTreeMap;

use crate::bundle::{Bundle, BundleError, PROFILE, Part, RELEASES};
use crate::cli::Options;
use crate::command::verify;
use crate::component::FolderFile;
use crate::diagnostic::{Diagnostic, Report, Source};
use crate::failure::Failure;
use crate::fetch::{Supplied, Supply};
use crate::input::{Folder, MAX_COMPONENT_FILE, MAX_DOCUMENT, Texts};

/// The most that all components' files of a bundle may have together, in bytes: they are read into memory.
pub const MAX_COMPONENTS: u64 = 256 << 20;

/// The bundle that the options name, if they do.
pub fn open(options: &Options) -> Result<Option<Bundle>, Failure> {
    let Some(path) = &options.bundle else { return Ok(None) };
    for (option, given) in [
        ("--profile", options.profile.is_some()),
        ("--releases", options.releases.is_some()),
        ("--overlays", options.overlays.is_some()),
        ("--mirror", options.mirror.is_some()),
    ] {
        if given {
            return Err(Failure::Usage {
                message: format!("--bundle and {option}: a bundle brings its own"),
                help: format!(
                    "leave one of them out, and its environment variable: `--bundle` or `{option}`"
                ),
            });
        }
    }
    let bundle = Bundle::open(path).map_err(|error| match error {
        BundleError::Io(error) => Failure::unreadable(
            path,
            "a bundle",
            &error,
            "`imgbuild bundle -o FILE` writes one, where there is a network",
        ),
        error => error.into(),
    })?;
    bundle.check_size()?;
    Ok(Some(bundle))
}

/// The same, signed as the options insist on. The artifacts need no signature: the pins vouch for them, which it does.
pub fn trusted(options: &Options) -> Result<Option<Bundle>, Failure> {
    let Some(bundle) = open(options)? else { return Ok(None) };
    if let Some(key) = &options.key {
        let signed = bundle.signed(&verify::key(key)?)?;
        if let Some(why) = verify::too_old(&signed, options.not_before) {
            return Err(Failure::Integrity {
                message: format!("the bundle `{}` is refused: {why}", bundle.path().display()),
                help: "bring a newer bundle; or name an earlier time with `--not-before TIME`".to_owned(),
            });
        }
    }
    Ok(Some(bundle))
}

/// The profile, the pins and the components of a bundle.
pub fn texts(bundle: &Bundle, report: &mut Report) -> Result<Texts, Failure> {
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
    Ok(Texts { profile, releases, folders, arch: bundle.index().arch })
}

/// The artifacts of a bundle. The store verifies them.
pub fn supply(bundle: Bundle) -> Supply {
    Supply::new(move |digest| {
        let (part, bytes) = bundle.unverified(&Part::artifact_path(digest))?;
        Some(Supplied::new(part.size, bytes))
    })
}
