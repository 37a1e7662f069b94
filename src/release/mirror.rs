//! A mirror: a folder or URL that has upstream's files under upstream's names.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use reqwest::Url;

use super::redacted::Redacted;

/// A place with copies: `https://HOST/PATH` is taken from `MIRROR/HOST/PATH`, a port being part of HOST.
///
/// Pins and digests stay what they are, so a mirror need not be trusted. Shown without its credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Mirror(Base);

#[derive(Clone, PartialEq, Eq)]
enum Base {
    Folder(PathBuf),
    Server(Url),
}

/// Why a text names no mirror.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// It is empty.
    #[error("expected a folder or a URL as mirror, got an empty text")]
    Empty,
    /// It is a URL of another kind.
    #[error("expected a folder or an http or https URL as mirror, got `{0}:`")]
    Scheme(String),
    /// It begins as a URL and does not go on as one. The text may hold a password and is not repeated.
    #[error("the mirror's URL is not valid: {0}")]
    Url(String),
    /// An `@` after the host: it may be a part of a password, and the host a user name.
    #[error(
        "a `/`, `?`, `#` or `@` of its user or password is not percent-encoded, or an `@` of its path (`%40`)"
    )]
    Ambiguous,
    /// It has a query or a fragment, which leaves no place for a path.
    #[error("a mirror's URL cannot contain `?` or `#`")]
    Tail,
}

/// Where a mirror has a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MirrorPlace {
    /// On a server.
    Server(Url),
    /// In a folder.
    File(PathBuf),
}

impl Mirror {
    /// Where the mirror has `url`; `None` if no file below a folder can have its name.
    ///
    /// A folder is searched by the names that a web server would look for: percent-decoded, without the query.
    pub(crate) fn locate(&self, url: &Url) -> Option<MirrorPlace> {
        match &self.0 {
            Base::Folder(folder) => {
                let mut path = folder.join(name(&host(url))?);
                for part in url.path().trim_start_matches('/').split('/') {
                    path.push(name(part)?);
                }
                Some(MirrorPlace::File(path))
            }
            Base::Server(base) => {
                let mut place = base.clone();
                place.set_path(&format!("{}/{}{}", base.path().trim_end_matches('/'), host(url), url.path()));
                place.set_query(url.query());
                Some(MirrorPlace::Server(place))
            }
        }
    }
}

impl Mirror {
    /// Whether no server is asked.
    pub fn is_folder(&self) -> bool {
        matches!(self.0, Base::Folder(_))
    }

    /// The address from which a node can fetch `url`; `None` from a folder, or without a user's name
    /// and password.
    pub fn address(&self, url: &str) -> Option<String> {
        match self.locate(&Url::parse(url).ok()?)? {
            MirrorPlace::Server(place) if place.username().is_empty() && place.password().is_none() => {
                Some(place.into())
            }
            _ => None,
        }
    }
}

/// The host of a URL, with its port unless that is the scheme's own.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The file name of a URL segment, if it stays in its folder.
fn name(part: &str) -> Option<String> {
    let name = percent_decode_str(part).decode_utf8().ok()?;
    let odd = name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']);
    (!odd).then(|| name.into_owned())
}

impl FromStr for Mirror {
    type Err = MirrorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return if text.is_empty() {
                Err(MirrorError::Empty)
            } else {
                Ok(Self(Base::Folder(text.into())))
            };
        };
        if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
            return Err(MirrorError::Scheme(scheme.to_owned()));
        }
        let authority_ends = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
        if rest[authority_ends..].contains('@') {
            return Err(MirrorError::Ambiguous);
        }
        let url = Url::parse(text).map_err(|error| MirrorError::Url(error.to_string()))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(MirrorError::Tail);
        }
        Ok(Self(Base::Server(url)))
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Base::Folder(folder) => write!(f, "{}", folder.display()),
            Base::Server(url) => Redacted(url).fmt(f),
        }
    }
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mirror({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(mirror: &str, url: &str) -> Option<String> {
        match mirror.parse::<Mirror>().unwrap().locate(&Url::parse(url).unwrap())? {
            MirrorPlace::Server(url) => Some(url.to_string()),
            MirrorPlace::File(path) => Some(path.to_str().unwrap().to_owned()),
        }
    }

    #[test]
    fn only_what_stands_before_the_host_changes() {
        for (mirror, url, place) in [
            ("m", "https://h/a/b.tgz", "m/h/a/b.tgz"),
            ("/m/", "https://h/a", "/m/h/a"),
            ("/m", "https://h:8443/a", "/m/h:8443/a"),
            ("/m", "https://h/v1%2B2/a%20b?x=1", "/m/h/v1+2/a b"),
            ("http://m", "https://h/a", "http://m/h/a"),
            ("http://m/base/", "https://h/a?x=1", "http://m/base/h/a?x=1"),
            ("HTTPS://ann:pw@m/b", "https://h:8443/v1%2B2", "https://ann:pw@m/b/h:8443/v1%2B2"),
            ("https://m", "https://other:pw@h/a", "https://m/h/a"),
        ] {
            assert_eq!(located(mirror, url).as_deref(), Some(place), "{mirror} {url}");
        }
    }

    #[test]
    fn others_are_told_no_folder_and_no_password() {
        for (mirror, address) in [
            ("http://m/base", Some("http://m/base/h/a%20b")),
            ("m", None),
            ("http://ann@m", None),
            ("http://ann:pw@m", None),
        ] {
            let mirror: Mirror = mirror.parse().unwrap();
            assert_eq!(mirror.address("https://h/a b").as_deref(), address, "{mirror}");
        }
    }

    #[test]
    fn no_url_leaves_the_mirrors_folder() {
        for url in [
            "https://h/..%2f..%2fetc/passwd",
            "https://h/%00",
            "https://h/a//b",
            "https://h/a/",
            "https://h/",
        ] {
            assert_eq!(located("/m", url), None, "{url}");
        }
        for url in
            ["https://h/../../etc/passwd", "https://h/%2e%2e/%2E./etc/passwd", "https://h/.\\..\\etc/passwd"]
        {
            assert_eq!(located("/m", url).as_deref(), Some("/m/h/etc/passwd"), "{url}");
        }
        for url in ["https://../etc/passwd", "https://%2e%2e/etc/passwd"] {
            assert!(Url::parse(url).map_or(true, |_| located("/m", url).is_none()), "{url}");
        }
    }

    #[test]
    fn a_mirror_is_a_folder_or_an_http_url() {
        for (text, why) in [
            ("", MirrorError::Empty),
            ("ftp://m", MirrorError::Scheme("ftp".into())),
            ("http://m/?x", MirrorError::Tail),
            ("http://m/#x", MirrorError::Tail),
            ("http://ann:12/s3cret@m", MirrorError::Ambiguous),
            ("http://ann:12#s3cret@m", MirrorError::Ambiguous),
            ("https://ann:s3cret@m:port/", MirrorError::Url("invalid port number".into())),
        ] {
            assert_eq!(text.parse::<Mirror>(), Err(why), "{text:?}");
        }
    }

    #[test]
    fn the_credentials_of_a_mirror_are_not_shown() {
        let mirror: Mirror = "https://ann:s3cret@m/b".parse().unwrap();
        assert_eq!(format!("{mirror} {mirror:?}"), "https://***@m/b Mirror(https://***@m/b)");
    }
}
