//! The part of a file that a request asks for (RFC 9110 section 14).

use std::ops::Range;

/// How much of a file is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RequestedRange {
    /// All of it.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// Bytes beyond its end.
    Nothing,
}

/// What the header `Range` asks for of a file of `size` bytes. Anything but a single range of bytes may be ignored.
pub(super) fn wanted(header: Option<&str>, size: u64) -> RequestedRange {
    let range = header.and_then(|text| text.strip_prefix("bytes=")).and_then(|text| text.split_once('-'));
    let Some((first, last)) = range else { return RequestedRange::Whole };
    let number = |text: &str| {
        text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let range = match (first, last) {
        ("", "") => return RequestedRange::Whole,
        ("", last) => number(last).map(|count| size.saturating_sub(count)..size),
        (first, "") => number(first).map(|first| first..size),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(first..last.saturating_add(1).min(size)),
            _ => None,
        },
    };
    match range {
        None => RequestedRange::Whole,
        Some(range) if range.start >= range.end => RequestedRange::Nothing,
        Some(range) => RequestedRange::Part(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_understood_and_all_else_is_ignored() {
        for (header, expected) in [
            ("bytes=0-", RequestedRange::Part(0..10)),
            ("bytes=3-", RequestedRange::Part(3..10)),
            ("bytes=3-4", RequestedRange::Part(3..5)),
            ("bytes=9-99999999999999999999999", RequestedRange::Part(9..10)),
            ("bytes=-4", RequestedRange::Part(6..10)),
            ("bytes=-40", RequestedRange::Part(0..10)),
            ("bytes=10-", RequestedRange::Nothing),
            ("bytes=99999999999999999999999-", RequestedRange::Nothing),
            ("bytes=-0", RequestedRange::Nothing),
            ("bytes=4-3", RequestedRange::Whole),
            ("bytes=-", RequestedRange::Whole),
            ("bytes=1-2,4-5", RequestedRange::Whole),
            ("bytes=a-b", RequestedRange::Whole),
            ("bytes=+1-2", RequestedRange::Whole),
            ("lines=1-2", RequestedRange::Whole),
        ] {
            assert_eq!(wanted(Some(header), 10), expected, "{header}");
        }
        assert_eq!(wanted(None, 10), RequestedRange::Whole);
        assert_eq!(wanted(Some("bytes=0-"), 0), RequestedRange::Nothing);
    }
}
