//! A store in a temporary folder, an artifact for it, and what must hold whatever happened to it.
#![expect(clippy::disallowed_methods, reason = "tests look at the store from outside")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use imgbuild::digest::Sha256;
use imgbuild::fetch::{ArtifactRequest, FetchError, FetchOptions, Outcome, Pace, RetryPolicy};
use imgbuild::store::{ErrorClass, Store};
use tempfile::TempDir;

use super::leaks::Leaks;
use super::server::{Answer, Server};

/// The entity tag under which servers of tests keep [`artifact`].
pub const ETAG: &str = "\"one\"";

/// The bytes of an artifact.
pub fn artifact() -> Vec<u8> {
    (0..1000_u32).map(|i| u8::try_from(i * i % 251).unwrap_or_default()).collect()
}

/// A server that has [`artifact`], in parts too.
pub fn good_server() -> Server {
    Server::start(|request, _| Answer::file(&artifact(), ETAG, request))
}

/// Pauses that are short enough for tests, and time-outs that no busy machine reaches.
pub const PATIENCE: RetryPolicy = RetryPolicy {
    connect: Duration::from_secs(20),
    stall: Duration::from_secs(20),
    pace: Pace { bytes: 1, window: Duration::from_secs(20) },
    pause: Duration::from_millis(1),
    retry_after: Duration::from_secs(2),
};

/// For servers that are silent: time-outs that a test can wait for. How many tries the others get is not certain then.
pub const HASTY: RetryPolicy =
    RetryPolicy { connect: Duration::from_millis(500), stall: Duration::from_secs(1), ..PATIENCE };

/// A store of one test.
pub struct Depot {
    folder: TempDir,
}

impl Depot {
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("there is room for temporary files") }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub fn store(&self) -> Store {
        Store::open(self.path()).expect("a new place is a store")
    }

    pub fn blob(&self) -> PathBuf {
        self.path().join("sha256").join(Sha256::of(artifact()).to_string())
    }

    pub fn partial(&self) -> PathBuf {
        self.path().join("partial").join(Sha256::of(artifact()).to_string())
    }

    pub fn lock(&self) -> PathBuf {
        self.path().join("lock").join(Sha256::of(artifact()).to_string())
    }

    /// Fetches [`artifact`] from `url`.
    pub fn fetch(&self, url: &str) -> Result<Outcome, FetchError> {
        self.fetch_with(&request(url), &FetchOptions { retry: PATIENCE, ..FetchOptions::default() })
    }

    pub fn fetch_with(
        &self,
        request: &ArtifactRequest,
        options: &FetchOptions,
    ) -> Result<Outcome, FetchError> {
        let fetched = self.store().fetch_all(std::slice::from_ref(request), options, &|_| {})?;
        assert_eq!(fetched[0].size, artifact().len() as u64);
        Ok(fetched[0].outcome)
    }

    /// Whatever went before: no file has a name that its bytes do not bear out, and a good server makes it whole.
    #[track_caller]
    pub fn recovers(&self) {
        self.is_sound();
        self.fetch(&good_server().url("/a")).expect("a good server is enough");
        assert_eq!(fs::read(self.blob()).expect("it was fetched"), artifact());
        assert!(!self.partial().exists(), "the partial file is left over");
        assert_eq!(files(&self.path().join("tmp")).len(), 0, "staged files are left over");
    }

    /// Nothing unverified has a final name.
    #[track_caller]
    pub fn is_sound(&self) {
        for path in files(&self.path().join("sha256")) {
            let damaged = path.extension().is_some_and(|extension| extension == "damaged");
            let name = path.file_name().and_then(|name| name.to_str()).expect("names are digests").to_owned();
            let digest = Sha256::of(fs::read(&path).expect("blobs can be read")).to_string();
            assert!(damaged || digest == name, "{name} has other bytes");
        }
    }
}

/// Whatever was fetched, the store has no secret of a URL.
impl Drop for Depot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            Leaks::of(self.folder.path()).check_folder(self.folder.path());
        }
    }
}

/// A request for [`artifact`], its size pinned.
pub fn request(url: &str) -> ArtifactRequest {
    let (sha256, size) = (Sha256::of(artifact()), Some(artifact().len() as u64));
    ArtifactRequest { name: "thing 1.0 amd64".into(), url: url.into(), sha256, size }
}

/// The class and the text of an error, its help included.
pub fn told(error: &FetchError) -> (ErrorClass, String) {
    let text = format!("{error}\nhelp: {}", error.help().unwrap_or_default());
    Leaks::of(Path::new(".")).check("an error", text.as_bytes());
    (error.class(), text)
}

/// The files of a folder, if there is one.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map_while(Result::ok);
    entries.map(|entry| entry.path()).collect()
}
