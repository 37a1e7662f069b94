//! Writes a bundle: it gets its final name only when it is complete.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::member::{END, header, padding};
use super::output::{Output, clear};
use super::split::Splitter;
use super::{BundleError, Index, Part, Signed, SigningKey, signature_of};
use crate::date::Moment;
use crate::digest::{HashingWriter, Sha256};
use crate::files::{folder_of, remove, sync_folder};

/// A bundle that is to be written.
pub struct NewBundle<'a> {
    /// What will be in it.
    pub index: &'a Index,
    /// Its file; the names of a split one begin with it.
    pub path: &'a Path,
    /// The most bytes that a file may have, if it is to be split.
    pub split: Option<u64>,
    /// What it is signed with, if it is.
    pub key: Option<&'a SigningKey>,
    /// When it is signed.
    pub time: Moment,
}

/// A bundle that was written.
#[derive(Debug, PartialEq, Eq)]
pub struct WrittenBundle {
    /// Its file, or the list of its pieces: what a signature is made of.
    pub path: PathBuf,
    /// The bytes of the bundle.
    pub size: u64,
}

impl NewBundle<'_> {
    /// Writes it; `open` gives the bytes of each part, which must be those of the index.
    pub fn write<R: Read>(
        &self,
        mut open: impl FnMut(&Part) -> io::Result<R>,
    ) -> Result<WrittenBundle, BundleError> {
        let preamble = self.index.preamble()?;
        let before = preamble.len() as u64;
        let (_, size) = self.index.layout(before).ok_or_else(|| BundleError::IndexInvalid {
            path: self.path.to_owned(),
            why: "the total size of its parts exceeds 64 bits".to_owned(),
        })?;
        clear(self.path)?;
        let path = if let Some(piece) = self.split {
            let mut out = Splitter::new(self.path, piece, size)?;
            self.pour(&preamble, &mut out, &mut open)?;
            self.publish(out.publish()?)?
        } else {
            let mut out = Output::new(self.path)?;
            self.pour(&preamble, &mut out, &mut open)?;
            self.publish(out)?
        };
        Ok(WrittenBundle { path, size })
    }

    /// Signs what was written and gives it its name; the signature of what had the name before goes first.
    fn publish(&self, mut output: Output) -> Result<PathBuf, BundleError> {
        let place = signature_of(output.place());
        let signature = self.key.map(|key| self.sign(key, &mut output, &place)).transpose()?;
        remove(&place)?;
        sync_folder(folder_of(&place))?;
        let bundle = output.publish()?;
        if let Some(signature) = signature {
            signature.publish()?;
        }
        Ok(bundle)
    }

    /// The signature of what was written, which has no name yet.
    fn sign(&self, key: &SigningKey, output: &mut Output, place: &Path) -> Result<Output, BundleError> {
        let name = output.place().file_name().map(|name| name.to_string_lossy().into_owned());
        let (sha256, _) = Sha256::of_reader(output.read()?)?;
        let comment = format!("imgbuild bundle of {}", self.index.cluster);
        let signed = Signed { comment, name, time: Some(self.time), sha256: Some(sha256) };
        let text = key.sign(output.read()?, &signed.to_comment())?;
        let mut signature = Output::new(place)?;
        signature.write_all(text.as_bytes())?;
        signature.settle()?;
        Ok(signature)
    }

    fn pour<R: Read>(
        &self,
        preamble: &[u8],
        out: &mut impl Write,
        open: &mut impl FnMut(&Part) -> io::Result<R>,
    ) -> Result<(), BundleError> {
        out.write_all(preamble)?;
        for part in &self.index.parts {
            out.write_all(&header(&part.path, part.size)?)?;
            let mut hashing = HashingWriter::new(&mut *out);
            // One byte more than there may be, so that a part that grew does not pass as whole. It is read to its
            // end: readers that verify do so there.
            let copied = io::copy(&mut open(part)?.take(part.size.saturating_add(1)), &mut hashing)?;
            let got = hashing.digest();
            if copied != part.size || got != part.sha256 {
                return Err(BundleError::Damaged { part: part.path.clone(), expected: part.sha256, got });
            }
            io::copy(&mut io::repeat(0).take(padding(part.size)), out)?;
        }
        Ok(out.write_all(&END)?)
    }
}
