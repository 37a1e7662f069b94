//! What an archive's `InRelease` says of a suite: its date, and the digests of its indices.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::{Fields, FieldsError, Paragraphs};
use crate::date::Moment;
use crate::digest::Sha256;

/// The largest index, in bytes, compressed and not.
const MAX_COMPRESSED: u64 = 64 << 20;
/// The largest index that is not compressed: several times the largest that anybody publishes.
pub const MAX_INDEX: u64 = 512 << 20;

/// A suite, as its archive signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suite {
    /// Its name by age, such as `stable`.
    pub suite: Option<String>,
    /// Its own name, such as `trixie`.
    pub codename: Option<String>,
    /// When it was made.
    pub date: Moment,
    /// Until when it is to be used.
    pub valid_until: Option<Moment>,
    /// Whether files are kept under their digests too, so that a change in between does no harm.
    pub by_hash: bool,
    /// The package indices, by their path.
    pub indices: BTreeMap<String, Listed>,
}

/// A file that a suite lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its digest.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// How an index is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// `.xz`
    Xz,
    /// `.gz`
    Gzip,
    /// Not at all.
    Plain,
}

/// An index in one of its forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Its path below the suite.
    pub path: String,
    /// What it is.
    pub listed: Listed,
    /// How it is compressed.
    pub compression: Compression,
    /// The most bytes that it may have when it is not compressed.
    pub room: u64,
}

/// Why a signed text says nothing of a suite.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// It has no fields.
    #[error("{0}")]
    Fields(#[from] FieldsError),
    /// More than one paragraph, or none.
    #[error("expected one paragraph of fields")]
    Paragraphs,
    /// A field is missing.
    #[error("the field `{0}` is missing")]
    Missing(&'static str),
    /// A field cannot be read.
    #[error("`{}` is not a valid `{field}`", value.escape_debug())]
    Odd {
        /// The field.
        field: &'static str,
        /// What it says.
        value: String,
    },
}

/// Why a suite has no index for a component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoIndex {
    /// Its archive has others.
    #[error("no `{component}` for {arch}, has {}", listed(.has))]
    Missing {
        /// The component.
        component: String,
        /// The architecture.
        arch: String,
        /// The components that it has for this architecture.
        has: Vec<String>,
    },
    /// In no form that is read.
    #[error("`{0}` only in forms that are not read, expected `.xz`, `.gz` or none")]
    Unread(String),
    /// It is too large.
    #[error("`{0}` is larger than the {MAX_COMPRESSED} bytes that are read")]
    TooLarge(String),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { format!("`{}`", names.join("`, `")) }
}

impl Suite {
    /// Reads the text of an `InRelease`, without its signature.
    pub fn read(text: &str) -> Result<Self, SuiteError> {
        let mut paragraphs = Paragraphs::new(text.as_bytes(), &[]);
        let fields = paragraphs.next()?.ok_or(SuiteError::Paragraphs)?;
        if paragraphs.next()?.is_some() {
            return Err(SuiteError::Paragraphs);
        }
        let own = |name| fields.get(name).map(str::to_owned);
        let date = moment(&fields, "Date")?.ok_or(SuiteError::Missing("Date"))?;
        let by_hash = fields.get("Acquire-By-Hash").is_some_and(|value| value.eq_ignore_ascii_case("yes"));
        Ok(Self {
            suite: own("Suite"),
            codename: own("Codename"),
            date,
            valid_until: moment(&fields, "Valid-Until")?,
            by_hash,
            indices: indices(fields.get("SHA256").ok_or(SuiteError::Missing("SHA256"))?)?,
        })
    }

    /// Whether it is the suite that was asked for. Ubuntu's `noble-updates` has the codename `noble`, and is not `noble`.
    pub fn is(&self, asked: &str) -> bool {
        let is_pocket = |suite: &String| suite.strip_prefix(asked).is_some_and(|rest| rest.starts_with('-'));
        self.suite.as_deref() == Some(asked)
            || (self.codename.as_deref() == Some(asked) && !self.suite.as_ref().is_some_and(is_pocket))
    }

    /// The forms in which it has the packages of a component, the smallest first.
    pub fn forms(&self, component: &str, arch: &str) -> Result<Vec<Form>, NoIndex> {
        let plain = format!("{component}/binary-{arch}/Packages");
        let is_it = |path: &String| path.strip_prefix(&plain).is_some_and(|end| !end.contains('/'));
        if !self.indices.keys().any(is_it) {
            let (component, arch) = (component.to_owned(), arch.to_owned());
            return Err(NoIndex::Missing { has: self.components(&arch), component, arch });
        }
        let room = self.indices.get(&plain).map_or(MAX_INDEX, |listed| listed.size.min(MAX_INDEX));
        let forms: Vec<_> = [("xz", Compression::Xz), ("gz", Compression::Gzip), ("", Compression::Plain)]
            .into_iter()
            .filter_map(|(ending, compression)| {
                let path = if ending.is_empty() { plain.clone() } else { format!("{plain}.{ending}") };
                let listed = *self.indices.get(&path)?;
                Some(Form { path, listed, compression, room })
            })
            .collect();
        let fit: Vec<_> = forms.iter().filter(|form| form.listed.size <= MAX_COMPRESSED).cloned().collect();
        match (forms.is_empty(), fit.is_empty()) {
            (true, _) => Err(NoIndex::Unread(plain)),
            (false, true) => Err(NoIndex::TooLarge(plain)),
            (false, false) => Ok(fit),
        }
    }

    fn components(&self, arch: &str) -> Vec<String> {
        let end = format!("/binary-{arch}");
        let folders = self.indices.keys().filter_map(|path| path.rsplit_once('/')?.0.strip_suffix(&end));
        folders.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// The package indices among the lines of a list of digests.
fn indices(lines: &str) -> Result<BTreeMap<String, Listed>, SuiteError> {
    let mut indices = BTreeMap::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let odd = || SuiteError::Odd { field: "SHA256", value: line.trim().to_owned() };
        let [sha256, size, path] = line.split_whitespace().collect::<Vec<_>>()[..] else { return Err(odd()) };
        if !path.rsplit('/').next().is_some_and(|name| name.starts_with("Packages")) {
            continue;
        }
        let listed =
            Listed { sha256: sha256.parse().map_err(|_| odd())?, size: size.parse().map_err(|_| odd())? };
        let is_plain = path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
        if !is_plain || indices.insert(path.to_owned(), listed).is_some_and(|earlier| earlier != listed) {
            return Err(odd());
        }
    }
    Ok(indices)
}

fn moment(fields: &Fields, field: &'static str) -> Result<Option<Moment>, SuiteError> {
    let Some(value) = fields.get(field) else { return Ok(None) };
    date(value).map(Some).ok_or_else(|| SuiteError::Odd { field, value: value.to_owned() })
}

/// A date as mail has it (RFC 5322, section 3.3), in UTC: `Sat, 15 Nov 2025 10:20:30 UTC`.
fn date(text: &str) -> Option<Moment> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let [_, day, month, year, time, zone] = text.split_whitespace().collect::<Vec<_>>()[..] else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let is_utc = matches!(zone, "UTC" | "GMT" | "Z" | "+0000");
    format!("{year}-{month:02}-{day:0>2}T{time}Z").parse().ok().filter(|_| is_utc && year.len() == 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(extra: &str) -> String {
        let hex = Sha256::of("x");
        format!(
            "Suite: stable\nCodename: trixie\nDate: Sat, 15 Nov 2025 10:20:30 UTC\n{extra}SHA256:\n {hex} 12 \
             main/binary-amd64/Packages\n {hex} 3 main/binary-amd64/Packages.xz\n {hex} 1 main/Contents-all.gz\n"
        )
    }

    #[test]
    fn a_suite_says_what_it_is_and_what_it_has() {
        let suite =
            Suite::read(&text("Valid-Until: Sat, 5 Dec 2026 00:00:00 UTC\nAcquire-By-Hash: yes\n")).unwrap();
        assert_eq!(suite.date.to_string(), "2025-11-15T10:20:30Z");
        assert_eq!(suite.valid_until.unwrap().to_string(), "2026-12-05T00:00:00Z");
        assert!(suite.by_hash && suite.is("trixie") && suite.is("stable") && !suite.is("noble"));
        let forms = suite.forms("main", "amd64").unwrap();
        assert_eq!(
            forms.iter().map(|form| form.compression).collect::<Vec<_>>(),
            [Compression::Xz, Compression::Plain]
        );
        assert_eq!((forms[0].listed.size, forms[0].room), (3, 12));
        assert_eq!(
            suite.forms("universe", "amd64").unwrap_err().to_string(),
            "no `universe` for amd64, has `main`"
        );
        assert_eq!(suite.forms("main", "arm64").unwrap_err().to_string(), "no `main` for arm64, has nothing");
    }

    #[test]
    fn a_pocket_is_not_its_series() {
        let read = |suite: &str, codename: &str| {
            let text = text("").replace("stable", suite).replace("trixie", codename);
            Suite::read(&text).unwrap()
        };
        assert!(read("noble-updates", "noble").is("noble-updates"));
        assert!(!read("noble-updates", "noble").is("noble"));
        assert!(read("stable-security", "trixie-security").is("trixie-security"));
        assert!(read("noble", "noble").is("noble"));
    }

    #[test]
    fn what_says_nothing_of_a_suite_is_refused() {
        for (text, why) in [
            (String::new(), "expected one paragraph of fields"),
            ([text(""), "\nDate: x\n".to_owned()].concat(), "expected one paragraph of fields"),
            (text("").replace("Date:", "When:"), "the field `Date` is missing"),
            (text("").replace("SHA256", "MD5Sum"), "the field `SHA256` is missing"),
            (text("").replace("UTC", "CET"), "is not a valid `Date`"),
            (text("").replace(" 12 ", " x "), "is not a valid `SHA256`"),
            (
                text("").replace(" 12 main/binary-amd64/Packages\n", " 12 ../Packages\n"),
                "is not a valid `SHA256`",
            ),
            (text("Suite: noble\n"), "a second time"),
        ] {
            let shown = Suite::read(&text).unwrap_err().to_string();
            assert!(shown.contains(why), "{shown}");
        }
    }
}
