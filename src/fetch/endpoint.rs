//! The endpoint of a connection: the server, or a proxy in front of it.

use std::fmt;

use reqwest::Url;

use super::Proxies;
use super::proxy::Proxy;
use crate::release::host;

/// A server, and the proxy between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The server's host, and its port if it is not the scheme's own.
    pub host: String,
    /// The proxy that the environment names for it.
    pub proxy: Option<String>,
}

impl Endpoint {
    /// Who answers for `url` (credentials of neither are kept).
    pub(super) fn for_url(url: &Url, proxies: &Proxies) -> Self {
        Self { host: host(url), proxy: proxies.proxy(url).map(Proxy::host) }
    }

    /// Whom the connection is made to.
    pub(super) fn nearest(&self) -> &str {
        self.proxy.as_deref().unwrap_or(&self.host)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.proxy {
            None => write!(f, "`{}`", self.host),
            Some(proxy) => write!(f, "`{}` through the proxy `{proxy}`", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_is_named_without_its_password() {
        let proxies = Proxies::from_environment(|name| match name {
            "HTTPS_PROXY" => Some("http://ann:s3cret@proxy:3128".into()),
            "NO_PROXY" => Some("inside".into()),
            _ => None,
        });
        let proxies = proxies.unwrap();
        let peer = |url| Endpoint::for_url(&Url::parse(url).unwrap(), &proxies);
        assert_eq!(
            peer("https://ann:s3cret@h:8443/a").to_string(),
            "`h:8443` through the proxy `proxy:3128`"
        );
        assert_eq!(peer("https://h/a").nearest(), "proxy:3128");
        assert_eq!(peer("https://inside/a").to_string(), "`inside`");
        assert_eq!(peer("http://h/a").nearest(), "h");
    }
}
