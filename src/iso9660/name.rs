//! File names in an image: which are valid, and the short names that plain ISO 9660 needs.

use std::collections::{BTreeMap, BTreeSet};

use super::SeedError;

/// Characters in a Joliet name (Joliet, "Relaxation of ISO 9660 restrictions": 128 bytes of UCS-2). Rock
/// Ridge could hold more, but then a file's name would depend on the reader.
pub(super) const MAX_NAME: usize = 64;

/// Characters in a name and its extension together (ECMA-119 7.5.1).
const MAX_IDENTIFIER: usize = 30;

/// Characters that are left to an extension as one; what is longer is taken as part of the name.
const MAX_EXTENSION: usize = 8;

/// Refuses what is not the same name to every reader: names of POSIX' portable filename character set are the
/// same in Rock Ridge's bytes, in UCS-2 and in any locale.
pub(super) fn check_name(name: &str) -> Result<(), SeedError> {
    let portable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let reason = if name.is_empty() {
        "expected at least one character"
    } else if name.len() > MAX_NAME {
        "expected at most 64 characters, the limit of Joliet"
    } else if !name.chars().all(portable) {
        "expected only the characters `A-Z a-z 0-9 . _ -`"
    } else if name.ends_with('.') {
        "readers of Joliet drop a full stop at the end"
    } else {
        return Ok(());
    };
    Err(SeedError::Name { name: name.to_owned(), reason })
}

/// A name in d-characters (ECMA-119 7.5.1). Its order is the one of ECMA-119 9.3: by name, then by extension,
/// and as no d-character sorts before the space that shorter ones are padded with, plain order does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identifier {
    stem: String,
    extension: String,
}

impl Identifier {
    /// The identifier that looks most like `name`; not every name has one of its own.
    fn closest(name: &str) -> Self {
        let (stem, extension) = match name.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() && extension.len() <= MAX_EXTENSION => {
                (stem, extension)
            }
            _ => (name, ""),
        };
        let d_characters = |text: &str, most: usize| -> String {
            let fold = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
            text.chars().take(most).map(fold).collect()
        };
        Self {
            stem: d_characters(stem, MAX_IDENTIFIER - extension.len()),
            extension: d_characters(extension, MAX_EXTENSION),
        }
    }

    /// The same with a number at the end of its name.
    fn numbered(&self, number: usize) -> Self {
        let digits = number.to_string();
        let most = MAX_IDENTIFIER.saturating_sub(self.extension.len() + digits.len());
        let stem: String = self.stem.chars().take(most).collect();
        Self { stem: stem + &digits, extension: self.extension.clone() }
    }

    /// As a directory record has it, both separators and the version number with it.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        format!("{}.{};1", self.stem, self.extension).into_bytes()
    }
}

/// An identifier for each of `names`, no two the same.
pub(super) fn identifiers<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Identifier> {
    let mut taken = BTreeSet::new();
    let mut numbers = BTreeMap::<Identifier, usize>::new();
    names.map(|name| unused(&Identifier::closest(name), &mut taken, &mut numbers)).collect()
}

/// The identifier `closest`, or the next numbered one that is not among the `taken`; takes it.
fn unused(
    closest: &Identifier,
    taken: &mut BTreeSet<Identifier>,
    numbers: &mut BTreeMap<Identifier, usize>,
) -> Identifier {
    let mut candidate = closest.clone();
    while !taken.insert(candidate.clone()) {
        let number = numbers.entry(closest.clone()).or_default();
        *number += 1;
        candidate = closest.numbered(*number);
    }
    candidate
}

/// The order of a Joliet directory: ECMA-119 9.3 over the UCS-2 characters, which are ASCII here.
pub(super) fn joliet_order(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or((name, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_readers_would_see_differently_are_refused() {
        for name in ["", "a/b", "a b", "ü", "a\0", "..", ".", "a.", "a;1", &"a".repeat(65)] {
            assert!(matches!(check_name(name), Err(SeedError::Name { .. })), "{name:?}");
        }
        for name in ["user-data", "overlay.tar.gz", ".hidden", "A_b.C", "-", &"a".repeat(64)] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn identifiers_are_legal_and_look_like_their_names() {
        let long = "x".repeat(64);
        for (name, identifier) in [
            ("user-data", "USER_DATA.;1"),
            ("overlay.tar.gz", "OVERLAY_TAR.GZ;1"),
            (".hidden", "_HIDDEN.;1"),
            ("a.long-extension", "A_LONG_EXTENSION.;1"),
            (long.as_str(), "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXX.;1"),
        ] {
            assert_eq!(Identifier::closest(name).to_bytes(), identifier.as_bytes());
        }
    }

    #[test]
    fn names_that_look_alike_get_identifiers_of_their_own() {
        let mut names: Vec<_> = (0..2_000).map(|n| format!("{}-{n}.conf", "a".repeat(40))).collect();
        names.extend(["x-y", "x_y", "X_Y", "x_y1", "X.Y", "x.y"].map(str::to_owned));
        let all = identifiers(names.iter().map(String::as_str));
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), names.len());
        let (last, first) = (&all[2_000..], &all[0]);
        let texts: Vec<_> = last.iter().map(|i| String::from_utf8(i.to_bytes()).unwrap()).collect();
        assert_eq!(texts, ["X_Y.;1", "X_Y1.;1", "X_Y2.;1", "X_Y11.;1", "X.Y;1", "X1.Y;1"]);
        assert_eq!(first.to_bytes(), b"AAAAAAAAAAAAAAAAAAAAAAAAAA.CONF;1");
        assert!(all.iter().all(|i| i.stem.len() + i.extension.len() <= MAX_IDENTIFIER));
    }
}
