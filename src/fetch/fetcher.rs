//! Fills the store with the artifacts that a build needs: several at once, each verified.

use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use reqwest::Url;

use super::artifact_source::ArtifactSource;
use super::download::Download;
use super::http::Http;
use super::{
    ArtifactRequest, BundleSource, Cause, FailedArtifact, FetchError, FetchEvent, FetchStep, Fetched,
    NetworkSettings, Outcome, RetryPolicy,
};
use crate::release::{Mirror, MirrorPlace, Redacted, shown};
use crate::store::{BlobState, Store};

/// Artifacts that are fetched at the same time.
const AT_ONCE: usize = 4;

/// How artifacts are fetched.
#[derive(Clone, Debug, Default)]
pub struct FetchOptions {
    /// Where they are taken from instead of upstream.
    pub mirror: Option<Mirror>,
    /// Where they are taken from instead of upstream and any mirror.
    pub supply: Option<BundleSource>,
    /// Never use the network. A mirror's folder needs none.
    pub offline: bool,
    /// How servers are reached.
    pub network: NetworkSettings,
    /// How long to wait for others.
    pub retry: RetryPolicy,
}

impl FetchOptions {
    /// Where to take what upstream has at `url`.
    pub(super) fn place(&self, url: &str) -> Result<ArtifactSource, Cause> {
        let url = Url::parse(url).map_err(|error| Cause::Url(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Cause::Url(format!("it begins with `{}:`, not with `https:`", url.scheme())));
        }
        match (&self.supply, &self.mirror) {
            (Some(_), _) => Ok(ArtifactSource::Bundle),
            (None, Some(mirror)) => mirror.locate(&url).map(ArtifactSource::from).ok_or(Cause::Unmirrorable),
            (None, None) => Ok(ArtifactSource::Server(url)),
        }
    }

    /// Where the mirror would have what upstream has at `url`, for people.
    pub(super) fn mirrored(&self, url: &str) -> Option<String> {
        match self.mirror.as_ref()?.locate(&Url::parse(url).ok()?)? {
            MirrorPlace::Server(url) => Some(Redacted(&url).to_string()),
            MirrorPlace::File(path) => Some(path.display().to_string()),
        }
    }
}

/// One call's way to get artifacts.
pub(super) struct Fetcher<'a> {
    pub(super) store: &'a Store,
    pub(super) options: &'a FetchOptions,
    progress: &'a (dyn Fn(&FetchEvent) + Sync),
    http: OnceLock<Http>,
}

/// An artifact that is being fetched.
#[derive(Clone, Copy)]
pub(super) struct FetchJob<'a> {
    pub(super) index: usize,
    pub(super) artifact: &'a ArtifactRequest,
}

impl Store {
    /// Sees to it that all of `artifacts` are in the store, verified, and returns them in the same order.
    ///
    /// All are tried; the error names all that failed. What had come of them is kept and continued by the next
    /// call. `progress` is called from several threads.
    pub fn fetch_all(
        &self,
        artifacts: &[ArtifactRequest],
        options: &FetchOptions,
        progress: &(dyn Fn(&FetchEvent) + Sync),
    ) -> Result<Vec<Fetched>, FetchError> {
        let fetcher = Fetcher { store: self, options, progress, http: OnceLock::new() };
        let (mut here, mut failures) = (Vec::new(), Vec::new());
        for result in fetcher.each(artifacts) {
            match result {
                Ok(one) => here.push(one),
                Err(failure) => failures.push(failure),
            }
        }
        if failures.is_empty() {
            Ok(here)
        } else {
            Err(FetchError::Artifacts { failures, of: artifacts.len() })
        }
    }

    /// Whether the store has something for all of these; whether it is whole shows when it is read.
    pub fn has_all(&self, artifacts: &[ArtifactRequest]) -> Result<(), FetchError> {
        let missing = artifacts.iter().filter(|artifact| !self.blob(&artifact.sha256).exists());
        let names: Vec<_> = missing.map(|artifact| artifact.name.clone()).collect();
        if names.is_empty() { Ok(()) } else { Err(FetchError::NotFetched { names }) }
    }
}

impl Fetcher<'_> {
    /// Fetches all, several at once, and returns what became of them in their order.
    fn each(&self, artifacts: &[ArtifactRequest]) -> Vec<Result<Fetched, FailedArtifact>> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(artifact) = artifacts.get(index) else { return done };
                done.push((index, self.fetch(FetchJob { index, artifact })));
            }
        };
        let mut done: Vec<_> = thread::scope(|scope| {
            let worker = || thread::Builder::new().name("fetch".to_owned()).spawn_scoped(scope, work);
            // A system may have fewer threads to give, or none: then this one does all.
            let workers: Vec<_> = (0..AT_ONCE.min(artifacts.len())).map_while(|_| worker().ok()).collect();
            let own = if workers.is_empty() { work() } else { Vec::new() };
            let done =
                workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
            done.flatten().chain(own).collect()
        });
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, result)| result).collect()
    }

    fn fetch(&self, job: FetchJob) -> Result<Fetched, FailedArtifact> {
        let ArtifactRequest { name, url, sha256, .. } = job.artifact;
        let mut tries = 0;
        match self.obtain(job, &mut tries) {
            Ok((outcome, size)) => {
                self.tell(job, FetchStep::Done { outcome, size });
                Ok(Fetched { name: name.clone(), sha256: *sha256, size, outcome })
            }
            Err(cause) => {
                self.tell(job, FetchStep::Failed);
                Err(FailedArtifact {
                    name: name.clone(),
                    url: shown(url),
                    mirrored: self.options.mirrored(url),
                    sha256: *sha256,
                    cause: Box::new(cause),
                    tries,
                })
            }
        }
    }

    /// Gets the artifact into the store, and says how and what size it has. Counts its `tries` of the network.
    fn obtain(&self, job: FetchJob, tries: &mut usize) -> Result<(Outcome, u64), Cause> {
        let state = self.store.inspect(&job.artifact.sha256)?;
        if let BlobState::Damaged(_) = state {
            self.tell(job, FetchStep::Damaged);
        }
        if let BlobState::Whole(size) = state {
            return cached(job, size);
        }
        let place = self.place(job, &state)?;
        self.store.prepare()?;
        let _lock = self.store.lock(&job.artifact.sha256, || self.tell(job, FetchStep::Waiting))?;
        match self.store.inspect(&job.artifact.sha256)? {
            BlobState::Whole(size) => return cached(job, size),
            BlobState::Damaged(_) => self.store.set_aside(&job.artifact.sha256)?,
            BlobState::Missing => {}
        }
        Download::new(self, job, place).run(tries)
    }

    /// The source of an artifact that the store does not contain.
    fn place(&self, job: FetchJob, state: &BlobState) -> Result<ArtifactSource, Cause> {
        let place = self.options.place(&job.artifact.url)?;
        match (&place, state) {
            (ArtifactSource::Server(_), BlobState::Damaged(got)) if self.options.offline => {
                Err(Cause::OfflineDamaged { got: *got })
            }
            (ArtifactSource::Server(_), _) if self.options.offline => Err(Cause::Offline),
            _ => Ok(place),
        }
    }

    /// The HTTP client, created when first needed; never when offline.
    pub(super) fn http(&self) -> Result<&Http, Cause> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let made = Http::new(&self.options.network, self.options.retry)?;
        Ok(self.http.get_or_init(|| made))
    }

    pub(super) fn tell(&self, job: FetchJob, step: FetchStep) {
        (self.progress)(&FetchEvent { index: job.index, artifact: job.artifact, step });
    }
}

/// An artifact that is there. A pin with another size would fail where it is not.
fn cached(job: FetchJob, got: u64) -> Result<(Outcome, u64), Cause> {
    match job.artifact.size {
        Some(expected) if expected != got => Err(Cause::Size { expected, got, sniff: None }),
        _ => Ok((Outcome::Cached, got)),
    }
}
