//! The secrets that tests use, looked for in all that a run says and in all that a test leaves.
#![expect(clippy::disallowed_methods, reason = "edge: looks at what the program wrote")]

use std::fs;
use std::io::Read as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::workspace::collect;

/// What stands in URLs, and in secrets files that cannot be read.
const KNOWN: [&str; 3] = ["s3cret", "hunter2", "pass-of-the-key"];

/// The shortest value of a secrets file that is looked for: what is shorter is a word.
const SHORTEST: usize = 6;

/// The largest file that is looked into: larger ones are the noise of tests about size.
const LARGEST: usize = 16 << 20;

/// Texts that may be nowhere but where secrets belong.
pub struct Leaks(Vec<String>);

impl Leaks {
    /// Those that all tests use, and the values of the folder's secrets file.
    pub fn of(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join("secrets.yaml")).unwrap_or_default();
        let values = text.lines().filter_map(|line| line.split_once(": "));
        let values = values.map(|(_, value)| value.trim_matches('"')).filter(|value| value.len() >= SHORTEST);
        Self(values.chain(KNOWN).map(str::to_owned).collect())
    }

    /// None of them is in `bytes`, nor in what those are compressed from.
    #[track_caller]
    pub fn check(&self, place: &str, bytes: &[u8]) {
        let mut unpacked = Vec::new();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            // What is damaged is looked into as far as it goes, and a bomb is not.
            let _ = MultiGzDecoder::new(bytes).take(LARGEST as u64).read_to_end(&mut unpacked);
        }
        for secret in &self.0 {
            for bytes in [bytes, &unpacked] {
                let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(!found, "`{secret}` is in {place}");
            }
        }
    }

    /// None of them is in the files of a folder that the program worked in, but for what it was given and for the files
    /// that are made to hold secrets.
    #[track_caller]
    pub fn check_folder(&self, root: &Path) {
        let mut files = Vec::new();
        collect(root, &mut files);
        for file in files.into_iter().filter(|file| file.is_file()) {
            let path = file.strip_prefix(root).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap_or_default();
            let is_input = path.starts_with("overlays")
                || path.starts_with("mirror")
                || path.components().count() == 1 && name.ends_with(".yaml");
            if is_input || ["user-data", "seed.iso"].contains(&name) {
                continue;
            }
            let bytes = fs::read(&file).unwrap_or_default();
            if bytes.len() <= LARGEST {
                self.check(&path.display().to_string(), &bytes);
            }
        }
    }
}

#[test]
fn what_leaks_is_found() {
    use super::workspace::Workspace;
    type Leak = fn(Workspace) -> Workspace;
    let gz = || {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gz, b"a value-of-a-secret b").unwrap();
        gz.finish().unwrap()
    };
    for (leak, found) in [
        ((|workspace| workspace) as Leak, false),
        (|workspace| workspace.file("out/a/user-data", "value-of-a-secret"), false),
        (|workspace| workspace.file("out/a/meta-data", "a value-of-a-secret b"), true),
        (|workspace| workspace.file("cache/log", "https://ann:s3cret@h/"), true),
    ] {
        let workspace = leak(Workspace::new().secrets("word: \"value-of-a-secret\"\n"));
        let root = workspace.path("");
        let caught = std::panic::catch_unwind(|| Leaks::of(&root).check_folder(&root));
        assert_eq!(caught.is_err(), found);
        fs::remove_dir_all(&root).unwrap();
    }
    let leaks = Leaks(vec!["value-of-a-secret".to_owned()]);
    assert!(std::panic::catch_unwind(|| leaks.check("a layer", &gz())).is_err());
}
