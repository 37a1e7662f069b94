//! Gets artifacts from where they are published, a mirror or a bundle: resumed, verified, several at once.
#![expect(clippy::disallowed_methods, reason = "edge: artifacts come over the network and from files")]

mod archive;
mod archive_error;
mod artifact;
mod artifact_source;
mod bundle_source;
mod bypass;
mod cause;
mod download;
mod endpoint;
mod error;
mod event;
mod fetcher;
mod handshake;
mod http;
mod network;
mod pace;
mod partial;
mod proxy;
mod redirect;
mod resolver;
mod response;
mod retry;
mod sniff;
mod trust;
mod tunnel;
mod upstream;

pub use archive::{ArchiveSource, SignedSuite, Times};
pub use archive_error::ArchiveError;
pub use artifact::{ArtifactRequest, Fetched, Outcome};
pub use bundle_source::{BundleSource, Supplied};
pub use cause::Cause;
pub use endpoint::Endpoint;
pub use error::{FailedArtifact, FetchError};
pub use event::{FetchEvent, FetchStep};
pub use fetcher::FetchOptions;
pub(crate) use http::client as http_client;
pub use network::NetworkSettings;
pub use pace::Pace;
pub use proxy::{Proxies, ProxyError, ProxyFlaw};
pub use redirect::RedirectRefused;
pub use retry::RetryPolicy;
pub use sniff::ContentSniff;
pub(crate) use trust::TlsTrust;
pub use trust::{CertificatePaths, UnusableCertificates};
pub use upstream::{Provenance, Upstream};
