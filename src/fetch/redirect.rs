//! Decides whether a redirect is followed.

use crate::release::host;
use reqwest::Url;

/// Redirects in a row that are followed.
pub(super) const HOPS: usize = 10;

/// Why a redirect was not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectRefused {
    /// It leads from https to http, where anyone on the way may read along and answer.
    #[error("from https to plain http at `{0}`")]
    Downgrade(String),
    /// Too many in a row.
    #[error("more than {HOPS} in a row, the last to `{0}`")]
    TooMany(String),
    /// It leads to a URL that is neither http nor https.
    #[error("to a URL that is neither http nor https")]
    Nowhere,
}

/// The URL that a redirect from `at` to `location` (RFC 9110, section 10.2.2) asks for.
///
/// Credentials go along only while scheme, host and port stay the same.
pub(super) fn follow(at: &Url, location: &str) -> Result<Url, RedirectRefused> {
    let mut next = at.join(location).map_err(|_| RedirectRefused::Nowhere)?;
    match (at.scheme(), next.scheme()) {
        ("https", "http") => return Err(RedirectRefused::Downgrade(host(&next))),
        (_, "http" | "https") => {}
        _ => return Err(RedirectRefused::Nowhere),
    }
    let (user, password) =
        if next.origin() == at.origin() { (at.username(), at.password()) } else { ("", None) };
    next.set_username(user)
        .and_then(|()| next.set_password(password))
        .map_err(|()| RedirectRefused::Nowhere)?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_with_their_host() {
        for (at, location, next) in [
            ("https://ann:pw@h/a/b", "c", "https://ann:pw@h/a/c"),
            ("https://ann:pw@h/a", "https://h/c", "https://ann:pw@h/c"),
            ("https://ann:pw@h/a", "https://h:8443/c", "https://h:8443/c"),
            ("http://ann:pw@h/a", "https://h/c", "https://h/c"),
            ("https://ann:pw@h/a", "//other/c", "https://other/c"),
            ("https://h/a", "https://eve:pw@other/c?x=1", "https://other/c?x=1"),
        ] {
            assert_eq!(follow(&Url::parse(at).unwrap(), location).unwrap().as_str(), next);
        }
    }

    #[test]
    fn what_is_not_secure_or_no_place_is_refused() {
        for (at, location, why) in [
            ("https://h/a", "http://h/a", RedirectRefused::Downgrade("h".into())),
            ("https://h/a", "http://h:8080/a", RedirectRefused::Downgrade("h:8080".into())),
            ("http://h/a", "file:///etc/passwd", RedirectRefused::Nowhere),
            ("http://h/a", "http://", RedirectRefused::Nowhere),
        ] {
            assert_eq!(follow(&Url::parse(at).unwrap(), location), Err(why));
        }
    }
}
