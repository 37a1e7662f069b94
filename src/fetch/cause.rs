//! Why one artifact could not be fetched.

use std::io;
use std::time::Duration;

use reqwest::StatusCode;

use super::endpoint::Endpoint;
use super::{ContentSniff, Pace, RedirectRefused};
use crate::digest::Sha256;
use crate::store::{ErrorClass, StoreError};

/// Why an artifact could not be fetched. Sizes are in bytes.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The pin names no place.
    #[error("its URL is not valid: {0}")]
    Url(String),
    /// It would have to be fetched, and the network is off.
    #[error("it is not in the store, and the network is off")]
    Offline,
    /// It would have to be fetched again, and the network is off.
    #[error("the store's copy is damaged (it has sha256 {got}), and the network is off")]
    OfflineDamaged {
        /// What the copy's bytes have.
        got: Sha256,
    },
    /// A mirror's folder has no file with the URL's name.
    #[error("the mirror does not have it")]
    NotInMirror,
    /// The supply has nothing with this digest.
    #[error("the bundle does not have it")]
    NotSupplied,
    /// No file of a mirror's folder can have the URL's name.
    #[error("its URL has a path that a mirror's folder cannot contain")]
    Unmirrorable,
    /// There can be no connections at all.
    #[error("failed to set up the HTTP client: {0}")]
    Client(String),
    /// The host's name, or its proxy's, has no address.
    #[error("failed to resolve the name `{}`: {detail}", peer.nearest())]
    Dns {
        /// Whose.
        peer: Endpoint,
        /// What the system's resolver says.
        detail: String,
    },
    /// Nobody listens there.
    #[error("the connection to {0} was refused")]
    Refused(Endpoint),
    /// No connection within the time for it.
    #[error("timeout: no connection to {peer} within {} s", after.as_secs_f32())]
    NoConnection {
        /// To whom.
        peer: Endpoint,
        /// How long it was tried.
        after: Duration,
    },
    /// There is a connection, and next to nothing comes.
    #[error("timeout: {peer} sent less than {} bytes per second for {} s", pace.bytes, pace.window.as_secs_f32())]
    Slow {
        /// From whom.
        peer: Endpoint,
        /// What it fell short of.
        pace: Pace,
    },
    /// There is a connection, and nothing comes.
    #[error("timeout: {peer} sent nothing for {} s", after.as_secs_f32())]
    Stalled {
        /// From whom.
        peer: Endpoint,
        /// How long it was awaited.
        after: Duration,
    },
    /// No secure connection: a certificate that is not trusted, mostly.
    #[error("failed to establish a TLS connection to {peer}: {detail}")]
    Tls {
        /// To whom.
        peer: Endpoint,
        /// What is wrong.
        detail: String,
    },
    /// The proxy asks for a user and a password, or for others.
    #[error("the proxy `{}` requires a user and a password", .0.nearest())]
    ProxyLogin(Endpoint),
    /// The proxy does not connect to the server.
    #[error("the proxy `{}` refused to connect to `{}`: status {status}{}", peer.nearest(), peer.host, wait(*retry_after))]
    ProxyRefused {
        /// Both.
        peer: Endpoint,
        /// The proxy's answer.
        status: StatusCode,
        /// How long it asks to wait before the next try.
        retry_after: Option<Duration>,
    },
    /// The connection failed before the answer.
    #[error("the connection to {peer} failed: {detail}")]
    Connection {
        /// To whom.
        peer: Endpoint,
        /// How.
        detail: String,
    },
    /// The server says no.
    #[error("{peer} answered with status {status}{}", wait(*retry_after))]
    Status {
        /// Who.
        peer: Endpoint,
        /// Its answer.
        status: StatusCode,
        /// How long it asks to wait before the next try.
        retry_after: Option<Duration>,
    },
    /// The server redirects to a forbidden place.
    #[error("a redirect was refused: {0}")]
    Redirect(#[from] RedirectRefused),
    /// The file ended before its end.
    #[error("it was truncated: received {received} of {} bytes ({detail})", count(*.expected))]
    Truncated {
        /// How much is there.
        received: u64,
        /// How much there should be, if that is known.
        expected: Option<u64>,
        /// How the transfer ended.
        detail: String,
    },
    /// The server sent another part than the one that is missing.
    #[error("the server sent a different range than requested (Content-Range: `{0}`)")]
    Range(String),
    /// The earlier and the present part belong to different files.
    #[error("the file changed on the server during the download")]
    Changed,
    /// The server announces another size than the pin.
    #[error("size mismatch: expected {expected} bytes, got {got}{}", because(.sniff.as_ref()))]
    Size {
        /// The pin's.
        expected: u64,
        /// The server's.
        got: u64,
        /// What it may be.
        sniff: Option<ContentSniff>,
    },
    /// It does not end where it should.
    #[error("it is larger than its limit of {0} bytes")]
    TooLong(u64),
    /// These are not the bytes that the pin names.
    #[error("digest mismatch: expected sha256 {expected}, got {got}{}", because(.sniff.as_ref()))]
    Digest {
        /// The pin's.
        expected: Sha256,
        /// What came.
        got: Sha256,
        /// What it may be.
        sniff: Option<ContentSniff>,
    },
    /// A file came that nothing is known of, and it looks like something else.
    #[error("it is not the expected file: {0}")]
    SomethingElse(ContentSniff),
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Cause {
    /// What kind of failure it is.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Size { .. }
            | Self::TooLong(_)
            | Self::Digest { .. }
            | Self::OfflineDamaged { .. }
            | Self::SomethingElse(_) => ErrorClass::Integrity,
            Self::Store(error) => error.class(),
            Self::Url(_) | Self::Unmirrorable | Self::Client(_) => ErrorClass::Other,
            _ => ErrorClass::Network,
        }
    }

    /// Whether another try may succeed.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            // 408, 425 and 429 ask for it (RFC 9110, 8470, 6585); with 5xx the server takes the fault on itself. GitHub limits
            // how often it is asked by 403 with Retry-After.
            Self::Status { status, retry_after, .. } | Self::ProxyRefused { status, retry_after, .. } => {
                let is_limit = status.as_u16() == 403 && retry_after.is_some();
                is_limit || matches!(status.as_u16(), 408 | 425 | 429 | 500..=599)
            }
            Self::Dns { .. }
            | Self::Refused(_)
            | Self::NoConnection { .. }
            | Self::Stalled { .. }
            | Self::Slow { .. }
            | Self::Connection { .. }
            | Self::Truncated { .. }
            | Self::Range(_)
            | Self::Changed => true,
            _ => false,
        }
    }

    /// Whether the bytes that are there can not become the artifact any more. A wrong size is announced before any
    /// bytes are taken, and harms none.
    pub(super) fn spoils(&self) -> bool {
        matches!(self, Self::Range(_) | Self::Changed | Self::TooLong(_) | Self::Digest { .. })
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Offline | Self::OfflineDamaged { .. } => {
                "run `imgbuild fetch --store DIR` on a machine with a network and copy DIR here, or use a copy of \
                 the files with `--mirror DIR`, or leave `--offline` out"
            }
            Self::NotSupplied => {
                "a bundle contains the files of its own nodes: `imgbuild inspect BUNDLE` lists them"
            }
            Self::NotInMirror => "a mirror contains each file below the host and path of its URL",
            Self::ProxyLogin(_) => "set them in HTTPS_PROXY and HTTP_PROXY: `http://USER:PASSWORD@HOST:PORT`",
            Self::ProxyRefused { .. } => {
                "ask the proxy's administrator to allow this server, or list it in NO_PROXY if it needs no proxy; or use \
                 a copy of the files with `--mirror DIR|URL`"
            }
            Self::Tls { .. } => {
                "install the system's CA certificates, or name a PEM file with the server's CA, or with its own \
                 certificate, in SSL_CERT_FILE; check that the clock is right"
            }
            Self::SomethingElse(ContentSniff::Html)
            | Self::Size { sniff: Some(ContentSniff::Html), .. }
            | Self::Digest { sniff: Some(ContentSniff::Html), .. } => {
                "open this URL in a browser: it may be a login page or a proxy's notice"
            }
            Self::Digest { sniff: Some(ContentSniff::Unmeasured(_)), .. } => {
                "try again; if it persists, compare the pin with upstream's checksum file, and pin its `size` beside its \
                 `sha256`, so that a truncated download is detected"
            }
            Self::Size { .. } | Self::TooLong(_) | Self::Digest { .. } => {
                "wrong bytes are never kept; compare the pin with upstream's checksum file before you change it"
            }
            Self::Store(error) => return error.help(),
            Self::Url(_) | Self::Unmirrorable | Self::Client(_) => return None,
            _ => {
                "give a copy of the files with `--mirror DIR|URL`, or use `--offline` with a store that \
                 `imgbuild fetch --store DIR` filled elsewhere; the next run continues what came so far, where the server can"
            }
        };
        Some(help.to_owned())
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Self::Store(error.into())
    }
}

fn count(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "an unknown number of".to_owned(), |bytes| bytes.to_string())
}

fn wait(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |time| format!(" (Retry-After: {} s)", time.as_secs()))
}

fn because(sniff: Option<&ContentSniff>) -> String {
    sniff.map(|sniff| format!(" ({sniff})")).unwrap_or_default()
}
