//! The proxies that the environment names (pure): a value is understood as a whole, or it is an error. Ignoring a part of it
//! without a word would send requests where they must not go.

use std::ffi::OsString;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::HeaderValue;

use super::bypass::Bypass;
use crate::release::host;

/// The proxy for a server, if any.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    bypass: Bypass,
}

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Scheme, host and port; its credentials are in the header alone.
    url: Url,
    /// Proxy-Authorization, if there are credentials.
    authorization: Option<HeaderValue>,
}

/// A variable of the environment whose value cannot be used. The value may hold a password and is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable `{variable}` is not a valid proxy address: {flaw}")]
pub struct ProxyError {
    variable: &'static str,
    flaw: ProxyFlaw,
}

/// What is wrong with a proxy's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyFlaw {
    /// Its bytes are not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// It is `socks5://...` or the like.
    #[error("SOCKS proxies are not supported, expected `http://` or `https://`")]
    Socks,
    /// The scheme is not http or https.
    #[error("expected `http://` or `https://` at its beginning")]
    Scheme,
    /// The host is missing or not valid.
    #[error("expected a host name or an IP address before the port")]
    Host,
    /// The text after the last colon is not a port.
    #[error("expected a port from 1 to 65535 after the last colon")]
    Port,
    /// There is text after the port.
    #[error("expected nothing after the port")]
    Tail,
}

impl ProxyError {
    /// How to go on.
    pub fn help(&self) -> String {
        format!(
            "set {} to `http://HOST:PORT` or `http://USER:PASSWORD@HOST:PORT`, or unset it; its value is not shown, for it \
             may hold a password",
            self.variable
        )
    }
}

impl Proxies {
    /// The proxies that an environment names. `get` gives the value of a variable.
    ///
    /// Upper case goes before lower case, a scheme's own variable before `ALL_PROXY`; an empty value is as good as none.
    pub fn from_environment(get: impl Fn(&str) -> Option<OsString>) -> Result<Self, ProxyError> {
        let proxy =
            |names| named(&get, names).map(|(variable, value)| Proxy::parse(variable, value)).transpose();
        let all = proxy(["ALL_PROXY", "all_proxy"])?;
        let http = proxy(["HTTP_PROXY", "http_proxy"])?;
        let https = proxy(["HTTPS_PROXY", "https_proxy"])?;
        let bypass = match named(&get, ["NO_PROXY", "no_proxy"]) {
            Some((variable, value)) => Bypass::parse(&text(variable, value)?),
            None => Bypass::default(),
        };
        Ok(Self { http: http.or_else(|| all.clone()), https: https.or(all), bypass })
    }

    /// The proxy that a request for `url` goes to.
    pub(super) fn proxy(&self, url: &Url) -> Option<&Proxy> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.bypass.covers(url))
    }

    /// The same as reqwest asks for it: one rule for each scheme, since each has its own credentials.
    pub(super) fn rules(&self) -> Vec<reqwest::Proxy> {
        [("http", &self.http), ("https", &self.https)]
            .into_iter()
            .filter_map(|(scheme, proxy)| {
                let (proxy, bypass) = (proxy.clone()?, self.bypass.clone());
                let authorization = proxy.authorization.clone();
                let rule = reqwest::Proxy::custom(move |url| {
                    (url.scheme() == scheme && !bypass.covers(url)).then(|| proxy.url.clone())
                });
                Some(match authorization {
                    Some(authorization) => rule.custom_http_auth(authorization),
                    None => rule,
                })
            })
            .collect()
    }
}

/// The first of these variables that has a value.
fn named(
    get: impl Fn(&str) -> Option<OsString>,
    names: [&'static str; 2],
) -> Option<(&'static str, OsString)> {
    let value = |name| Some((name, get(name)?));
    names.into_iter().filter_map(value).find(|(_, value)| !value.to_string_lossy().trim().is_empty())
}

fn text(variable: &'static str, value: OsString) -> Result<String, ProxyError> {
    value.into_string().map_err(|_| ProxyError { variable, flaw: ProxyFlaw::NotUtf8 })
}

impl Proxy {
    fn parse(variable: &'static str, value: OsString) -> Result<Self, ProxyError> {
        let text = text(variable, value)?;
        Self::from_text(text.trim()).map_err(|flaw| ProxyError { variable, flaw })
    }

    /// `[http[s]://][USER[:PASSWORD]@]HOST[:PORT][/]`. A password may hold any character, so that the host begins behind the
    /// last `@`.
    fn from_text(text: &str) -> Result<Self, ProxyFlaw> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => "http",
            "https" => "https",
            socks if socks.starts_with("socks") => return Err(ProxyFlaw::Socks),
            _ => return Err(ProxyFlaw::Scheme),
        };
        let (credentials, place) = match rest.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, rest),
        };
        let url = address(scheme, place.strip_suffix('/').unwrap_or(place))?;
        Ok(Self { url, authorization: credentials.map(basic) })
    }

    /// Its host and port.
    pub(super) fn host(&self) -> String {
        host(&self.url)
    }

    /// Where it listens.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// What it is told of who asks.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

/// The credentials are not shown.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.url)
    }
}

/// The URL of `HOST[:PORT]`. The `url` crate takes more than that: it reads `\` as `/` and drops tabs and line breaks.
fn address(scheme: &str, place: &str) -> Result<Url, ProxyFlaw> {
    if place.contains(['/', '?', '#']) {
        return Err(if place.starts_with('/') { ProxyFlaw::Host } else { ProxyFlaw::Tail });
    }
    if place.is_empty()
        || place.contains(|c: char| c.is_whitespace() || c.is_control() || "\\\"'`".contains(c))
    {
        return Err(ProxyFlaw::Host);
    }
    let after_host =
        if place.starts_with('[') { place.rsplit_once(']').map_or("", |(_, rest)| rest) } else { place };
    let port = after_host.rsplit_once(':').map(|(_, port)| port);
    if port.is_some_and(|port| {
        !port.bytes().all(|b| b.is_ascii_digit()) || port.parse::<u16>().unwrap_or(0) == 0
    }) {
        return Err(ProxyFlaw::Port);
    }
    let url = Url::parse(&format!("{scheme}://{place}/")).map_err(|_| ProxyFlaw::Host)?;
    Some(url).filter(|url| url.host_str().is_some_and(|host| !host.is_empty())).ok_or(ProxyFlaw::Host)
}

/// The header of RFC 7617: user and password may each be percent-encoded, as in any URL.
fn basic(credentials: &str) -> HeaderValue {
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let decoded = |text| percent_decode_str(text).collect::<Vec<u8>>();
    let pair = [decoded(user), decoded(password)].join(&b':');
    let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
    let mut header = HeaderValue::try_from(value).expect("base64 has no character that a header cannot have");
    header.set_sensitive(true);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        Proxies::from_environment(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        })
    }

    /// The proxy for a URL, and the credentials that it gets.
    fn way(variables: &[(&str, &str)], url: &str) -> Option<(String, Option<String>)> {
        let proxies = proxies(variables).unwrap();
        let proxy = proxies.proxy(&Url::parse(url).unwrap())?;
        let credentials = proxy.authorization().map(|header| {
            let encoded = header.to_str().unwrap().strip_prefix("Basic ").unwrap();
            String::from_utf8_lossy(&BASE64_STANDARD.decode(encoded).unwrap()).into_owned()
        });
        Some((proxy.url().to_string(), credentials))
    }

    #[test]
    fn every_form_of_an_address_is_understood() {
        for (value, url, credentials) in [
            ("http://p:3128", "http://p:3128/", None),
            ("http://p:3128/", "http://p:3128/", None),
            (" HTTPS://p ", "https://p/", None),
            ("p:3128", "http://p:3128/", None),
            ("p", "http://p/", None),
            ("[::1]:3128", "http://[::1]:3128/", None),
            ("http://[fe80::1]", "http://[fe80::1]/", None),
            ("http://ann@p", "http://p/", Some("ann:")),
            ("ann:pw@p:1", "http://p:1/", Some("ann:pw")),
            ("http://ann:s3cret#pw@p:1", "http://p:1/", Some("ann:s3cret#pw")),
            ("http://ann:a/b?c@d@p:1", "http://p:1/", Some("ann:a/b?c@d")),
            ("http://a%40nn:p%3aw%25@p:1", "http://p:1/", Some("a@nn:p:w%")),
            ("http://ann:100%@p:1", "http://p:1/", Some("ann:100%")),
            ("http://DOM\\ann:pw@p:1", "http://p:1/", Some("DOM\\ann:pw")),
            ("http://ann:p:w@p:1", "http://p:1/", Some("ann:p:w")),
            ("http://ann:\u{fc}@p:1", "http://p:1/", Some("ann:\u{fc}")),
        ] {
            let expected = Some((url.to_owned(), credentials.map(str::to_owned)));
            assert_eq!(way(&[("HTTP_PROXY", value)], "http://h/"), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_address_is_an_error_without_its_value() {
        for (value, flaw) in [
            ("\"http://p:3128\"", ProxyFlaw::Scheme),
            ("'p:3128'", ProxyFlaw::Host),
            ("http//p:3128", ProxyFlaw::Tail),
            ("http:/p:3128", ProxyFlaw::Tail),
            ("http:///p:3128", ProxyFlaw::Host),
            ("http:p", ProxyFlaw::Port),
            ("http://", ProxyFlaw::Host),
            ("http://ann:s3cret@", ProxyFlaw::Host),
            ("http://:3128", ProxyFlaw::Host),
            ("http://p:", ProxyFlaw::Port),
            ("http://p:0", ProxyFlaw::Port),
            ("http://p:65536", ProxyFlaw::Port),
            ("http://p:+80", ProxyFlaw::Port),
            ("http://::1", ProxyFlaw::Host),
            ("http://[::1", ProxyFlaw::Host),
            ("http://p:3128/proxy.pac", ProxyFlaw::Tail),
            ("http://p:3128?x", ProxyFlaw::Tail),
            ("http://a b", ProxyFlaw::Host),
            ("http://p\\s3cret", ProxyFlaw::Host),
            ("ftp://s3cret@p", ProxyFlaw::Scheme),
            ("socks5h://p:1080", ProxyFlaw::Socks),
        ] {
            let error = proxies(&[("HTTPS_PROXY", value)]).unwrap_err();
            assert_eq!(error, ProxyError { variable: "HTTPS_PROXY", flaw }, "{value}");
            let said = format!("{error} {error:?} {}", error.help());
            assert!(said.contains("HTTPS_PROXY") && !said.contains("s3cret"), "{said}");
        }
    }

    #[test]
    fn each_scheme_has_its_variable_and_empty_ones_are_unset() {
        let (http, https, all, lower) = ("http://http", "http://https", "http://all", "http://lower");
        for (variables, for_http, for_https) in [
            (
                &[("HTTP_PROXY", http), ("HTTPS_PROXY", https), ("ALL_PROXY", all)][..],
                Some(http),
                Some(https),
            ),
            (&[("HTTP_PROXY", http)], Some(http), None),
            (&[("https_proxy", lower)], None, Some(lower)),
            (&[("all_proxy", all), ("http_proxy", lower)], Some(lower), Some(all)),
            (&[("HTTP_PROXY", http), ("http_proxy", lower)], Some(http), None),
            (&[("HTTP_PROXY", " "), ("http_proxy", lower), ("ALL_PROXY", "")], Some(lower), None),
            (&[("ALL_PROXY", all), ("NO_PROXY", "*")], None, None),
            (&[("ALL_PROXY", all), ("NO_PROXY", ""), ("no_proxy", "h")], None, None),
            (&[], None, None),
        ] {
            for (url, expected) in [("http://h/", for_http), ("https://h/", for_https)] {
                let expected = expected.map(|url| format!("{url}/"));
                assert_eq!(way(variables, url).map(|(url, _)| url), expected, "{variables:?} {url}");
            }
        }
    }

    #[test]
    fn what_is_not_utf_8_is_an_error() {
        use std::os::unix::ffi::OsStringExt as _;
        let latin = |name: &str| (name == "http_proxy").then(|| OsString::from_vec(b"http://\xfc".to_vec()));
        let error = Proxies::from_environment(latin).unwrap_err();
        assert_eq!(error, ProxyError { variable: "http_proxy", flaw: ProxyFlaw::NotUtf8 });
    }

    #[test]
    fn no_credentials_are_shown() {
        let proxies = proxies(&[("ALL_PROXY", "http://ann:s3cret@p:1"), ("NO_PROXY", "x")]).unwrap();
        let shown = format!("{proxies:?} {:?}", proxies.rules());
        assert!(!shown.contains("s3cret") && !shown.contains("ann"), "{shown}");
    }
}
