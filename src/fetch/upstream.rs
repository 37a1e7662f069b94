//! Reads files without a pin: upstream's checksum files, and artifacts that are to be pinned.

use std::io::{self, Read, Write};
use std::sync::OnceLock;
use std::thread;

use reqwest::Url;

use super::artifact_source::ArtifactSource;
use super::download::{ArtifactResponse, MAX_SIZE};
use super::endpoint::Endpoint;
use super::http::{Http, HttpResponse};
use super::pace::Paced;
use super::sniff::HEAD;
use super::{Cause, FetchError, FetchOptions};
use crate::digest::{HashingWriter, Sha256};
use crate::release::shown;

/// The longest text that is read, in bytes: several times the longest checksum file.
const MAX_TEXT: u64 = 1 << 20;

/// A way to upstream, or to its mirror. Nothing that it reads is verified: the caller has to say so.
#[derive(Debug)]
pub struct Upstream<'a> {
    options: &'a FetchOptions,
    http: OnceLock<Http>,
}

/// How bytes came: who could have changed them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// From upstream's server, over TLS.
    Tls,
    /// From upstream's server, over plain http.
    Http,
    /// From a mirror's server, over TLS.
    MirrorTls,
    /// From a mirror's server, over plain http.
    MirrorHttp,
    /// From a mirror's folder.
    MirrorFolder,
}

impl<'a> Upstream<'a> {
    /// A way that waits, and goes by a mirror, as these options say.
    pub fn new(options: &'a FetchOptions) -> Self {
        Self { options, http: OnceLock::new() }
    }

    /// The text at `url`, of at most 1 MiB.
    pub fn text(&self, url: &str) -> Result<(String, Provenance), FetchError> {
        let (bytes, way) = self.read(url, MAX_TEXT, Vec::new)?;
        Ok((String::from_utf8_lossy(&bytes).into_owned(), way))
    }

    /// The bytes of the file at `url`, of at most `limit`.
    pub fn bytes(&self, url: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
        self.read(url, limit, Vec::new).map(|(bytes, _)| bytes)
    }

    /// The digest and the size of the file at `url`, of at most 4 GiB. Its bytes are not kept.
    pub fn digest(&self, url: &str) -> Result<(Sha256, u64, Provenance), FetchError> {
        let (hashing, way) = self.read(url, MAX_SIZE, || HashingWriter::new(io::sink()))?;
        let (_, digest, size) = hashing.finish();
        Ok((digest, size, way))
    }

    /// Reads a file into what `sink` makes, anew for each try.
    fn read<W: Write>(
        &self,
        url: &str,
        limit: u64,
        sink: impl Fn() -> W,
    ) -> Result<(W, Provenance), FetchError> {
        let failed = |cause| FetchError::Unpinned {
            url: shown(url),
            mirrored: self.options.mirrored(url),
            cause: Box::new(cause),
        };
        let place = self.options.place(url).map_err(failed)?;
        if self.options.offline && matches!(place, ArtifactSource::Server(_)) {
            return Err(failed(Cause::Offline));
        }
        let mut pauses = self.options.retry.pauses();
        loop {
            let mut out = sink();
            let cause = match self.attempt(&place, limit, &mut out) {
                Ok(()) => return Ok((out, self.way(&place))),
                Err(cause) => cause,
            };
            let next = pauses.next().and_then(|pause| self.options.retry.before_next(&cause, pause));
            thread::sleep(next.ok_or_else(|| failed(cause))?);
        }
    }

    fn attempt(&self, place: &ArtifactSource, limit: u64, out: &mut impl Write) -> Result<(), Cause> {
        let ArtifactResponse { head, mut body, peer } = self.open(place)?;
        let mut start = Vec::new();
        let broken = |error: &io::Error, received| self.broken(error, peer.as_ref(), received, head.total);
        body.by_ref()
            .take(HEAD as u64)
            .read_to_end(&mut start)
            .map_err(|error| broken(&error, start.len() as u64))?;
        if let Some(sniff) = head.sniff(&start) {
            return Err(Cause::SomethingElse(sniff));
        }
        out.write_all(&start)?;
        let mut counting = HashingWriter::new(out);
        let mut rest = body.take(limit.saturating_sub(start.len() as u64) + 1);
        io::copy(&mut rest, &mut counting)
            .map_err(|error| broken(&error, start.len() as u64 + counting.size()))?;
        let received = start.len() as u64 + counting.size();
        match head.total {
            _ if received > limit => Err(Cause::TooLong(limit)),
            Some(expected) if expected != received => Err(Cause::Truncated {
                received,
                expected: Some(expected),
                detail: "the transfer ended early".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn open(&self, place: &ArtifactSource) -> Result<ArtifactResponse, Cause> {
        match place {
            ArtifactSource::Server(url) => {
                let HttpResponse { head, peer, body } = self.http()?.get(url, None)?;
                let body = Paced::new(body, self.options.retry.pace);
                Ok(ArtifactResponse { head, body: Box::new(body), peer: Some(peer) })
            }
            ArtifactSource::File(path) => ArtifactResponse::file(path),
            ArtifactSource::Bundle => Err(Cause::NotSupplied),
        }
    }

    fn broken(
        &self,
        error: &io::Error,
        peer: Option<&Endpoint>,
        received: u64,
        expected: Option<u64>,
    ) -> Cause {
        match (peer, self.http.get()) {
            (Some(peer), Some(http)) => http.broken(error, peer, received, expected),
            _ => Cause::from(io::Error::new(error.kind(), error.to_string())),
        }
    }

    fn http(&self) -> Result<&Http, Cause> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let made = Http::new(&self.options.network, self.options.retry)?;
        Ok(self.http.get_or_init(|| made))
    }

    fn way(&self, place: &ArtifactSource) -> Provenance {
        match (place, self.options.mirror.is_some()) {
            (ArtifactSource::File(_) | ArtifactSource::Bundle, _) => Provenance::MirrorFolder,
            (ArtifactSource::Server(url), false) if is_tls(url) => Provenance::Tls,
            (ArtifactSource::Server(url), true) if is_tls(url) => Provenance::MirrorTls,
            (ArtifactSource::Server(_), false) => Provenance::Http,
            (ArtifactSource::Server(_), true) => Provenance::MirrorHttp,
        }
    }
}

/// No redirect leads from https to http, so that the first address tells.
fn is_tls(url: &Url) -> bool {
    url.scheme() == "https"
}
