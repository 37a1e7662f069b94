//! Reads a release of any kind, member by member, within limits: its type is determined by content, not by name. Nothing is
//! written but to what the caller gives.

mod content;
mod gzip;
mod peek;
#[cfg(test)]
mod tests;
mod zip;
mod zstd;

use std::io::{Read, Seek, Write};

use bzip2::bufread::MultiBzDecoder;
use lzma_rust2::XzReader;

use super::name::MemberName;
use super::tarball::{
    self, ArchiveLimits, MemberBody, MemberHeader, MemberKind, Meter, Metered, MeteredSource, TarballError,
};
use content::{Compression, ContentType, HEAD};
use gzip::GzipMembers;
pub(super) use gzip::GzipMembers as Gzip;
pub(super) use peek::Peeked;
use zstd::ZstdFrames;

/// The memory that a decompressor may take, in bytes: twice what `xz -9` asks for, and as much as `zstd` grants itself.
const MEMORY: u32 = 128 << 20;

/// Reads a release to its very end and gives each member to `each`, in the release's order. A release that is one file has
/// one member, without a name, of [`Kind::Alone`].
///
/// A zip archive's directory is at its end: it is copied to `scratch`, which is empty or holds the same, and read there.
pub(super) fn read<E: From<TarballError>>(
    reader: impl Read,
    limits: &ArchiveLimits,
    scratch: &mut (impl Read + Write + Seek),
    each: impl FnMut(MemberHeader, &mut MemberBody<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let meter = Meter::new(limits.bytes);
    let explain = |error| E::from(meter.explain(error));
    let mut packed = Peeked::new(MeteredSource::new(reader, &meter));
    let compression = match ContentType::detect(packed.ahead(HEAD).map_err(explain)?) {
        ContentType::Empty => return Err(TarballError::Empty.into()),
        ContentType::Tar => return tarball::read_stream(packed, limits, &meter, each),
        ContentType::Zip => return zip::read(packed, (limits, &meter), scratch, each),
        ContentType::Program => return alone(packed, &meter, 0o755, each),
        ContentType::Compressed(compression) => compression,
        ContentType::Refused(what) => return Err(TarballError::Unsupported(what).into()),
        ContentType::Unknown => {
            return Err(TarballError::Unsupported("neither an archive nor a program").into());
        }
    };
    let mut stream = Peeked::new(decoder(compression, packed));
    match ContentType::detect(stream.ahead(HEAD).map_err(explain)?) {
        ContentType::Empty | ContentType::Tar => tarball::read_stream(stream, limits, &meter, each),
        ContentType::Program => alone(stream, &meter, 0o755, each),
        ContentType::Unknown => alone(stream, &meter, 0o644, each),
        ContentType::Refused(what) => Err(TarballError::Unsupported(what).into()),
        ContentType::Zip | ContentType::Compressed(_) => {
            Err(TarballError::Unsupported("compressed twice").into())
        }
    }
}

fn decoder<'a>(compression: Compression, packed: Peeked<impl Read + 'a>) -> Box<dyn Read + 'a> {
    match compression {
        Compression::Gzip => Box::new(GzipMembers::new(packed)),
        Compression::Xz => Box::new(XzReader::new_mem_limit(packed, true, MEMORY / 1024)),
        Compression::Zstd => Box::new(ZstdFrames::new(packed, MEMORY.into())),
        Compression::Bzip2 => Box::new(MultiBzDecoder::new(packed)),
    }
}

/// Gives the one file that the release is.
fn alone<E: From<TarballError>>(
    stream: impl Read,
    meter: &Meter,
    mode: u32,
    mut each: impl FnMut(MemberHeader, &mut MemberBody<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut metered = Metered::new(stream, meter);
    let head = MemberHeader { name: MemberName::parse(b""), kind: MemberKind::Alone, mode, owner: (0, 0) };
    let mut body = MemberBody::to_the_end(&mut metered, meter);
    each(head, &mut body)?;
    body.read(|_| Ok(()))
}
