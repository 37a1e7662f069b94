//! The served folder, as it is at the time of a request.
#![expect(clippy::disallowed_methods, reason = "edge: reads the folder again after some seconds")]

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::catalogue::{Catalogue, Item};
use super::served_folder::ServedFolder;

/// How old what is known of the manifests may be: a build may replace them at any time.
const AGE: Duration = Duration::from_secs(1);

/// A folder of outputs.
#[derive(Debug)]
pub struct Site {
    folder: ServedFolder,
    /// Whether files that hold secrets are served, to any client.
    private: bool,
    known: Mutex<(Instant, Catalogue)>,
}

/// Why a file is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No manifest names it, or it is not there.
    Unknown,
    /// It holds secrets.
    Private,
    /// It is not what the manifest says.
    Changed,
}

impl Site {
    /// The folder at a path; `private` files of it are served too if so wished.
    pub fn open(out: &Path, private: bool) -> io::Result<Self> {
        let folder = ServedFolder::open(out)?;
        let catalogue = Catalogue::read(&folder)?;
        Ok(Self { folder, private, known: Mutex::new((Instant::now(), catalogue)) })
    }

    /// What the manifests name now; what they named before while they cannot be read.
    pub fn catalogue(&self) -> Catalogue {
        self.with(Clone::clone)
    }

    /// The paths that are not served because they hold secrets.
    pub fn withheld(&self) -> Vec<String> {
        let paths = self.catalogue().items.into_keys();
        paths.filter(|path| matches!(self.find(path), Err(Refusal::Private))).collect()
    }

    /// The file that a path names.
    pub(super) fn find(&self, path: &str) -> Result<(Item, File), Refusal> {
        let item = self.with(|known| known.items.get(path).cloned()).ok_or(Refusal::Unknown)?;
        let (file, metadata) = self.folder.file(path).map_err(|_| Refusal::Unknown)?;
        if !self.private && !is_for_all(&metadata) {
            return Err(Refusal::Private);
        }
        if metadata.len() != item.size {
            return Err(Refusal::Changed);
        }
        Ok((item, file))
    }

    fn with<T>(&self, look: impl FnOnce(&Catalogue) -> T) -> T {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0.elapsed() > AGE
            && let Ok(catalogue) = Catalogue::read(&self.folder)
        {
            *known = (Instant::now(), catalogue);
        }
        look(&known.1)
    }
}

/// A build gives mode 0600 to what holds secrets.
fn is_for_all(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o004 != 0
}
