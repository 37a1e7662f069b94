//! Upstream's releases of every kind, and overlays.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use imgbuild::layer::{ArchiveLayout, ArchiveLimits, ArchiveSelection, Content, EntryKind, extract, list};

/// What one archive may hold here: small, so that a try is quick and the limits are met.
const LIMITS: ArchiveLimits = ArchiveLimits { members: 100, bytes: 1 << 20, names: 1 << 12 };

/// The size of a tar block.
const BLOCK: usize = 512;

/// An archive: the bytes as they are, as the tar in one, and as that with every header's checksum made right, without
/// which no change of a header would get any further.
pub fn archive(data: &[u8]) -> bool {
    read(data) | read(&gzipped(data)) | read(&gzipped(&mended(data)))
}

fn read(archive: &[u8]) -> bool {
    let mut is_taken = false;
    let selection = |from: &str, to: &str| ArchiveSelection {
        from: from.to_owned(),
        to: to.parse().expect("it is a path"),
        mode: None,
    };
    let selections = [selection("bin", "/usr/bin/a"), selection("share/", "/usr/share/a")];
    for top in ["", "top"] {
        let mut spool = Cursor::new(Vec::new());
        let layout = ArchiveLayout { top, selections: &selections };
        let Ok(members) = extract(archive, &layout, &LIMITS, &mut spool) else { continue };
        is_taken = true;
        assert!(spool.get_ref().len() as u64 <= LIMITS.bytes, "more was kept than may be");
        for member in members {
            assert!(member.path.as_str().starts_with("/usr/"), "{} is elsewhere", member.path);
            if let EntryKind::File(Content::Spooled { offset, size, .. }) = member.entry.kind {
                assert!(offset + size <= spool.get_ref().len() as u64, "{} ends nowhere", member.path);
            }
        }
    }
    if let Ok(index) = list(archive, &LIMITS) {
        assert!(index.entries.len() as u64 <= LIMITS.members);
        assert!(index.entries.is_sorted_by(|a, b| a.path < b.path));
        is_taken = true;
    }
    is_taken
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(bytes).expect("memory takes it");
    gzip.finish().expect("memory takes it")
}

/// A tar whose headers, as far as one leads to the next, have the checksums that belong to them.
fn mended(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    // The end of an archive, where there is none: what is before it is read.
    bytes.resize(bytes.len().next_multiple_of(BLOCK) + 2 * BLOCK, 0);
    let mut next = Some(0);
    while let Some(at) = next {
        let Some(block) = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..BLOCK)) else { break };
        if block.iter().all(|byte| *byte == 0) {
            break;
        }
        let mut header = tar::Header::from_byte_slice(block).clone();
        header.set_cksum();
        block.copy_from_slice(header.as_bytes());
        let content = header.entry_size().unwrap_or_default().checked_next_multiple_of(BLOCK as u64);
        next = content.and_then(|size| at.checked_add(BLOCK)?.checked_add(usize::try_from(size).ok()?));
    }
    bytes
}
