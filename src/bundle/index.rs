//! The index of a bundle: its parts, and so their offsets.

use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::BundleError;
use super::member::{END, declared_size, header, padding};
use super::part::{PROFILE, Part, RELEASES};
use crate::diagnostic::from_json;
use crate::digest::Sha256;
use crate::release::Arch;

/// The version of the format that is written and read.
const FORMAT: u64 = 1;
/// The index's own path.
const FILE: &str = "index.json";
/// The path of its digest.
const DIGEST_FILE: &str = "index.json.sha256";
/// The longest index that is read, in bytes: some sixty thousand parts.
const MAX_SIZE: u64 = 16 << 20;

/// What is in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// The version of the bundle's format.
    pub format: u64,
    /// The version of the imgbuild that wrote it.
    pub imgbuild: String,
    /// The cluster's name.
    pub cluster: String,
    /// The nodes that can be built from it.
    pub nodes: Vec<String>,
    /// The architecture of all nodes, where it was said against the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<Arch>,
    /// The parts, sorted by path.
    pub parts: Vec<Part>,
}

/// The one field that every format has.
#[derive(Deserialize)]
struct Versioned {
    format: u64,
}

impl Index {
    /// The index of a bundle with these parts, in any order.
    pub fn new(cluster: String, nodes: Vec<String>, arch: Option<Arch>, mut parts: Vec<Part>) -> Self {
        parts.sort_by(|one, other| one.path.cmp(&other.path));
        Self { format: FORMAT, imgbuild: env!("CARGO_PKG_VERSION").to_owned(), cluster, nodes, arch, parts }
    }

    /// The part with this path.
    pub fn part(&self, path: &str) -> Option<&Part> {
        self.parts.get(self.position(path)?)
    }

    /// The place of a part among the parts.
    pub(super) fn position(&self, path: &str) -> Option<usize> {
        self.parts.binary_search_by(|part| part.path.as_str().cmp(path)).ok()
    }

    /// Everything before the first part: the members of the index and of its digest.
    pub(super) fn preamble(&self) -> std::io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        preamble(&text)
    }

    /// Where the bytes of each part begin, and how many the whole bundle has, behind a preamble of `before` bytes;
    /// `None` if no number can say it.
    pub(super) fn layout(&self, before: u64) -> Option<(Vec<u64>, u64)> {
        let mut at = before;
        let mut offsets = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let offset = at.checked_add(header(&part.path, part.size).ok()?.len() as u64)?;
            offsets.push(offset);
            at = offset.checked_add(part.size)?.checked_add(padding(part.size))?;
        }
        Some((offsets, at.checked_add(END.len() as u64)?))
    }

    /// Reads the index from the beginning of the bundle at `path`, and returns the number of bytes before the first part.
    pub fn read(source: &mut impl Read, path: &Path) -> Result<(Self, u64), BundleError> {
        let not_a_bundle = || BundleError::NotABundle { path: path.to_owned() };
        let mut first = [0; 512];
        fill(source, &mut first)?.then_some(()).ok_or_else(not_a_bundle)?;
        let size = declared_size(&first, FILE).ok_or_else(not_a_bundle)?;
        if size > MAX_SIZE {
            return Err(BundleError::IndexTooLong { path: path.to_owned(), size, limit: MAX_SIZE });
        }
        let mut text = Vec::new();
        source.by_ref().take(size).read_to_end(&mut text)?;
        let expected = preamble(&text)?;
        let mut rest = Vec::new();
        let before = first.len() + text.len();
        source.take((expected.len() - before.min(expected.len())) as u64).read_to_end(&mut rest)?;
        if text.len() as u64 != size || rest != expected[before..] {
            return Err(BundleError::IndexDamaged { path: path.to_owned() });
        }
        let index = Self::parse(&text, path)?;
        if let Err(why) = index.validate(expected.len() as u64) {
            return Err(BundleError::IndexInvalid { path: path.to_owned(), why });
        }
        Ok((index, expected.len() as u64))
    }

    fn parse(text: &[u8], path: &Path) -> Result<Self, BundleError> {
        let invalid = |why| BundleError::IndexInvalid { path: path.to_owned(), why };
        let Versioned { format } = from_json(text).map_err(invalid)?;
        if format != FORMAT {
            return Err(BundleError::Format { path: path.to_owned(), got: format, known: FORMAT });
        }
        from_json(text).map_err(invalid)
    }

    /// Whether the index is one that a bundle can have; why not, if so.
    fn validate(&self, before: u64) -> Result<(), String> {
        let mut texts = self.nodes.iter().chain([&self.cluster, &self.imgbuild]);
        if texts.any(|text| text.chars().any(char::is_control)) {
            return Err("it contains a name with a control character".to_owned());
        }
        if let Some((part, flaw)) = self.parts.iter().find_map(|part| Some((part, part.flaw()?))) {
            return Err(format!("the part `{}` {flaw}", part.path.escape_debug()));
        }
        if let Some(pair) = self.parts.windows(2).find(|pair| pair[0].path >= pair[1].path) {
            return Err(format!("the part `{}` is listed twice or out of order", pair[1].path));
        }
        if let Some(path) = [PROFILE, RELEASES].into_iter().find(|path| self.part(path).is_none()) {
            return Err(format!("the part `{path}` is missing"));
        }
        self.layout(before)
            .map(|_| ())
            .ok_or_else(|| "the total size of its parts exceeds 64 bits".to_owned())
    }
}

/// The members of an index with this text and of its digest.
fn preamble(text: &[u8]) -> std::io::Result<Vec<u8>> {
    let digest = format!("{}  {FILE}\n", Sha256::of(text));
    let mut bytes = Vec::new();
    for (path, content) in [(FILE, text), (DIGEST_FILE, digest.as_bytes())] {
        let size = content.len() as u64;
        bytes.extend(header(path, size)?);
        bytes.extend_from_slice(content);
        bytes.extend(std::iter::repeat_n(
            0,
            usize::try_from(padding(size)).expect("a member is filled up to 512 bytes"),
        ));
    }
    Ok(bytes)
}

/// Fills the buffer; false if the bytes end before.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    match source.read_exact(buffer) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        result => result.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(path: &str, size: u64) -> Part {
        Part { path: path.to_owned(), name: "x".to_owned(), version: None, size, sha256: Sha256::of("") }
    }

    fn index(parts: Vec<Part>) -> Index {
        let mut all = vec![part(PROFILE, 0), part(RELEASES, 0)];
        all.extend(parts);
        Index::new("c".to_owned(), vec!["n".to_owned()], None, all)
    }

    fn read(bytes: &[u8]) -> Result<(Index, u64), BundleError> {
        Index::read(&mut &bytes[..], Path::new("b"))
    }

    #[test]
    fn an_index_comes_back_as_it_was() {
        let index = index(vec![part("overlays/a/b", 3)]);
        let bytes = index.preamble().unwrap();
        assert_eq!(read(&bytes).unwrap(), (index, bytes.len() as u64));
    }

    #[test]
    fn a_hostile_index_is_refused() {
        let twice = index(vec![part("overlays/a/b", 1), part("overlays/a/b", 1)]);
        let endless = index(vec![part("overlays/a/b", u64::MAX), part("overlays/a/c", u64::MAX)]);
        let mut escaping = index(vec![]);
        escaping.cluster = "\u{1b}[2J".to_owned();
        let mut newer = index(vec![]);
        newer.format = 2;
        let mut bare = index(vec![]);
        bare.parts.clear();
        for (index, why) in [
            (twice, "is listed twice or out of order"),
            (endless, "exceeds 64 bits"),
            (index(vec![part("overlays/../../etc/passwd", 1)]), "`..` part"),
            (index(vec![part("/etc/passwd", 1)]), "absolute"),
            (escaping, "control character"),
            (newer, "has format 2"),
            (bare, "the part `profile.yaml` is missing"),
        ] {
            let bytes = preamble(&serde_json::to_vec(&index).unwrap()).unwrap();
            let error = read(&bytes).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_huge_declared_index_is_refused_before_it_is_read() {
        let bytes = header(FILE, 1 << 40).unwrap();
        let error = Index::read(&mut bytes.chain(std::io::repeat(b'[')), Path::new("b")).unwrap_err();
        assert!(matches!(error, BundleError::IndexTooLong { .. }), "{error}");
    }

    #[test]
    fn no_text_makes_reading_panic() {
        proptest::proptest!(|(text in "[\\[\\]{}\":,a-z0-9]{0,200}")| {
            let _ = read(&preamble(text.as_bytes()).unwrap());
        });
        proptest::proptest!(|(bytes: Vec<u8>)| {
            let _ = read(&bytes);
        });
    }
}
