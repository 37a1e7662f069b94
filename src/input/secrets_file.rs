//! The secrets file while a build adds to it: all lines or none, through links, and keeping the owner.
#![expect(clippy::disallowed_methods, reason = "edge: writes the secrets file")]

use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use rustix::fs::{Gid, Uid, fchown};

use crate::diagnostic::{Diagnostic, Report, Source};
use crate::failure::Failure;
use crate::files::FileError;
use crate::profile::Secrets;

/// The secrets file that a build has for itself. What is locked is the folder, so that no lock file is left.
pub(super) struct SecretsFile<'a> {
    /// What the user calls it.
    name: &'a Path,
    /// Where it is.
    place: PathBuf,
    /// The user and the group that own it, if it is there.
    owner: Option<(u32, u32)>,
    text: String,
    _lock: fs::File,
}

impl<'a> SecretsFile<'a> {
    /// Waits for other builds, and reads what they left.
    pub(super) fn lock(name: &'a Path) -> anyhow::Result<Self> {
        let place = match fs::canonicalize(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => name.to_owned(),
            place => place?,
        };
        let folder = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let lock = fs::File::open(folder)?;
        lock.file().lock().with_context(|| format!("locking {}", lock.path().display()))?;
        let (owner, text) = match fs::metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (None, String::new()),
            found => {
                let found = found?;
                (Some((found.uid(), found.gid())), fs::read_to_string(&place)?)
            }
        };
        Ok(Self { name, place, owner, text, _lock: lock })
    }

    /// The secrets that are in the file.
    pub(super) fn secrets(&self) -> Result<Secrets, Failure> {
        self.parse(&self.text)
    }

    fn parse(&self, text: &str) -> Result<Secrets, Failure> {
        let mut report = Report::new();
        let shown = self.name.display().to_string();
        let secrets = Secrets::parse(&Source::secret(shown.as_str(), text), &mut report);
        if report.has_errors() {
            let message = format!("failed to add a generated secret to `{shown}`");
            let diagnostic = Diagnostic::error(message).help("write one `name: value` per line there");
            return Err(Failure::Invalid(diagnostic.into()));
        }
        Ok(secrets)
    }

    /// Adds lines: all of them or, if anything fails, none.
    pub(super) fn append(self, lines: &str) -> Result<(), Failure> {
        if lines.is_empty() {
            return Ok(());
        }
        let gap = if self.text.is_empty() || self.text.ends_with('\n') { "" } else { "\n" };
        let text = [&self.text, gap, lines].concat();
        self.parse(&text)?;
        let name = self.place.file_name().unwrap_or_default().to_string_lossy();
        let made = self.place.with_file_name(format!(".{name}.new"));
        // Left by a killed build: no other build writes here while the folder is locked.
        let _ = fs::remove_file(&made);
        let replaced = self.write(&made, &text);
        if replaced.is_err() {
            let _ = fs::remove_file(&made);
        }
        replaced
    }

    /// Writes a new file that its owner alone can read, to the disk, and puts it in place.
    fn write(&self, made: &Path, text: &str) -> Result<(), Failure> {
        let context = || format!("keeping generated secrets in {}", self.name.display());
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(made)
            .with_context(context)?;
        let found = file.metadata().with_context(context)?;
        if found.permissions().mode() & 0o077 != 0 {
            return Err(anyhow::Error::new(FileError::NoModes { path: self.name.to_owned() }).into());
        }
        if let Some((user, group)) = self.owner.filter(|owner| *owner != (found.uid(), found.gid())) {
            let given = fchown(&file, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
            given.map_err(io::Error::from).with_context(context)?;
        }
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        written.and_then(|()| fs::rename(made, &self.place)).with_context(context)?;
        Ok(())
    }
}
