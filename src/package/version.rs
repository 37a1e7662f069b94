//! Versions of Debian packages and their order (Debian policy 5.6.12, deb-version(7)).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::text_form::as_text;

/// A package's version. Two that are spelled differently can be equal: `1.0` and `1.00`.
#[derive(Clone)]
pub struct Version(Box<str>);

/// Why a text is not a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a valid Debian version", .0.escape_debug())]
pub struct VersionError(String);

impl Version {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parts(&self) -> (u32, &str, &str) {
        split(&self.0).expect("it was read as a version")
    }
}

/// Epoch, upstream's version and revision.
fn split(text: &str) -> Option<(u32, &str, &str)> {
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) => {
            let is_number = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit());
            (epoch.parse().ok().filter(|_| is_number)?, rest)
        }
        None => (0, text),
    };
    let (upstream, revision) = rest.rsplit_once('-').map_or((rest, None), |(a, b)| (a, Some(b)));
    let is_word = |text: &str, also: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
    };
    let fits = is_word(upstream, ".+-~:") && revision.is_none_or(|text| is_word(text, ".+~"));
    fits.then_some((epoch, upstream, revision.unwrap_or_default()))
}

/// Compares upstream's versions, or revisions: words and numbers in turn, `~` before the end, letters before the rest.
fn compare(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let (word_a, rest_a) = a.split_at(a.find(is_digit).unwrap_or(a.len()));
        let (word_b, rest_b) = b.split_at(b.find(is_digit).unwrap_or(b.len()));
        let (number_a, rest_a) = rest_a.split_at(rest_a.find(is_no_digit).unwrap_or(rest_a.len()));
        let (number_b, rest_b) = rest_b.split_at(rest_b.find(is_no_digit).unwrap_or(rest_b.len()));
        let order = words(word_a, word_b).then_with(|| numbers(number_a, number_b));
        if order.is_ne() || (rest_a.is_empty() && rest_b.is_empty()) {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn is_no_digit(c: char) -> bool {
    !c.is_ascii_digit()
}

fn words(a: &str, b: &str) -> Ordering {
    let weight = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    (0..=a.len().max(b.len()))
        .map(|at| weight(a.as_bytes().get(at)).cmp(&weight(b.as_bytes().get(at))))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Numbers of any length.
fn numbers(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0 == other.0 {
            return Ordering::Equal;
        }
        let ((epoch, upstream, revision), (epoch_b, upstream_b, revision_b)) = (self.parts(), other.parts());
        epoch
            .cmp(&epoch_b)
            .then_with(|| compare(upstream, upstream_b))
            .then_with(|| compare(revision, revision_b))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        split(text).map(|_| Self(text.into())).ok_or_else(|| VersionError(text.to_owned()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}

as_text!(Version, "^[0-9A-Za-z.+~:-]+$", "A version of a Debian package.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_policy() {
        // Each is earlier than the next.
        for line in [
            &["~~", "~~a", "~", "0", "a"][..],
            &["1.0~rc1", "1.0", "1.0-0.1", "1.0-1~bpo12+1", "1.0-1", "1.0-1+b1", "1.0-1+b10", "1.0.1", "1:0"],
            &["2.8.5-1ubuntu3", "2.8.5-1ubuntu3.4", "2.8.5-1ubuntu10"],
            &["1.0", "1.a", "1.+"],
            &["99999999999999999998", "99999999999999999999", "100000000000000000000"],
        ] {
            for pair in line.windows(2) {
                let [a, b] = [pair[0], pair[1]].map(|text| text.parse::<Version>().unwrap());
                assert_eq!((a.cmp(&b), b.cmp(&a)), (Ordering::Less, Ordering::Greater), "{a} {b}");
            }
        }
        for (a, b) in [("1.0", "1.00"), ("0:1", "1"), ("1-0", "1"), ("01", "1")] {
            assert_eq!(a.parse::<Version>(), b.parse(), "{a} {b}");
        }
    }

    #[test]
    fn what_no_package_can_have_is_refused() {
        for text in ["", " ", "1 2", "x:1", ":1", "1:", "-1", "1-", "1_2", "1é", "99999999999:1", "+1:2"] {
            assert!(text.parse::<Version>().is_err(), "{text:?}");
        }
    }
}
