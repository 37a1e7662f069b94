//! The digests of a seed's files, which its image records for verification.

use std::collections::BTreeMap;
use std::fmt;

use crate::digest::Sha256;
use crate::iso9660::ExpectedFile;

/// Digests by file name; as text in the form of sha256sum(1), one a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeedDigests(pub BTreeMap<String, Sha256>);

impl SeedDigests {
    /// Those of the files that an image is made of.
    pub(super) fn of<'a>(files: impl IntoIterator<Item = &'a ExpectedFile<'a>>) -> Self {
        Self(files.into_iter().map(|file| (file.name.to_owned(), file.digest)).collect())
    }

    /// Reads them from what an image says; `None` if it says something else.
    pub fn read(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        let line = |line: &str| {
            let (digest, name) = line.split_once("  ")?;
            Some((name.to_owned(), digest.parse().ok()?))
        };
        let digests = Self(text.lines().map(line).collect::<Option<_>>()?);
        (digests.to_string() == text).then_some(digests)
    }
}

impl fmt::Display for SeedDigests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, digest)| writeln!(f, "{digest}  {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_back_as_they_went_in_or_not_at_all() {
        let digests = ["b", "a"].map(|name| (name.to_owned(), Sha256::of(name)));
        let digests = SeedDigests(BTreeMap::from(digests));
        let text = digests.to_string();
        assert_eq!(SeedDigests::read(text.as_bytes()), Some(digests));
        assert_eq!(SeedDigests::read(b""), Some(SeedDigests::default()));
        let lines: Vec<_> = text.lines().rev().collect();
        for text in [text.trim_end(), &text.to_uppercase(), &(lines.join("\n") + "\n"), "short  a\n"] {
            assert_eq!(SeedDigests::read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(SeedDigests::read(b"\xff"), None);
    }
}
