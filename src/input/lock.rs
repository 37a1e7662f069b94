//! The lock of the packages, and the files beside the pins file that it is made with.
#![expect(clippy::disallowed_methods, reason = "edge: reads and writes the user's files")]

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::builtin;
use crate::diagnostic::{Diagnostic, Document, Report, Source, decode};
use crate::failure::Failure;
use crate::files::{folder_of, if_exists, place, read_bounded};
use crate::package::lock::Lock;

/// How the lock is called where nobody says otherwise.
pub(crate) const FILE: &str = "packages.lock";
/// The longest lock that is read, in bytes.
const MAX_LOCK: u64 = 16 << 20;
/// The longest file beside the pins file that is read, in bytes.
const MAX_BESIDE: u64 = 8 << 20;

/// Where the lock is: the file that is named, or the usual one beside the profile.
pub(crate) fn path(named: Option<&Path>, profile: Option<&Path>) -> PathBuf {
    named.map_or_else(|| profile.and_then(Path::parent).unwrap_or(Path::new("")).join(FILE), Path::to_owned)
}

/// The lock, if there is one. Every problem of it is an error.
pub(crate) fn read(path: &Path) -> Result<Option<Lock>, Failure> {
    if if_exists(fs::symlink_metadata(path))?.is_none() {
        return Ok(None);
    }
    let mut report = Report::new();
    let text = super::text(path, MAX_LOCK).map_err(|why| Failure::Invalid(why.into()))?;
    let source = Source::new(path.display().to_string(), text);
    let decoded = Document::parse(&source, &mut report).map(|document| decode::<Lock>(document, &mut report));
    let is_whole = decoded.as_ref().is_some_and(|decoded| decoded.checked(&mut report).is_some());
    if report.has_errors() || !is_whole {
        report.push(
            Diagnostic::error(format!("`{}` is not a whole lock", path.display()))
                .help("take it from where it is kept, or remove it and run `imgbuild lock`"),
        );
        return Err(Failure::Invalid(report));
    }
    Ok(decoded.and_then(|decoded| decoded.value))
}

/// Writes the lock: all of it, or none.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut file = tempfile::NamedTempFile::new_in(folder_of(path))?;
    file.write_all(text.as_bytes())?;
    let usual = Permissions::from_mode(0o644);
    file.as_file().set_permissions(fs::metadata(path).map_or(usual, |found| found.permissions()))?;
    Ok(place(file, path)?)
}

/// A file beside the pins file, or one that is compiled in with the built-in pins.
pub(crate) fn beside(releases: Option<&Path>, file: &str) -> Result<Vec<u8>, Failure> {
    let Some(releases) = releases else {
        return builtin::beside_releases(file).map(<[u8]>::to_vec).ok_or_else(|| Failure::Usage {
            message: format!("`{file}` is not among the files of the built-in pins"),
            help: "name a pins file with `--releases FILE`".to_owned(),
        });
    };
    let path = releases.with_file_name(file);
    match fs::File::open(&path).and_then(|file| read_bounded(file, MAX_BESIDE)) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => {
            let message = format!("`{}` is longer than {MAX_BESIDE} bytes", path.display());
            Err(Failure::Invalid(Diagnostic::error(message).into()))
        }
        Err(error) => {
            let message =
                format!("failed to read `{}`, which the pins file names: {}", path.display(), error.kind());
            let help = "it stands beside the pins file, by the name that is written there";
            Err(Failure::Invalid(Diagnostic::error(message).help(help).into()))
        }
    }
}
