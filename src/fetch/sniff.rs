//! Guesses what was downloaded in place of an artifact, such as an HTML page.

/// How much of the bytes is looked at.
pub(super) const HEAD: usize = 512;

/// A guess at why other bytes came than the pin says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentSniff {
    /// They are a page for people: an error, a login, a proxy's notice.
    #[error("it is an HTML page")]
    Html,
    /// The server says that it encoded the file, which it was asked not to do.
    #[error("the server sent it encoded as `{0}`")]
    Encoded(String),
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// The server did not say how long it is, so that nothing shows whether all of it came.
    #[error(
        "the server sent no Content-Length, so a truncated transfer cannot be detected: received {0} bytes"
    )]
    Unmeasured(u64),
}

impl ContentSniff {
    /// What the first bytes and the headers Content-Type and Content-Encoding suggest.
    pub(super) fn find(head: &[u8], content_type: &str, content_encoding: &str) -> Option<Self> {
        let text = String::from_utf8_lossy(head)
            .trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
            .to_lowercase();
        let declared = content_type.trim_start().to_lowercase().starts_with("text/html");
        if text.starts_with("<!doctype html")
            || text.starts_with("<html")
            || declared && text.starts_with('<')
        {
            return Some(Self::Html);
        }
        let encoding = content_encoding.trim();
        let plain = encoding.is_empty() || encoding.eq_ignore_ascii_case("identity");
        (!plain).then(|| Self::Encoded(encoding.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_encodings_are_told_from_files() {
        for (head, content_type, encoding, sniff) in [
            (&b"\x1f\x8b\x08"[..], "application/gzip", "", None),
            (b"\x1f\x8b\x08", "text/html", "identity", None),
            (b"\xef\xbb\xbf\r\n<!DOCTYPE HTML><p>", "", "", Some(ContentSniff::Html)),
            (b"<html lang=en>", "application/gzip", "gzip", Some(ContentSniff::Html)),
            (b"<!-- portal --><body>", "Text/HTML; charset=utf-8", "", Some(ContentSniff::Html)),
            (b"<?xml version='1.0'?>", "application/xml", "", None),
            (b"\x1f\x8b\x08", "application/gzip", "gzip", Some(ContentSniff::Encoded("gzip".into()))),
        ] {
            assert_eq!(ContentSniff::find(head, content_type, encoding), sniff, "{head:?} {content_type}");
        }
    }
}
