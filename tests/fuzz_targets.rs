//! The targets of fuzz/ on their seeds and on small changes of them: what `scripts/fuzz` does for longer.
#![expect(clippy::disallowed_methods, reason = "edge: reads the seeds")]

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use imgbuild::guest::Mode;
use imgbuild::iso9660::{ImageFile, ImageHead, VolumeLabel, write_image};
use proptest::collection::vec;
use proptest::prelude::*;

use super::fuzzing::{CONFIGURATION, KEY, PROFILE, RELEASES, SPEC, TARGETS};

/// Good examples of what a target takes, and what made it fail once.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let kept = std::fs::read_dir(folder).into_iter().flatten();
    let mut seeds: Vec<_> = kept.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    match target {
        "profile" => seeds.push(PROFILE.into()),
        "pins" => seeds.push(RELEASES.into()),
        "component" => seeds.push([SPEC, "\0", CONFIGURATION].concat().into()),
        "archive" => {
            let tar = archive();
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(&tar).unwrap();
            let zstd =
                ruzstd::encoding::compress_to_vec(&tar[..], ruzstd::encoding::CompressionLevel::Fastest);
            let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            bzip2.write_all(&tar).unwrap();
            seeds.extend([tar, gzip.finish().unwrap(), zstd, bzip2.finish().unwrap(), zip()]);
        }
        "image" => seeds.push(image()),
        "keyring" => seeds.push(KEY.into()),
        _ => {}
    }
    seeds
}

/// A seed image with a file of some bytes and one of none.
fn image() -> Vec<u8> {
    let head = ImageHead { label: VolumeLabel::Cidata, epoch_seconds: 0, application: b"" };
    let file =
        |name, bytes: &'static [u8]| ImageFile::from_reader(name, Mode::FILE, bytes.len() as u64, bytes);
    let mut image = Vec::new();
    write_image(&head, vec![file("meta-data", b"instance-id: one\n"), file("user-data", b"")], &mut image)
        .unwrap();
    image
}

/// A tar with a file, a folder, and links of both kinds.
fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |kind: tar::EntryType, name: &str, link: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(content.len() as u64);
        if link.is_empty() {
            tar.append_data(&mut header, name, content).unwrap();
        } else {
            tar.append_link(&mut header, name, link).unwrap();
        }
    };
    add(tar::EntryType::Regular, "top/bin", "", b"program\n");
    add(tar::EntryType::Directory, "top/share/", "", b"");
    add(tar::EntryType::Symlink, "top/share/soft", "hard", b"");
    add(tar::EntryType::Link, "top/share/hard", "top/bin", b"");
    add(tar::EntryType::Regular, &format!("top/share/{}", "long".repeat(50)), "", b"text\n");
    tar.into_inner().unwrap()
}

/// A zip with a program and a link to it.
fn zip() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    for (name, mode, content) in
        [("top/bin", 0o100_755, &b"program\n"[..]), ("top/share/soft", 0o120_777, b"hard")]
    {
        let (mut entry, config) = archive.new_file(name).unix_permissions(mode).start().unwrap();
        let mut writer = config.wrap(&mut entry);
        writer.write_all(content).unwrap();
        let (_, descriptor) = writer.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    bytes
}

#[test]
fn every_target_takes_its_seeds() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        let good = seeds.iter().filter(|seed| target(seed)).count();
        assert!(good > 0, "{name} has no good seeds to begin with");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz/fuzz_targets/{name}.rs"));
        assert!(source.is_file(), "`scripts/fuzz` does not know {name}");
    }
}

/// Replaces bytes: where, how many, by what.
fn changed(mut seed: Vec<u8>, changes: &[(usize, usize, Vec<u8>)]) -> Vec<u8> {
    for (at, gone, new) in changes {
        let at = at % (seed.len() + 1);
        let end = (at + gone).min(seed.len());
        seed.splice(at..end, new.iter().copied());
    }
    seed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_a_seed_makes_a_target_panic(
        which in 0..TARGETS.len(),
        seed in any::<prop::sample::Index>(),
        changes in vec((any::<usize>(), 0..20_usize, vec(any::<u8>(), 0..12)), 1..6),
    ) {
        let (name, target) = TARGETS[which];
        let seeds = seeds(name);
        target(&changed(seed.get(&seeds).clone(), &changes));
    }
}
