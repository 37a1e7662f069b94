//! The beginning of a bundle, which says what is in it.

use std::path::Path;

use imgbuild::bundle::{Index, header, padding};
use imgbuild::digest::Sha256;

/// A bundle: the bytes as its beginning, and as the text of an index with all that belongs round it.
pub fn index(data: &[u8]) -> bool {
    read(data) | read(&preamble(data))
}

/// An index that is taken has sorted parts, each of which is found again and none of which leads out of a folder.
fn read(bundle: &[u8]) -> bool {
    let Ok((index, before)) = Index::read(&mut &bundle[..], Path::new("b")) else { return false };
    assert!(before <= bundle.len() as u64, "the index ends behind the bundle");
    assert!(index.parts.is_sorted_by(|one, other| one.path < other.path));
    for part in &index.parts {
        assert_eq!(index.part(&part.path), Some(part));
        let is_odd = |step: &str| ["", ".", ".."].contains(&step);
        assert!(!part.path.split('/').any(is_odd), "{} leads elsewhere", part.path);
    }
    true
}

fn preamble(text: &[u8]) -> Vec<u8> {
    let digest = format!("{}  index.json\n", Sha256::of(text));
    let member = |path: &str, bytes: &[u8]| {
        let size = bytes.len() as u64;
        let header = header(path, size).expect("the path is short");
        let zeros = vec![0; usize::try_from(padding(size)).expect("it is less than a block")];
        [header, bytes.to_vec(), zeros].concat()
    };
    [member("index.json", text), member("index.json.sha256", digest.as_bytes())].concat()
}
