//! The store's way to servers: requests, redirects, and what went wrong with them.

use std::error::Error;
use std::io;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use reqwest::blocking::{Client, ClientBuilder, Response};
use reqwest::header::{ACCEPT_ENCODING, IF_RANGE, LOCATION, RANGE};

use super::head::{Head, Rest};
use super::mirror::host;
use super::peer::Peer;
use super::{Cause, Patience, RedirectRefused, redirect};

/// A client with the system's proxies and certificates.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    proxies: Matcher,
    patience: Patience,
}

/// An answer whose bytes can be read.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: Head,
    pub(super) peer: Peer,
    pub(super) body: Response,
}

impl Http {
    pub(super) fn new(patience: Patience) -> Result<Self, Cause> {
        let client = client(|| builder(patience)).map_err(|error| Cause::Client(root(&error)))?;
        Ok(Self { client, proxies: Matcher::from_system(), patience })
    }

    /// Asks for a file, or for the rest of one.
    pub(super) fn get(&self, url: &Url, rest: Option<&Rest>) -> Result<Answer, Cause> {
        let mut at = url.clone();
        for _ in 0..=redirect::HOPS {
            let peer = Peer::of(&at, &self.proxies);
            let body = self.ask(&at, rest).map_err(|error| self.cause(&error, peer.clone()))?;
            if let (301 | 302 | 303 | 307 | 308, Some(to)) =
                (body.status().as_u16(), body.headers().get(LOCATION))
            {
                let to = to.to_str().map_err(|_| RedirectRefused::Nowhere)?;
                at = redirect::follow(&at, to)?;
                continue;
            }
            let head = Head::judge(&peer, body.status(), body.headers(), rest)?;
            return Ok(Answer { head, peer, body });
        }
        Err(RedirectRefused::TooMany(host(&at)).into())
    }

    fn ask(&self, url: &Url, rest: Option<&Rest>) -> reqwest::Result<Response> {
        // The digest is of the file as it is, and a range of an encoded one is no range of it.
        let mut request = self.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
        if let Some(rest) = rest {
            request =
                request.header(RANGE, format!("bytes={}-", rest.from)).header(IF_RANGE, &rest.validator);
        }
        request.send()
    }

    /// Why there was no answer.
    fn cause(&self, error: &reqwest::Error, peer: Peer) -> Cause {
        let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        if error.is_timeout() && error.is_connect() {
            Cause::NoConnection { peer, after: self.patience.connect }
        } else if error.is_timeout() {
            Cause::Stalled { peer, after: self.patience.stall }
        } else if error.is_dns() {
            Cause::Dns { peer, detail: root(error) }
        } else if let Some(tls) = find::<rustls::Error>(error) {
            Cause::Tls { peer, detail: tls.to_string() }
        } else if find::<io::Error>(error).is_some_and(refused) {
            Cause::Refused(peer)
        } else if error.is_builder() {
            Cause::Url(root(error))
        } else if root(error).contains(PROXY_LOGIN) {
            Cause::ProxyLogin(peer)
        } else {
            Cause::Connection { peer, detail: root(error) }
        }
    }

    /// Why the bytes of an answer ended, after `received` of the `expected` bytes of the file.
    pub(super) fn broken(
        &self,
        error: &io::Error,
        peer: &Peer,
        received: u64,
        expected: Option<u64>,
    ) -> Cause {
        if find::<reqwest::Error>(error).is_some_and(reqwest::Error::is_timeout) {
            return Cause::Stalled { peer: peer.clone(), after: self.patience.stall };
        }
        Cause::Truncated { received, expected, detail: root(error) }
    }
}

/// A client as `builder` has it, with a provider of TLS.
pub(crate) fn client(builder: impl Fn() -> ClientBuilder) -> reqwest::Result<Client> {
    // Fails only where the process has chosen a provider already, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A system without any CA certificate can still use plain http; https then fails at its certificate.
    builder().build().or_else(|_| builder().tls_certs_only([]).build())
}

/// What hyper-util's `TunnelError`, which it does not export, says of a proxy's status 407.
const PROXY_LOGIN: &str = "proxy authorization required";

fn builder(patience: Patience) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("imgbuild/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(patience.connect)
        // In a blocking client this is the time for the answer, and then for each read of its body.
        .timeout(patience.stall)
        .redirect(reqwest::redirect::Policy::none())
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
