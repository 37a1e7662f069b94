//! The body of a response, and the record of the transfer when it has ended.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use hyper::body::{Bytes, Frame, SizeHint};

use super::Item;

/// How much of a file is read at once.
const CHUNK: u64 = 64 * 1024;

/// A request that was answered, as far as the client would hear.
#[derive(Clone, Debug)]
pub struct Served {
    /// Who asked.
    pub address: IpAddr,
    /// What was asked for.
    pub method: String,
    /// Its path.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// How many bytes of the body were given to the connection.
    pub bytes: u64,
    /// The file that they are of, and where in it they begin.
    pub item: Option<(Item, u64)>,
}

/// Who hears of each request when it is over.
pub type OnServed = Arc<dyn Fn(&Served) + Send + Sync>;

/// The bytes of an answer; when it is dropped, sent or not, the request is over.
pub(super) struct ResponseBody {
    content: BodySource,
    left: u64,
    served: Served,
    /// Counts the bytes of its connection.
    sent: Arc<AtomicU64>,
    report: OnServed,
}

/// Where the bytes come from.
pub(super) enum BodySource {
    /// From memory.
    Text(String),
    /// From a file, from its position on.
    File(File),
}

impl ResponseBody {
    /// `length` bytes of `content`.
    pub(super) fn new(
        content: BodySource,
        length: u64,
        served: Served,
        sent: Arc<AtomicU64>,
        report: OnServed,
    ) -> Self {
        Self { content, left: length, served, sent, report }
    }

    fn next(&mut self) -> io::Result<Bytes> {
        let bytes = match &mut self.content {
            BodySource::Text(text) => Bytes::from(std::mem::take(text)),
            BodySource::File(file) => {
                let mut bytes = Vec::new();
                file.take(self.left.min(CHUNK)).read_to_end(&mut bytes)?;
                Bytes::from(bytes)
            }
        };
        // The file has become shorter: the client must not take what it has for all.
        if bytes.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
    }
}

impl hyper::body::Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let next = self.next().inspect(|bytes| {
            let count = bytes.len() as u64;
            self.left = self.left.saturating_sub(count);
            self.served.bytes += count;
            self.sent.fetch_add(count, Ordering::Relaxed);
        });
        Poll::Ready(Some(next.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        (self.report)(&self.served);
    }
}
