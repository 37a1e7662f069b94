//! Bytes as text between two lines (RFC 9580, section 6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes in armor, and the text that follows it.
pub(super) struct Armored<'a> {
    pub(super) bytes: Vec<u8>,
    pub(super) rest: &'a str,
}

/// Reads armor that begins with this text: `kind` is what the two lines name, `PGP SIGNATURE`.
pub(super) fn read<'a>(text: &'a str, kind: &str) -> Option<Armored<'a>> {
    let rest = text.strip_prefix(&format!("-----BEGIN {kind}-----\n"))?;
    let (headers, body) = match rest.strip_prefix('\n') {
        Some(body) => ("", body),
        None => rest.split_once("\n\n")?,
    };
    if headers.lines().any(|line| !line.contains(": ") && !line.ends_with(':')) {
        return None;
    }
    let (body, rest) = body.split_once(&format!("\n-----END {kind}-----"))?;
    let (line_end, rest) = rest.split_once('\n').unwrap_or((rest, ""));
    let mut base64 = String::with_capacity(body.len());
    let mut lines = body.lines().peekable();
    while let Some(line) = lines.next() {
        let is_checksum = line.starts_with('=') && line.len() == 5;
        if !(is_checksum && lines.peek().is_none()) {
            base64.push_str(line);
        }
    }
    let bytes = STANDARD.decode(base64).ok().filter(|_| line_end.is_empty())?;
    Some(Armored { bytes, rest })
}
