//! URLs without user and password, so that they can be shown.

use std::fmt;

use reqwest::Url;

/// Shows a URL with `***` in place of its credentials.
pub(crate) struct Redacted<'a>(pub(crate) &'a Url);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(url) = self;
        if url.username().is_empty() && url.password().is_none() {
            return write!(f, "{url}");
        }
        let mut shown = (*url).clone();
        // Only URLs that can not have credentials refuse these, and this one has some.
        let _ = shown.set_username("***");
        let _ = shown.set_password(None);
        write!(f, "{shown}")
    }
}

/// Shows a text that should be a URL, without credentials even if it is not valid.
pub(crate) fn shown(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) => Redacted(&url).to_string(),
        Err(_) => text.rsplit('@').next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown() {
        for (url, shown) in [
            ("https://host/a?b=c", "https://host/a?b=c"),
            ("https://ann:s3cret@host:8443/a", "https://***@host:8443/a"),
            ("https://s3cret@host/a", "https://***@host/a"),
            ("https://:s3cret@host/a", "https://***@host/a"),
        ] {
            assert_eq!(Redacted(&Url::parse(url).unwrap()).to_string(), shown);
        }
        assert_eq!(shown("https://ann:s3cret@host:port/"), "host:port/");
    }
}
