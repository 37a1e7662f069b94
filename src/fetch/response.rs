//! Checks the head of a server's response: whether its body is the requested range (pure).

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName,
    LAST_MODIFIED, RETRY_AFTER,
};

use super::endpoint::Endpoint;
use super::{Cause, ContentSniff};

/// The part of a file that is asked for: all from a place on, if the file is still the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ByteRange {
    /// The number of bytes that are there already.
    pub(super) from: u64,
    /// The validator of the version that they are of.
    pub(super) validator: String,
}

/// A response with bytes of the artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ResponseHead {
    /// Where in the file its bytes begin.
    pub(super) from: u64,
    /// The size of the whole file, if the server says it.
    pub(super) total: Option<u64>,
    /// By which the server will know this version again, if it gives anything reliable.
    pub(super) validator: Option<String>,
    /// Content-Type.
    pub(super) content_type: String,
    /// Content-Encoding.
    pub(super) content_encoding: String,
}

impl ResponseHead {
    /// Judges the answer of `peer` to a request for a whole file, or for the rest of one, which came at `now`.
    pub(super) fn judge(
        peer: &Endpoint,
        status: StatusCode,
        headers: &HeaderMap,
        asked: Option<&ByteRange>,
        now: SystemTime,
    ) -> Result<Self, Cause> {
        let text = |name| text(headers, &name);
        let head = Self {
            from: 0,
            total: text(CONTENT_LENGTH).parse().ok(),
            validator: validator(text(ETAG), text(LAST_MODIFIED)),
            content_type: text(CONTENT_TYPE).to_owned(),
            content_encoding: text(CONTENT_ENCODING).to_owned(),
        };
        match (status, asked) {
            (StatusCode::OK, _) => Ok(head),
            (StatusCode::PARTIAL_CONTENT, Some(rest)) => head.continuing(rest, text(CONTENT_RANGE)),
            (StatusCode::PARTIAL_CONTENT, None) | (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => {
                Err(Cause::Range(text(CONTENT_RANGE).to_owned()))
            }
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, _) => Err(Cause::ProxyLogin(peer.clone())),
            _ => {
                let retry_after = retry_after(headers, now);
                Err(Cause::Status { peer: peer.clone(), status, retry_after })
            }
        }
    }

    /// What a file with these headers, which begins with the bytes `start`, may be instead of the artifact.
    pub(super) fn sniff(&self, start: &[u8]) -> Option<ContentSniff> {
        ContentSniff::find(start, &self.content_type, &self.content_encoding)
    }

    /// The answer as the continuation that was asked for, if it is that.
    fn continuing(self, rest: &ByteRange, content_range: &str) -> Result<Self, Cause> {
        match content_range_of(content_range) {
            Some((from, total)) if from == rest.from => {
                let other = self.validator.as_ref().is_some_and(|now| is_tag(now) && *now != rest.validator);
                if other && is_tag(&rest.validator) {
                    return Err(Cause::Changed);
                }
                Ok(Self { from, total, ..self })
            }
            _ => Err(Cause::Range(content_range.to_owned())),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// How long the server asks to wait (RFC 9110, section 10.2.3): a number of seconds, or a date by the server's own clock
/// where it tells the time, by this machine's where it does not.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let asked = text(headers, &RETRY_AFTER).trim();
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let now = httpdate::parse_http_date(text(headers, &DATE)).unwrap_or(now);
    Some(until.duration_since(now).unwrap_or_default())
}

/// What If-Range may carry (RFC 9110, section 13.1.5): a strong entity tag, or else the date.
///
/// The date alone may miss a change within one second. The digest does not.
fn validator(etag: &str, last_modified: &str) -> Option<String> {
    let validator = if is_tag(etag) { etag } else { last_modified };
    (!validator.is_empty()).then(|| validator.to_owned())
}

fn is_tag(validator: &str) -> bool {
    validator.starts_with('"')
}

/// The first byte and the total of `bytes 10-99/100`, the total of which may be `*`.
fn content_range_of(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    Some((from.trim().parse().ok()?, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(
        status: u16,
        headers: &[(HeaderName, &str)],
        asked: Option<&ByteRange>,
    ) -> Result<ResponseHead, String> {
        let peer = Endpoint { host: "h".into(), proxy: None };
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        ResponseHead::judge(
            &peer,
            StatusCode::from_u16(status).unwrap(),
            &headers,
            asked,
            SystemTime::UNIX_EPOCH,
        )
        .map_err(|cause| cause.to_string())
    }

    #[test]
    fn a_validator_is_a_strong_tag_or_a_date() {
        let date = "Wed, 21 Oct 2026 07:28:00 GMT";
        for (etag, last_modified, expected) in [
            ("\"a\"", date, Some("\"a\"")),
            ("W/\"a\"", date, Some(date)),
            ("", date, Some(date)),
            ("W/\"a\"", "", None),
        ] {
            assert_eq!(validator(etag, last_modified).as_deref(), expected);
        }
    }

    #[test]
    fn how_long_to_wait_is_a_number_or_a_date() {
        let (date, later) = ("Thu, 01 Jan 1970 00:00:20 GMT", "Thu, 01 Jan 1970 00:01:00 GMT");
        for (asked, told, expected) in [
            ("7", "", Some(7)),
            (" 7 ", date, Some(7)),
            (later, date, Some(40)),
            (later, "", Some(50)),
            (later, "yesterday", Some(50)),
            ("Thursday, 01-Jan-70 00:01:00 GMT", date, Some(40)),
            (date, later, Some(0)),
            ("-1", "", None),
            ("soon", date, None),
            ("", date, None),
        ] {
            let headers = [(RETRY_AFTER, asked), (DATE, told)];
            let headers = headers.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect();
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{asked} at {told}");
        }
    }

    #[test]
    fn a_part_is_taken_only_where_it_continues_the_same_file() {
        let rest = ByteRange { from: 10, validator: "\"a\"".into() };
        for (range, etag, expected) in [
            ("bytes 10-99/100", "\"a\"", Ok(Some(100))),
            ("bytes 10-99/*", "", Ok(None)),
            ("bytes 10-99/100", "\"b\"", Err("the file changed on the server during the download")),
            ("bytes 11-99/100", "\"a\"", Err("requested (Content-Range: `bytes 11-99/100`)")),
            ("bytes 10-99", "\"a\"", Err("requested (Content-Range: `bytes 10-99`)")),
            ("bytes 10-99/18446744073709551616", "", Err("Content-Range")),
            ("", "", Err("requested (Content-Range: ``)")),
        ] {
            let got = judge(206, &[(CONTENT_RANGE, range), (ETAG, etag)], Some(&rest));
            match (got, expected) {
                (Ok(head), Ok(total)) => assert_eq!((head.from, head.total), (10, total), "{range}"),
                (Err(got), Err(expected)) => assert!(got.contains(expected), "{got}"),
                (got, expected) => panic!("{range}: {got:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn other_answers_bring_nothing() {
        let rest = ByteRange { from: 10, validator: "\"a\"".into() };
        for (status, asked, expected) in [
            (206, None, "a different range than requested"),
            (416, Some(&rest), "Content-Range: `bytes */9`"),
            (416, None, "status 416 Range Not Satisfiable"),
            (407, None, "requires a user and a password"),
            (302, None, "status 302 Found"),
            (404, Some(&rest), "`h` answered with status 404 Not Found"),
        ] {
            let got = judge(status, &[(CONTENT_RANGE, "bytes */9")], asked).unwrap_err();
            assert!(got.contains(expected), "{got}");
        }
    }
}
