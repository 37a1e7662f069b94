//! Seed images as other programs see them, and those of other programs as ours sees them.
#![expect(clippy::disallowed_methods, reason = "edge: makes and reads files")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use imgbuild::digest::Sha256;
use imgbuild::guest::Mode;
use imgbuild::iso9660::{
    ExpectedFile, ImageFile, ImageHead, ListedFile, VolumeLabel, read_image, write_image,
};
use tempfile::TempDir;

use crate::support::oracle::{oracle, stdout};

/// 2024-02-29T12:34:56Z.
const TIME: u64 = 1_709_210_096;

/// A file that is put into an image.
struct Guest {
    name: String,
    mode: Mode,
    bytes: Vec<u8>,
}

impl Guest {
    fn new(name: impl Into<String>, mode: Mode, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), mode, bytes: bytes.into() }
    }

    fn expected(&self, mode: Mode) -> ExpectedFile<'_> {
        let (size, digest) = (self.bytes.len() as u64, Sha256::of(&self.bytes));
        ExpectedFile { name: &self.name, mode, size, digest }
    }
}

/// An image and what is in it.
struct Seed {
    folder: TempDir,
    files: Vec<Guest>,
}

impl Seed {
    /// Names of all forms, sizes round a sector, and files enough for several sectors of names.
    fn new() -> Self {
        let noise = |n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()[3];
        let mut files = vec![
            Guest::new("user-data", Mode::PRIVATE, "#cloud-config\n"),
            Guest::new("meta-data", Mode::FILE, "instance-id: ptrn-1\n"),
            Guest::new("network-config", Mode::FILE, ""),
            Guest::new("overlay.tar.gz", Mode::FILE, (0..3_000_000).map(noise).collect::<Vec<_>>()),
            Guest::new("Upper_Case.SH", Mode::EXECUTABLE, [1; 2047]),
            Guest::new(".hidden", Mode::FILE, [2; 2048]),
            Guest::new(format!("{}.d", "long-name".repeat(6)), Mode::FILE, [3; 2049]),
        ];
        files.extend(
            (0..100).map(|n| Guest::new(format!("many-with-the-same-beginning-{n}"), Mode::FILE, [n])),
        );
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let seed = Self { folder: TempDir::new().unwrap(), files };
        let files = seed.files.iter().map(|file| {
            ImageFile::from_reader(&file.name, file.mode, file.bytes.len() as u64, &file.bytes[..])
        });
        let image = File::create(seed.image()).unwrap();
        let head = ImageHead {
            label: VolumeLabel::Cidata,
            epoch_seconds: TIME,
            application: "said to applications\n".as_bytes(),
        };
        write_image(&head, files.collect(), image).unwrap();
        seed
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("seed.iso")
    }

    fn names(&self) -> Vec<&str> {
        self.files.iter().map(|file| file.name.as_str()).collect()
    }

    /// Puts the files into a folder, for programs that make an image of one.
    fn unpacked(&self) -> PathBuf {
        let folder = self.folder.path().join("files");
        fs::create_dir(&folder).unwrap();
        for file in &self.files {
            fs::write(folder.join(&file.name), &file.bytes).unwrap();
        }
        folder
    }
}

/// Holds all that the reader finds against what was put in.
fn check(image: &mut File, expected: &[ExpectedFile<'_>]) {
    let listing = read_image(image).unwrap();
    assert_eq!(listing.label, VolumeLabel::Cidata.as_str());
    let mut digest = |file: &ListedFile| Sha256::of_reader(file.open(&mut *image).unwrap()).unwrap().0;
    let found: Vec<_> = listing
        .files
        .iter()
        .map(|file| ExpectedFile { name: &file.name, mode: file.mode, size: file.size, digest: digest(file) })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn what_is_on_disk_is_what_was_asked_for() {
    let seed = Seed::new();
    let expected: Vec<_> = seed.files.iter().map(|file| file.expected(file.mode)).collect();
    let mut image = File::open(seed.image()).unwrap();
    check(&mut image, &expected);
}

#[test]
fn blkid_sees_the_label_that_cloud_init_looks_for() {
    let Some(mut blkid) = oracle("blkid") else { return };
    let reported = stdout(blkid.args(["-p", "-o", "export"]).arg(Seed::new().image()));
    for line in ["LABEL=CIDATA", "TYPE=iso9660", "UUID=2024-02-29-12-34-56-00"] {
        assert!(reported.lines().any(|other| other == line), "{line} in\n{reported}");
    }
}

/// What `isoinfo` says of the files in one tree, by name: permissions, owner, size, date, name. It prints
/// lines such as `-rw-------   1    0    0   14 Feb 29 2024 [     26 00]  user-data`.
fn isoinfo_rows(image: &Path, tree: &[&str]) -> Option<Vec<String>> {
    let reported = stdout(oracle("isoinfo")?.args(tree).args(["-l", "-i"]).arg(image));
    let rows = reported.lines().filter(|line| line.starts_with('-')).map(|line| {
        let (facts, name) = line.split_once(']').unwrap();
        let facts: Vec<_> = facts.split_whitespace().collect();
        format!(
            "{} {}:{} {} {} {}",
            facts[0],
            facts[2],
            facts[3],
            facts[4],
            facts[5..8].join(" "),
            name.trim()
        )
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|a, b| a.split(' ').next_back().cmp(&b.split(' ').next_back()));
    Some(rows)
}

#[test]
fn isoinfo_sees_modes_owners_sizes_times_and_names_through_rock_ridge() {
    let seed = Seed::new();
    let Some(reported) = isoinfo_rows(&seed.image(), &["-R"]) else { return };
    let expected = seed.files.iter().map(|file| {
        let mode = match file.mode {
            Mode::PRIVATE => "-rw-------",
            Mode::EXECUTABLE => "-rwxr-xr-x",
            _ => "-rw-r--r--",
        };
        format!("{mode} 0:0 {} Feb 29 2024 {}", file.bytes.len(), file.name)
    });
    assert_eq!(reported, expected.collect::<Vec<_>>());
}

#[test]
fn isoinfo_sees_the_same_names_through_joliet() {
    let seed = Seed::new();
    let Some(reported) = isoinfo_rows(&seed.image(), &["-J"]) else { return };
    let expected = seed
        .files
        .iter()
        .map(|file| format!("---------- 0:0 {} Feb 29 2024 {}", file.bytes.len(), file.name));
    assert_eq!(reported, expected.collect::<Vec<_>>());
}

#[test]
fn isoinfo_sees_a_name_of_its_own_for_each_file_without_extensions() {
    let seed = Seed::new();
    let Some(reported) = isoinfo_rows(&seed.image(), &[]) else { return };
    let names: BTreeSet<_> = reported.iter().filter_map(|row| row.split(' ').next_back()).collect();
    assert_eq!(names.len(), seed.files.len());
    assert!(names.contains("USER_DATA.;1") && names.contains("OVERLAY_TAR.GZ;1"), "{names:?}");
}

#[test]
fn xorriso_loads_the_image_without_a_complaint() {
    let Some(mut xorriso) = oracle("xorriso") else { return };
    let seed = Seed::new();
    let image = format!("stdio:{}", seed.image().display());
    let report = ["-abort_on", "SORRY", "-check_media", "--", "-lsl", "/", "--"];
    let output = xorriso.args(["-indev", &image]).args(report).output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{talk}");
    assert!(!talk.contains("WARNING") && !talk.contains("SORRY") && !talk.contains("FAILURE"), "{talk}");
    let reported = String::from_utf8(output.stdout).unwrap();
    for name in seed.names() {
        assert!(reported.contains(&format!("'{name}'")), "{name} in\n{reported}");
    }
}

#[test]
fn bsdtar_extracts_the_bytes_that_were_put_in() {
    let Some(mut bsdtar) = oracle("bsdtar") else { return };
    let seed = Seed::new();
    let target = seed.folder.path().join("extracted");
    fs::create_dir(&target).unwrap();
    stdout(bsdtar.arg("-xf").arg(seed.image()).arg("-C").arg(&target));
    let mut reported: Vec<_> = fs::read_dir(&target)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    reported.sort_unstable();
    assert_eq!(reported, seed.names());
    for file in &seed.files {
        assert!(fs::read(target.join(&file.name)).unwrap() == file.bytes, "{}", file.name);
    }
}

#[test]
fn images_of_other_programs_are_read_as_they_mean_them() {
    for (program, arguments) in [("genisoimage", &["-quiet"][..]), ("xorriso", &["-as", "mkisofs", "-quiet"])]
    {
        let Some(mut program) = oracle(program) else { continue };
        let seed = Seed::new();
        let theirs = seed.folder.path().join("theirs.iso");
        stdout(
            program
                .args(arguments)
                .args(["-V", "CIDATA", "-J", "-r", "-o"])
                .arg(&theirs)
                .arg(seed.unpacked()),
        );
        let mut image = File::open(theirs).unwrap();
        let read_only: Mode = "0444".parse().unwrap();
        let expected: Vec<_> = seed.files.iter().map(|file| file.expected(read_only)).collect();
        check(&mut image, &expected);
    }
}
