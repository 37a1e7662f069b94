//! The download of one artifact: tries, continues, verifies, and only then gives the file its name.

use std::io::{self, Read, Write as _};
use std::path::Path;
use std::thread;

use fs_err as fs;

use super::artifact_source::ArtifactSource;
use super::endpoint::Endpoint;
use super::fetcher::{FetchJob, Fetcher};
use super::http::HttpResponse;
use super::pace::Paced;
use super::partial::{HashedFile, Partial, ResumePoint};
use super::response::{ByteRange, ResponseHead};
use super::retry::MIN_PROGRESS;
use super::sniff::HEAD;
use super::{Cause, ContentSniff, FetchStep, Outcome};

/// The most that an artifact may have whose pin does not know its size: 4 GiB, twice the largest cloud image.
pub(super) const MAX_SIZE: u64 = 4 << 30;

/// One download in progress. Its digest's lock is held while this exists.
pub(super) struct Download<'a> {
    fetcher: &'a Fetcher<'a>,
    job: FetchJob<'a>,
    place: ArtifactSource,
    partial: Partial,
    limit: u64,
}

/// Bytes that may be those of the artifact.
pub(super) struct ArtifactResponse {
    pub(super) head: ResponseHead,
    pub(super) body: Box<dyn Read>,
    /// Who sends them; none if they come from a file.
    pub(super) peer: Option<Endpoint>,
}

impl ArtifactResponse {
    /// The bytes of a file in a mirror's folder.
    pub(super) fn file(path: &Path) -> Result<Self, Cause> {
        // Checked before it is opened: opening a named pipe would block until something writes to it.
        let size = match fs::metadata(path) {
            Ok(found) if found.is_file() => found.len(),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => return Err(Cause::NotInMirror),
        };
        let head = ResponseHead { total: Some(size), ..ResponseHead::default() };
        Ok(Self { head, body: Box::new(fs::File::open(path)?), peer: None })
    }
}

impl<'a> Download<'a> {
    pub(super) fn new(fetcher: &'a Fetcher<'a>, job: FetchJob<'a>, place: ArtifactSource) -> Self {
        let partial = fetcher.store.partial(&job.artifact.sha256);
        Self { fetcher, job, place, partial, limit: job.artifact.size.unwrap_or(MAX_SIZE) }
    }

    /// Tries until it succeeds or there is no point in trying; counts the `tries`.
    pub(super) fn run(&self, tries: &mut usize) -> Result<(Outcome, u64), Cause> {
        let retry = self.fetcher.options.retry;
        let mut pauses = retry.pauses();
        let mut reached = self.partial.len();
        loop {
            *tries += 1;
            let cause = match self.attempt() {
                Ok(done) => return Ok(done),
                Err(cause) => cause,
            };
            // Further than ever, not further than last time: a file that comes again and again from its beginning
            // would be tried without end.
            if self.partial.len() >= reached.saturating_add(MIN_PROGRESS) {
                reached = self.partial.len();
                pauses = retry.pauses();
            }
            if cause.spoils() {
                self.partial.discard()?;
            }
            let Some(pause) = pauses.next().and_then(|pause| retry.before_next(&cause, pause)) else {
                return Err(cause);
            };
            self.fetcher.tell(self.job, FetchStep::Retrying { cause: &cause, pause });
            thread::sleep(pause);
        }
    }

    fn attempt(&self) -> Result<(Outcome, u64), Cause> {
        let mut resume = self.partial.resume(self.limit)?;
        if let Some(resume) = resume.take_if(|resume| resume.file.digest() == self.job.artifact.sha256) {
            let from = resume.file.size();
            return self.publish(resume.file, from);
        }
        let mut source = self.open(resume.as_ref())?;
        self.check_size(&mut source)?;
        let from = source.head.from;
        let mut file = match resume {
            Some(resume) if from > 0 => resume.file,
            _ => self.partial.restart(source.head.validator.as_deref())?,
        };
        self.fetcher.tell(self.job, FetchStep::Started { from, total: self.expected(&source.head) });
        self.pour(&mut source, &mut file)?;
        self.check_digest(&file, &source.head)?;
        self.publish(file, from)
    }

    fn open(&self, resume: Option<&ResumePoint>) -> Result<ArtifactResponse, Cause> {
        match &self.place {
            ArtifactSource::Server(url) => {
                let rest = resume.map(|resume| ByteRange {
                    from: resume.file.size(),
                    validator: resume.validator.clone(),
                });
                let HttpResponse { head, peer, body } = self.fetcher.http()?.get(url, rest.as_ref())?;
                let body = Paced::new(body, self.fetcher.options.retry.pace);
                Ok(ArtifactResponse { head, body: Box::new(body), peer: Some(peer) })
            }
            ArtifactSource::File(path) => ArtifactResponse::file(path),
            ArtifactSource::Bundle => {
                let supply = self.fetcher.options.supply.as_ref();
                let given = supply.and_then(|supply| supply.give(&self.job.artifact.sha256));
                let given = given.ok_or(Cause::NotSupplied)?;
                let head = ResponseHead { total: Some(given.size), ..ResponseHead::default() };
                Ok(ArtifactResponse { head, body: given.body, peer: None })
            }
        }
    }

    /// Refuses a file that is announced with another size, before it is read.
    fn check_size(&self, source: &mut ArtifactResponse) -> Result<(), Cause> {
        let Some(got) = source.head.total else { return Ok(()) };
        match self.job.artifact.size {
            Some(expected) if got != expected && source.head.from > 0 => Err(Cause::Changed),
            Some(expected) if got != expected => {
                let mut start = Vec::new();
                // Only a guess is made from it, and less than all will do.
                let _ = source.body.by_ref().take(HEAD as u64).read_to_end(&mut start);
                Err(Cause::Size { expected, got, sniff: source.head.sniff(&start) })
            }
            _ if got > self.limit => Err(Cause::TooLong(self.limit)),
            _ => Ok(()),
        }
    }

    /// Takes the bytes in, never more than the artifact may have.
    fn pour(&self, source: &mut ArtifactResponse, file: &mut HashedFile) -> Result<(), Cause> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = match source.body.read(&mut buffer) {
                Ok(0) => return self.check_end(&source.head, file.size()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.broken(error, source, file.size())),
            };
            if file.size() + read as u64 > self.limit {
                return Err(wrong(Cause::TooLong(self.limit), &source.head));
            }
            file.write_all(&buffer[..read])?;
            self.fetcher.tell(self.job, FetchStep::Received(file.size()));
        }
    }

    /// Why the bytes of `source` broke off.
    fn broken(&self, error: io::Error, source: &ArtifactResponse, received: u64) -> Cause {
        match (&source.peer, self.fetcher.http()) {
            (Some(peer), Ok(http)) => http.broken(&error, peer, received, self.expected(&source.head)),
            _ => error.into(),
        }
    }

    /// Looks whether an answer that ended without a fault has ended too early.
    fn check_end(&self, head: &ResponseHead, received: u64) -> Result<(), Cause> {
        let Some(expected) = self.expected(head).filter(|expected| received < *expected) else {
            return Ok(());
        };
        if head.total.is_none() && head.sniff(&self.partial.head()).is_some() {
            // All of something else, as its digest will tell.
            return Ok(());
        }
        Err(Cause::Truncated {
            received,
            expected: Some(expected),
            detail: "the transfer ended early".to_owned(),
        })
    }

    fn check_digest(&self, file: &HashedFile, head: &ResponseHead) -> Result<(), Cause> {
        let (expected, got) = (self.job.artifact.sha256, file.digest());
        if got == expected {
            return Ok(());
        }
        let sniff = match (head.sniff(&self.partial.head()), file.size()) {
            (Some(sniff), _) => Some(sniff),
            (None, 0) => Some(ContentSniff::Empty),
            (None, size) => self.expected(head).is_none().then_some(ContentSniff::Unmeasured(size)),
        };
        Err(wrong(Cause::Digest { expected, got, sniff }, head))
    }

    /// Gives the verified file its place in the store.
    fn publish(&self, file: HashedFile, from: u64) -> Result<(Outcome, u64), Cause> {
        let size = file.size();
        self.partial.publish(file)?;
        Ok((if from > 0 { Outcome::Resumed { from } } else { Outcome::Fetched }, size))
    }

    /// How many bytes the whole file has, as far as anybody knows.
    fn expected(&self, head: &ResponseHead) -> Option<u64> {
        self.job.artifact.size.or(head.total)
    }
}

/// Wrong bytes may come of two parts that do not belong together: then the file deserves a try from its beginning.
fn wrong(cause: Cause, head: &ResponseHead) -> Cause {
    if head.from > 0 { Cause::Changed } else { cause }
}
