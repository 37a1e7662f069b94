//! Checks a seed image: what it holds, and that its overlay is the one that its user-data asks for.

use std::io::{Read, Seek};
use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use super::{Audit, Kind, Problem};
use crate::diagnostic::{Document, Report, Source};
use crate::digest::Sha256;
use crate::output::{OVERLAY, SEED_FILES};
use crate::seed::{ListedFile, Listing, VolumeLabel, read_image};

/// The longest document that is read, in bytes: cloud-init's own data sources take far less.
const MAX_DOCUMENT: u64 = 16 << 20;
/// The document that says which overlay it is.
const USER_DATA: &str = "user-data";

pub(super) fn audit(path: &Path) -> Result<Audit> {
    let mut audit = Audit::new(Kind::Seed);
    let mut image = fs::File::open(path)?;
    let listing = match read_image(&mut image) {
        Ok(listing) => listing,
        Err(crate::seed::SeedError::Read(error)) => return Err(error.into()),
        Err(error) => {
            audit.malformed(path.display().to_string(), error.to_string());
            return Ok(audit);
        }
    };
    names(&listing, &mut audit);
    let length = image.metadata()?.len();
    if length != listing.size {
        let why = format!("it has {length} bytes, it says itself that it has {}", listing.size);
        audit.malformed(path.display().to_string(), why);
    }
    let (mut expected, mut got) = (None, None);
    for file in &listing.files {
        if file.name == OVERLAY {
            got = Some(Sha256::of_reader(file.open(&mut image)?)?.0);
        } else if let Some(text) = document(file, &mut image, &mut audit)?.filter(|_| file.name == USER_DATA)
        {
            expected = overlay_of(&text);
            if expected.is_none() {
                audit.malformed(USER_DATA, "it does not say which overlay it is made for");
            }
        }
        audit.parts += 1;
        audit.bytes += file.size;
    }
    if let (Some(expected), Some(got)) = (expected, got)
        && expected != got
    {
        audit.found(OVERLAY, Problem::Damaged { expected, got });
    }
    Ok(audit)
}

/// Compares the image's label and names with those that a seed has.
fn names(listing: &Listing, audit: &mut Audit) {
    let expected = VolumeLabel::Cidata.as_str();
    if listing.label != expected {
        audit.malformed("label", format!("it is `{}`, expected `{expected}`", listing.label.escape_debug()));
    }
    let has = |name: &str| listing.files.iter().any(|file| file.name == name);
    for name in SEED_FILES.into_iter().filter(|name| !has(name)) {
        audit.found(name, Problem::Missing);
    }
    for file in listing.files.iter().filter(|file| !SEED_FILES.contains(&file.name.as_str())) {
        audit.found(&file.name, Problem::Undeclared);
    }
}

/// The text of a document that cloud-init could read. What is wrong is said without the text, which may be secret.
fn document(file: &ListedFile, image: &mut (impl Read + Seek), audit: &mut Audit) -> Result<Option<String>> {
    if file.size > MAX_DOCUMENT {
        audit.malformed(
            &file.name,
            format!("it has {} bytes, a document has {MAX_DOCUMENT} at most", file.size),
        );
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.open(image)?.read_to_end(&mut bytes)?;
    let Ok(text) = String::from_utf8(bytes) else {
        audit.malformed(&file.name, "it is no UTF-8 text");
        return Ok(None);
    };
    if file.name == USER_DATA && !text.starts_with("#cloud-config\n") {
        audit.malformed(USER_DATA, "its first line is not `#cloud-config`");
    }
    let mut report = Report::new();
    if Document::parse(&Source::secret(&file.name, &text), &mut report).is_none() || report.has_errors() {
        audit.malformed(&file.name, "it is no YAML document");
    }
    Ok(Some(text))
}

/// The digest that the boot command of a user-data lays down.
fn overlay_of(user_data: &str) -> Option<Sha256> {
    let line = user_data.lines().find_map(|line| line.trim().strip_prefix("OVERLAY_SHA256='"))?;
    line.strip_suffix('\'')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overlay_is_the_one_that_the_boot_command_lays_down() {
        let digest = Sha256::of("x");
        for (text, expected) in [
            (format!("  NODE='a'\n      OVERLAY_SHA256='{digest}'\n"), Some(digest)),
            ("echo $OVERLAY_SHA256".to_owned(), None),
            ("OVERLAY_SHA256='short'".to_owned(), None),
            (format!("OVERLAY_SHA256='{digest}"), None),
        ] {
            assert_eq!(overlay_of(&text), expected, "{text}");
        }
    }
}
