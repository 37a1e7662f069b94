//! The trusted comment of a bundle's signature, and the check that the open bundle is the signed one.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use fs_err as fs;

use super::{Bundle, BundleError, Parts, SignatureError, VerifyingKey, signature_of};
use crate::date::Moment;
use crate::digest::Sha256;
use crate::files::{if_exists, read_bounded};

/// The longest signature file that is read, in bytes.
const MAX_SIGNATURE: u64 = 64 << 10;

/// What was signed with a bundle: minisign's trusted comment, and what imgbuild puts into it. A bundle that is presented
/// under another name, or again when there is a newer one, is known by these.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Signed {
    /// What it is said to be.
    pub comment: String,
    /// The name that the file had.
    pub name: Option<String>,
    /// When it was signed.
    pub time: Option<Moment>,
    /// The digest of the file.
    pub sha256: Option<Sha256>,
}

impl Signed {
    /// The trusted comment, in the form that minisign's own comments have.
    pub(super) fn to_comment(&self) -> String {
        let time = self.time.map(|time| format!("timestamp:{}", time.0));
        let name = self.name.as_ref().map(|name| format!("file:{}", name.escape_debug()));
        let sha256 = self.sha256.map(|sha256| format!("sha256:{sha256}"));
        let fields = [time, name, sha256, Some(self.comment.clone())];
        fields.into_iter().flatten().collect::<Vec<_>>().join("\t")
    }

    /// Reads a trusted comment; that of another program may have less in it.
    pub fn read(comment: &str) -> Self {
        let (mut signed, mut rest) = (Self::default(), Vec::new());
        for field in comment.split('\t') {
            match field.split_once(':') {
                Some(("timestamp", time)) => signed.time = time.parse().ok().map(Moment),
                Some(("file", name)) => signed.name = Some(name.to_owned()),
                Some(("sha256", digest)) => signed.sha256 = digest.parse().ok(),
                _ => rest.push(field),
            }
        }
        signed.comment = rest.join(", ");
        signed
    }
}

/// Passes bytes on and keeps the first of them.
struct KeepHead<R> {
    inner: R,
    kept: Vec<u8>,
    limit: usize,
}

impl<R: Read> KeepHead<R> {
    fn new(inner: R, limit: usize) -> Self {
        Self { inner, kept: Vec::new(), limit }
    }
}

impl<R: Read> Read for KeepHead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let wanted = read.min(self.limit - self.kept.len());
        self.kept.extend_from_slice(&buffer[..wanted]);
        Ok(read)
    }
}

impl<R: Seek> Seek for KeepHead<R> {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::Error::other("what is signed is read once, from its beginning"))
    }
}

impl Bundle {
    /// Checks that this very bundle, whose index is in memory, was signed with the key. Everything that is used of it follows from
    /// that index, whatever becomes of the file.
    pub fn signed(&self, key: &VerifyingKey) -> Result<Signed, BundleError> {
        let list = Parts::list_of(self.path());
        let file = list.as_deref().unwrap_or(self.path());
        let broken = |error: SignatureError| BundleError::Signature {
            path: signature_of(file),
            why: error.to_string(),
        };
        let text = signature_text(&signature_of(file))?;
        let preamble = self.index().preamble()?;
        let mut bytes = KeepHead::new(fs::File::open(file)?, preamble.len());
        if list.is_some() {
            bytes.limit = usize::MAX;
        }
        let comment = key.check(&text, &mut bytes).map_err(broken)?;
        let head = match &list {
            None => bytes.kept,
            Some(list) => pieces(&Parts::parse(list, &bytes.kept)?, list, preamble.len())?,
        };
        if head != preamble {
            return Err(broken(SignatureError::Broken("the bundle changed while it was read".to_owned())));
        }
        Ok(Signed::read(&comment))
    }
}

fn signature_text(path: &Path) -> Result<String, BundleError> {
    let unfit = |why: &str| BundleError::Signature { path: path.to_owned(), why: why.to_owned() };
    let file = if_exists(fs::File::open(path))?.ok_or_else(|| unfit("it is missing"))?;
    let bytes = read_bounded(file, MAX_SIGNATURE)?.ok_or_else(|| unfit("it is too long"))?;
    String::from_utf8(bytes).map_err(|_| unfit("it is not text"))
}

/// The first bytes of the pieces, each of which is the one that the list names.
fn pieces(parts: &Parts, list: &Path, limit: usize) -> Result<Vec<u8>, BundleError> {
    let mut head = Vec::new();
    for (path, piece) in parts.files(list) {
        let mut bytes = KeepHead::new(fs::File::open(&path)?, limit - head.len());
        let (got, _) = Sha256::of_reader(&mut bytes)?;
        if got != piece.sha256 {
            let part = path.display().to_string();
            return Err(BundleError::Damaged { part, expected: piece.sha256, got });
        }
        head.extend(bytes.kept);
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_comes_back_and_others_comments_too() {
        let signed = Signed {
            comment: "imgbuild bundle of small".to_owned(),
            name: Some("b".to_owned()),
            time: Some(Moment(1_764_306_000)),
            sha256: Some(Sha256::of("b")),
        };
        let comment = signed.to_comment();
        assert!(comment.starts_with("timestamp:1764306000\tfile:b\tsha256:"), "{comment}");
        assert_eq!(Signed::read(&comment), signed);
        let other = Signed::read("timestamp:12\tfile:a\thashed");
        assert_eq!((other.comment.as_str(), other.time, other.sha256), ("hashed", Some(Moment(12)), None));
        assert_eq!(Signed::read("by hand"), Signed { comment: "by hand".to_owned(), ..Signed::default() });
    }
}
