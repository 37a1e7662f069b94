//! Overlays unpacked in memory.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;

/// The plain files of an overlay by path, with their contents.
pub fn unpack(overlay: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(overlay));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let path = format!("/{}", entry.path().unwrap().display());
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(path, bytes);
        }
    }
    files
}

/// The text of a file of an overlay.
#[track_caller]
pub fn text(files: &BTreeMap<String, Vec<u8>>, path: &str) -> String {
    let known = || files.keys().cloned().collect::<Vec<_>>().join("\n");
    let bytes = files.get(path).unwrap_or_else(|| panic!("no {path} in\n{}", known()));
    String::from_utf8(bytes.clone()).unwrap()
}
