//! Upstream's checksum files: the digest that one of them gives for a file.

use crate::digest::Sha256;

/// Why a checksum file gives no digest for a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChecksumError {
    /// Nothing in it looks like a digest: it is a page for people, perhaps.
    #[error("it does not contain a SHA-256 digest")]
    NoDigest,
    /// It only has digests of other files.
    #[error("it does not contain a digest for `{0}`")]
    NotListed(String),
    /// It gives the file more than one digest.
    #[error("it has two different digests for `{0}`")]
    TwoDigests(String),
}

/// The digest that `text`, a checksum file called `name`, gives for `file`.
///
/// It reads lines as sha256sum(1) writes them, `HEX  FILE` and `HEX *FILE`, where FILE may be in a folder; as BSD's sha256
/// and `sha256sum --tag` do, `SHA256 (FILE) = HEX`; as `openssl dgst -sha256` does, `SHA256(FILE)= HEX` and
/// `SHA2-256(FILE)= HEX`; and a bare digest in a file that is called like `file` itself with a suffix, so that it can be of
/// nothing else. Other lines, such as a signature's or those of another algorithm, are passed over.
pub fn digest_for(file: &str, name: &str, text: &str) -> Result<Sha256, ChecksumError> {
    let is_its_own = name.strip_prefix(file).is_some_and(|suffix| suffix.starts_with('.'));
    let mut found = None;
    let mut has_digest = false;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let Some((digest, listed)) = tagged(line.trim()).or_else(|| plain(line.trim())) else { continue };
        has_digest = true;
        let is_meant =
            if listed.is_empty() { is_its_own } else { listed.rsplit('/').next().unwrap_or(listed) == file };
        match found {
            _ if !is_meant => {}
            Some(earlier) if earlier != digest => return Err(ChecksumError::TwoDigests(file.to_owned())),
            _ => found = Some(digest),
        }
    }
    let missing =
        if has_digest { ChecksumError::NotListed(file.to_owned()) } else { ChecksumError::NoDigest };
    found.ok_or(missing)
}

/// `HEX  FILE`; FILE is empty for a bare digest.
fn plain(line: &str) -> Option<(Sha256, &str)> {
    let (hex, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    Some((hex.parse().ok()?, rest.trim_start().trim_start_matches('*')))
}

/// `ALGORITHM (FILE) = HEX`.
fn tagged(line: &str) -> Option<(Sha256, &str)> {
    let (algorithm, rest) = line.split_once('(')?;
    if !["SHA256", "SHA2-256"].contains(&algorithm.trim_end().to_ascii_uppercase().as_str()) {
        return None;
    }
    // The name may have parentheses itself.
    let (name, hex) = rest.rsplit_once(')')?;
    Some((hex.trim_start().strip_prefix('=')?.trim().parse().ok()?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_upstreams_use_is_read() {
        let (a, b) = (Sha256::of("a"), Sha256::of("b"));
        for (name, text) in [
            ("sha256sums.txt", format!("{b}  other.tgz\n{a}  a.tgz\n")),
            ("SHA256SUMS", format!("{a} *a.tgz\r\n{b} *a.tgz.sig\r\n")),
            ("a.tgz.sha256", format!("{a}")),
            ("a.tgz.sha256", format!("{a}\n")),
            ("a.tgz.sha256", format!("{a}  dist/a.tgz\n")),
            ("SHA256SUMS", format!("-----BEGIN PGP SIGNED MESSAGE-----\n\n{a}\ta.tgz\n{a}  x/a.tgz\n")),
            ("SHA256SUMS", format!("\u{feff}{}  a.tgz\n", a.to_string().to_uppercase())),
            ("CHECKSUM", format!("SHA256 (b.tgz) = {b}\nSHA256 (a.tgz) = {a}\n")),
            ("CHECKSUM", format!("SHA512 (a.tgz) = {b}{b}\nMD5 (a.tgz) = 0\nSHA256 (dist/a.tgz) = {a}\n")),
            ("sums", format!("SHA256(a.tgz)= {a}\nSHA2-256(b.tgz)= {b}\n")),
            ("sums", format!("SHA2-256(./a.tgz)= {}\r\n", a.to_string().to_uppercase())),
        ] {
            assert_eq!(digest_for("a.tgz", name, &text), Ok(a), "{text}");
        }
    }

    #[test]
    fn a_digest_of_something_else_is_none() {
        let (a, b) = (Sha256::of("a"), Sha256::of("b"));
        let file = || "a.tgz".to_owned();
        for (name, text, why) in [
            ("SHA256SUMS", String::new(), ChecksumError::NoDigest),
            ("SHA256SUMS", "<html>404</html>".to_owned(), ChecksumError::NoDigest),
            ("SHA256SUMS", format!("{}  a.tgz", &a.to_string()[1..]), ChecksumError::NoDigest),
            ("SHA256SUMS", format!("{a}  a.tgz.sig\n{a}  ba.tgz\n"), ChecksumError::NotListed(file())),
            ("SHA256SUMS", format!("{a}\n"), ChecksumError::NotListed(file())),
            ("a.tgz", format!("{a}\n"), ChecksumError::NotListed(file())),
            ("a.tgz.sha256", format!("{b}  b.tgz\n"), ChecksumError::NotListed(file())),
            ("a.tgz.sha256", format!("{a}\n{b}\n"), ChecksumError::TwoDigests(file())),
            ("SHA256SUMS", format!("{a}  x/a.tgz\n{b}  y/a.tgz\n"), ChecksumError::TwoDigests(file())),
            ("sums", format!("SHA256 (a.tgz) = {a}\n{b}  a.tgz\n"), ChecksumError::TwoDigests(file())),
            ("sums", format!("SHA256 (a.tgz.sig) = {a}\n"), ChecksumError::NotListed(file())),
            ("a.tgz.sha256", format!("SHA256 (b.tgz) = {b}\n"), ChecksumError::NotListed(file())),
            ("sums", format!("SHA512 (a.tgz) = {a}\n"), ChecksumError::NoDigest),
            ("sums", format!("SHA256 (a.tgz) {a}\n"), ChecksumError::NoDigest),
            ("sums", "SHA256 (a.tgz) = \n".to_owned(), ChecksumError::NoDigest),
        ] {
            assert_eq!(digest_for("a.tgz", name, &text), Err(why), "{text}");
        }
    }
}
