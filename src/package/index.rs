//! An index of packages: each paragraph of `Packages` that can be installed, with the fields that matter.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::fields::{Fields, FieldsError, Paragraphs};
use super::name::{PoolPath, PoolPathError, is_name};
use super::suite::{Compression, Form};
use super::version::Version;
use crate::digest::{Sha256, Sha256Error};

/// The most packages of an index.
const MAX_PACKAGES: usize = 250_000;
/// The most memory for reading what is compressed, in KiB: xz at its highest level takes 65 MiB.
const MEMORY_KIB: u32 = 96 << 10;

/// The fields that are kept.
const KEPT: [&str; 15] = [
    "Package",
    "Version",
    "Architecture",
    "Source",
    "Installed-Size",
    "Multi-Arch",
    "Depends",
    "Pre-Depends",
    "Provides",
    "Conflicts",
    "Breaks",
    "Filename",
    "Size",
    "SHA256",
    "Phased-Update-Percentage",
];

/// A package in an archive.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its name.
    pub name: Box<str>,
    /// Its version.
    pub version: Version,
    /// Which of the lists it is from.
    pub list: u16,
    fields: Fields,
}

/// The file of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageFile {
    /// Below the archive's address.
    pub path: PoolPath,
    /// In bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
}

/// Why an index cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It is not made of fields.
    #[error("{0}")]
    Fields(FieldsError),
    /// Its compressed form is damaged, or is of another kind.
    #[error("it is damaged: {0}")]
    Damaged(io::Error),
    /// It is longer than its archive says.
    #[error("it has more than the {0} bytes that InRelease says")]
    TooLong(u64),
    /// It has too many packages.
    #[error("it has more than {MAX_PACKAGES} packages")]
    TooMany,
    /// A package without a name, or with an odd one.
    #[error("package {number}: `{}` is not a valid `{field}`", value.escape_debug())]
    Odd {
        /// Counted from 1.
        number: usize,
        /// The field.
        field: &'static str,
        /// What it says.
        value: String,
    },
}

/// Why a package's file cannot be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Nothing strong says what its bytes are.
    #[error("it has no SHA-256")]
    NoDigest,
    /// The digest is not one.
    #[error("{0}")]
    Digest(#[from] Sha256Error),
    /// The path is not one.
    #[error("Filename {0}")]
    Path(#[from] PoolPathError),
    /// No size.
    #[error("`{}` is not a valid `Size`", .0.escape_debug())]
    Size(String),
}

impl Package {
    /// A field, if it has it.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    /// Its architecture, or `all`.
    pub fn arch(&self) -> &str {
        self.field("Architecture").unwrap_or_default()
    }

    /// The source package that it was built from.
    pub fn source(&self) -> &str {
        let source = self.field("Source").and_then(|source| source.split_whitespace().next());
        source.unwrap_or(&self.name)
    }

    /// What it takes on disk, in KiB, as its archive says.
    pub fn room(&self) -> u64 {
        self.field("Installed-Size").and_then(|size| size.parse().ok()).unwrap_or(0)
    }

    /// The part of all machines that are to have it so far, in percent, where its archive says so.
    pub fn phase(&self) -> Option<u8> {
        self.field("Phased-Update-Percentage")
            .and_then(|share| share.parse().ok())
            .filter(|share| *share < 100)
    }

    /// Whether packages for other architectures may use it where they say `any`.
    pub fn is_for_any(&self) -> bool {
        self.field("Multi-Arch") == Some("allowed")
    }

    /// Where its bytes are, and what they are.
    pub fn file(&self) -> Result<PackageFile, FileError> {
        let size = self.field("Size").unwrap_or_default();
        Ok(PackageFile {
            sha256: self.field("SHA256").ok_or(FileError::NoDigest)?.parse()?,
            path: self.field("Filename").unwrap_or_default().parse()?,
            size: size.parse().map_err(|_| FileError::Size(size.to_owned()))?,
        })
    }
}

/// Reads an index in one of its forms, whose digest is known to be right: the packages for `arch` and for all.
pub fn read(bytes: &[u8], form: &Form, arch: &str, list: u16) -> Result<Vec<Package>, IndexError> {
    let plain: Box<dyn Read + '_> = match form.compression {
        Compression::Xz => Box::new(XzReader::new_mem_limit(bytes, true, MEMORY_KIB)),
        Compression::Gzip => Box::new(MultiGzDecoder::new(bytes)),
        Compression::Plain => Box::new(bytes),
    };
    let bounded = Bounded { inner: plain, left: form.room, went_beyond: false };
    let mut reader = BufReader::with_capacity(64 << 10, bounded);
    let read = packages(&mut reader, arch, list);
    if reader.get_ref().went_beyond {
        return Err(IndexError::TooLong(form.room));
    }
    read
}

/// Reads the packages for an architecture, and those for all.
fn packages(input: &mut impl io::BufRead, arch: &str, list: u16) -> Result<Vec<Package>, IndexError> {
    let mut paragraphs = Paragraphs::new(input, &KEPT);
    let mut packages = Vec::new();
    let mut number = 0;
    while let Some(fields) = paragraphs.next().map_err(of_fields)? {
        number += 1;
        if number > MAX_PACKAGES {
            return Err(IndexError::TooMany);
        }
        let value = |field| fields.get(field).unwrap_or_default();
        let odd = |field| IndexError::Odd { number, field, value: value(field).chars().take(80).collect() };
        let name = Some(value("Package")).filter(|name| is_name(name)).ok_or_else(|| odd("Package"))?;
        let version = value("Version").parse().map_err(|_| odd("Version"))?;
        if [arch, "all"].contains(&value("Architecture")) {
            let name = name.into();
            packages.push(Package { name, version, list, fields });
        }
    }
    Ok(packages)
}

fn of_fields(error: FieldsError) -> IndexError {
    match error {
        FieldsError::Io(error) => IndexError::Damaged(error),
        other => IndexError::Fields(other),
    }
}

/// Bytes of which there may be only so many.
struct Bounded<R> {
    inner: R,
    left: u64,
    went_beyond: bool,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                self.went_beyond = true;
                return Err(io::Error::new(io::ErrorKind::InvalidData, "too many bytes"));
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::package::suite::Listed;

    const TEXT: &str = "Package: aa\nVersion: 1.0\nArchitecture: amd64\nSource: src (2)\nInstalled-Size: 7\nDescription: x\n y\n\
                        Filename: pool/a/aa.deb\nSize: 3\nSHA256: 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\n\n\
                        Package: bb\nVersion: 2\nArchitecture: all\n\nPackage: cc\nVersion: 1\nArchitecture: i386\n";

    fn form(compression: Compression, room: u64) -> Form {
        let listed = Listed { sha256: Sha256::of("x"), size: 0 };
        Form { path: String::new(), listed, compression, room }
    }

    fn packed(compression: Compression, text: &str) -> Vec<u8> {
        match compression {
            Compression::Plain => text.into(),
            Compression::Gzip => {
                let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                packer.write_all(text.as_bytes()).unwrap();
                packer.finish().unwrap()
            }
            Compression::Xz => unreachable!("the tests with a real archive read these"),
        }
    }

    #[test]
    fn every_form_holds_the_same_packages() {
        for compression in [Compression::Gzip, Compression::Plain] {
            let bytes = packed(compression, TEXT);
            let found = read(&bytes, &form(compression, TEXT.len() as u64), "amd64", 3).unwrap();
            let names: Vec<_> =
                found.iter().map(|one| (&*one.name, one.version.as_str(), one.arch())).collect();
            assert_eq!(names, [("aa", "1.0", "amd64"), ("bb", "2", "all")]);
            assert_eq!(
                (found[0].source(), found[1].source(), found[0].room(), found[0].list),
                ("src", "bb", 7, 3)
            );
            assert_eq!(found[0].file().unwrap().path.as_str(), "pool/a/aa.deb");
            assert_eq!(found[1].file(), Err(FileError::NoDigest));
            let beyond = read(&bytes, &form(compression, TEXT.len() as u64 - 1), "amd64", 3);
            assert!(matches!(beyond, Err(IndexError::TooLong(_))), "{compression:?}");
        }
    }

    #[test]
    fn what_is_cut_or_damaged_is_refused() {
        let mut bytes = packed(Compression::Gzip, &TEXT.repeat(100));
        let gzip = form(Compression::Gzip, 1 << 20);
        let cut = read(&bytes[..bytes.len() / 2], &gzip, "amd64", 0);
        assert!(matches!(cut, Err(IndexError::Damaged(_) | IndexError::Fields(_))), "{cut:?}");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        assert!(read(&bytes, &gzip, "amd64", 0).is_err());
        assert!(read(b"\xfd7zXZ\0 and no more", &form(Compression::Xz, 100), "amd64", 0).is_err());
        for (text, why) in [
            ("Version: 1\n", "package 1: `` is not a valid `Package`"),
            ("Package: aa\nVersion: x y\n", "package 1: `x y` is not a valid `Version`"),
            ("Package: aa\nPackage: bb\n", "line 2 has the field `Package` a second time"),
        ] {
            let shown =
                read(text.as_bytes(), &form(Compression::Plain, 100), "amd64", 0).unwrap_err().to_string();
            assert_eq!(shown, why);
        }
    }
}
