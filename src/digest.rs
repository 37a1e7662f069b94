//! SHA-256 digests: the one name by which pins, the store, layers and manifests know bytes.

mod parallel;

use std::fmt::{self, Write as _};
use std::io::{self, Read, Write};
use std::str::FromStr;

use sha2::Digest as _;
use sha2::digest::common::hazmat::SerializableState as _;

use crate::text_form::as_text;

pub use parallel::ParallelWriter;

/// A SHA-256 digest (FIPS 180-4), written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

/// Why a text is not a SHA-256 digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Sha256Error {
    /// It has another length than 64.
    #[error("invalid sha256: expected 64 hex digits, got {0}")]
    Length(usize),
    /// It has something else than hex digits.
    #[error("invalid sha256: expected only hex digits, got `{0}`")]
    Digit(char),
}

impl Sha256 {
    /// Stands for a digest that is not known yet.
    pub const ZEROS: Self = Self([0; 32]);

    /// The digest of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(sha2::Sha256::digest(bytes.as_ref()).into())
    }

    /// The digest of all that `reader` still gives, and how many bytes that was.
    pub fn of_reader(reader: impl Read) -> io::Result<(Self, u64)> {
        let mut hashing = ParallelWriter::new(io::sink());
        io::copy(&mut io::BufReader::with_capacity(COPIED, reader), &mut hashing)?;
        let (_, digest, size) = hashing.finish();
        Ok((digest, size))
    }
}

/// Bytes that are copied at once where many are.
pub const COPIED: usize = 128 << 10;

impl FromStr for Sha256 {
    type Err = Sha256Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(odd) = text.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(Sha256Error::Digit(odd));
        }
        if text.len() != 64 {
            return Err(Sha256Error::Length(text.len()));
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok()).unwrap_or(0);
            *byte = digit(pair[0]) << 4 | digit(pair[1]);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

as_text!(Sha256, "^[0-9a-f]{64}$", "A SHA-256 digest, 64 hex digits.");

/// Passes bytes on and knows the digest and the number of all that went through.
#[derive(Clone, Debug)]
pub struct HashingWriter<W> {
    inner: W,
    hasher: sha2::Sha256,
    size: u64,
}

impl<W: Write> HashingWriter<W> {
    /// Counts and hashes what is written to `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, hasher: sha2::Sha256::new(), size: 0 }
    }

    /// The digest of all that went through so far.
    pub fn digest(&self) -> Sha256 {
        Sha256(self.hasher.clone().finalize().into())
    }

    /// The number of bytes that went through so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The writer below, the digest and the number of the bytes that it took.
    pub fn finish(self) -> (W, Sha256, u64) {
        (self.inner, Sha256(self.hasher.finalize().into()), self.size)
    }
}

impl HashingWriter<io::Sink> {
    /// How far the digest has come, as a text from which it can be continued.
    pub fn to_text(&self) -> String {
        let state: String = self.hasher.serialize().iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("memory takes what is written");
            text
        });
        let text = format!("{state} {}", self.size);
        format!("{text} {}\n", Sha256::of(&text))
    }

    /// Continues from such a text; `None` if it is not valid, or of another version.
    pub fn from_text(text: &str) -> Option<Self> {
        let (text, digest) = text.strip_suffix('\n')?.rsplit_once(' ')?;
        let (state, size) = text.split_once(' ').filter(|_| digest == Sha256::of(text).to_string())?;
        let byte = |at: usize| u8::from_str_radix(state.get(2 * at..2 * at + 2)?, 16).ok();
        let bytes: Vec<u8> = (0..state.len() / 2).map(byte).collect::<Option<_>>()?;
        let hasher = sha2::Sha256::deserialize(bytes.as_slice().try_into().ok()?).ok()?;
        Some(Self { inner: io::sink(), hasher, size: size.parse().ok()? })
    }
}

impl<W: Read> HashingWriter<W> {
    /// Reads what the writer below holds from its position to its end, as if it had been written through here,
    /// so that a file can be continued.
    pub fn catch_up(&mut self) -> io::Result<()> {
        let mut held = HashingWriter { inner: io::sink(), hasher: self.hasher.clone(), size: self.size };
        io::copy(&mut io::BufReader::with_capacity(64 * 1024, &mut self.inner), &mut held)?;
        self.hasher = held.hasher;
        self.size = held.size;
        Ok(())
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..taken]);
        self.size += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_published_one() {
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Sha256::of("").to_string(), text);
        assert_eq!(text.to_uppercase().parse(), Ok(Sha256::of("")));
        assert_eq!(Sha256::of_reader(&b"abc"[..]).unwrap(), (Sha256::of("abc"), 3));
    }

    #[test]
    fn a_file_that_is_continued_has_the_digest_of_the_whole() {
        let mut hashing = HashingWriter::new(io::Cursor::new(b"ab".to_vec()));
        hashing.catch_up().unwrap();
        hashing.write_all(b"c").unwrap();
        assert_eq!((hashing.digest(), hashing.size()), (Sha256::of("abc"), 3));
        assert_eq!(hashing.finish().0.get_ref(), b"abc");
    }

    #[test]
    fn a_digest_goes_on_from_its_text_and_from_no_other() {
        let mut whole = HashingWriter::new(io::sink());
        whole.write_all(&[7; 1000]).unwrap();
        let text = whole.to_text();
        let mut continued = HashingWriter::from_text(&text).unwrap();
        for hashing in [&mut whole, &mut continued] {
            hashing.write_all(b"more").unwrap();
        }
        assert_eq!((whole.digest(), whole.size()), (continued.digest(), continued.size()));
        for at in 0..text.len() {
            let mut flipped = text.clone().into_bytes();
            flipped[at] ^= 1;
            assert!(HashingWriter::from_text(&String::from_utf8(flipped).unwrap()).is_none(), "byte {at}");
        }
        assert!(HashingWriter::from_text("").is_none());
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        assert_eq!("abc".parse::<Sha256>(), Err(Sha256Error::Length(3)));
        assert_eq!("xyz".parse::<Sha256>(), Err(Sha256Error::Digit('x')));
    }
}
