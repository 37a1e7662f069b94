//! The HTTP client: requests, redirects and their errors.
#![expect(
    clippy::disallowed_methods,
    reason = "edge: a date in Retry-After may be compared with this machine's clock"
)]

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use reqwest::Url;
use reqwest::blocking::{Client, ClientBuilder, Response};
use reqwest::header::{ACCEPT_ENCODING, IF_RANGE, LOCATION, RANGE};

use super::endpoint::Endpoint;
use super::pace::TooSlow;
use super::resolver::DnsResolver;
use super::response::{ByteRange, ResponseHead, retry_after};
use super::trust::TlsTrust;
use super::{Cause, NetworkSettings, RedirectRefused, RetryPolicy, handshake, redirect, tunnel};
use crate::release::host;

/// A client with the environment's proxies and certificates.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    network: NetworkSettings,
    trust: TlsTrust,
    retry: RetryPolicy,
}

/// An answer whose bytes can be read.
#[derive(Debug)]
pub(super) struct HttpResponse {
    pub(super) head: ResponseHead,
    pub(super) peer: Endpoint,
    pub(super) body: Response,
}

impl Http {
    pub(super) fn new(network: &NetworkSettings, retry: RetryPolicy) -> Result<Self, Cause> {
        let trust = TlsTrust::new(&network.certificates);
        let builder = network.proxies.rules().into_iter().fold(builder(retry), ClientBuilder::proxy);
        let client = client(builder, &trust).map_err(|error| Cause::Client(root(&error)))?;
        Ok(Self { client, network: network.clone(), trust, retry })
    }

    /// Asks for a file, or for the rest of one.
    pub(super) fn get(&self, url: &Url, rest: Option<&ByteRange>) -> Result<HttpResponse, Cause> {
        let mut at = url.clone();
        for _ in 0..=redirect::HOPS {
            let peer = Endpoint::for_url(&at, &self.network.proxies);
            let body = self.ask(&at, rest).map_err(|error| self.cause(&error, &at, peer.clone()))?;
            if let (301 | 302 | 303 | 307 | 308, Some(to)) =
                (body.status().as_u16(), body.headers().get(LOCATION))
            {
                let to = to.to_str().map_err(|_| RedirectRefused::Nowhere)?;
                at = redirect::follow(&at, to)?;
                continue;
            }
            let head = ResponseHead::judge(&peer, body.status(), body.headers(), rest, SystemTime::now())?;
            return Ok(HttpResponse { head, peer, body });
        }
        Err(RedirectRefused::TooMany(host(&at)).into())
    }

    fn ask(&self, url: &Url, rest: Option<&ByteRange>) -> reqwest::Result<Response> {
        // The digest is of the file as it is, and a range of an encoded response is not a range of the file.
        let mut request = self.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
        if let Some(rest) = rest {
            request =
                request.header(RANGE, format!("bytes={}-", rest.from)).header(IF_RANGE, &rest.validator);
        }
        request.send()
    }

    /// Why there was no answer.
    fn cause(&self, error: &reqwest::Error, url: &Url, peer: Endpoint) -> Cause {
        let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        if error.is_timeout() && error.is_connect() {
            Cause::NoConnection { peer, after: self.retry.connect }
        } else if error.is_timeout() {
            Cause::Stalled { peer, after: self.retry.stall }
        } else if error.is_dns() {
            Cause::Dns { peer, detail: root(error) }
        } else if let Some(tls) = find::<rustls::Error>(error) {
            self.insecure(tls, peer)
        } else if find::<io::Error>(error).is_some_and(refused) {
            Cause::Refused(peer)
        } else if error.is_builder() {
            Cause::Url(root(error))
        } else {
            match root(error).as_str() {
                tunnel::LOGIN => Cause::ProxyLogin(peer),
                tunnel::REFUSED => self.no_tunnel(url, peer),
                other => Cause::Connection { peer, detail: other.to_owned() },
            }
        }
    }

    fn insecure(&self, error: &rustls::Error, peer: Endpoint) -> Cause {
        let unusable =
            self.trust.unusable.iter().filter(|_| matches!(error, rustls::Error::InvalidCertificate(_)));
        let said: Vec<_> =
            std::iter::once(handshake::flaw(error)).chain(unusable.map(ToString::to_string)).collect();
        Cause::Tls { peer, detail: said.join("; ") }
    }

    /// Why the proxy did not connect to the server.
    fn no_tunnel(&self, url: &Url, peer: Endpoint) -> Cause {
        let answer = self
            .network
            .proxies
            .proxy(url)
            .map(|proxy| tunnel::answer(proxy, url, &self.trust.config, self.retry.connect));
        match answer {
            Some(Ok((status, _))) if status.as_u16() == 407 => Cause::ProxyLogin(peer),
            Some(Ok((status, headers))) if !status.is_success() => {
                let retry_after = retry_after(&headers, SystemTime::now());
                Cause::ProxyRefused { peer, status, retry_after }
            }
            _ => Cause::Connection { peer, detail: "the proxy refused to connect to the server".to_owned() },
        }
    }

    /// Why the bytes of an answer ended, after `received` of the `expected` bytes of the file.
    pub(super) fn broken(
        &self,
        error: &io::Error,
        peer: &Endpoint,
        received: u64,
        expected: Option<u64>,
    ) -> Cause {
        if find::<TooSlow>(error).is_some() {
            return Cause::Slow { peer: peer.clone(), pace: self.retry.pace };
        }
        if find::<reqwest::Error>(error).is_some_and(reqwest::Error::is_timeout) {
            return Cause::Stalled { peer: peer.clone(), after: self.retry.stall };
        }
        Cause::Truncated { received, expected, detail: root(error) }
    }
}

/// The client of `builder`, which trusts as `trust` says.
pub(crate) fn client(builder: ClientBuilder, trust: &TlsTrust) -> reqwest::Result<Client> {
    builder.tls_backend_preconfigured(trust.config.clone()).dns_resolver(Arc::new(DnsResolver)).build()
}

fn builder(retry: RetryPolicy) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("imgbuild/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(retry.connect)
        // In a blocking client this is the time for the answer, and then for each read of its body.
        .timeout(retry.stall)
        .redirect(reqwest::redirect::Policy::none())
        // None but those that are added: reqwest would read the environment by rules of its own.
        .no_proxy()
}

/// The error and those that it wraps, the inner ones of [`io::Error`] among them.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
        Some(error)
    })
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// What the innermost error says. The outer ones repeat the URL, with any credentials in it.
fn root(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}
