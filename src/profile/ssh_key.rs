//! A line of `authorized_keys`, read as OpenSSH 9.6 reads it (sshd(8), `AUTHORIZED_KEYS FILE FORMAT`).
//!
//! Whether a point lies on its curve is not checked: no typing or copying mistake gets that far.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// A valid line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SshKey {
    /// As strong as the day asks for.
    Good,
    /// An RSA key of so many bits, which is short.
    ShortRsa(usize),
}

/// Why a line is not a valid key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SshKeyError {
    /// It is empty, a comment or more than a line.
    #[error("expected one line with a key")]
    Line,
    /// It is half of a key pair, the wrong one.
    #[error("this is a private key: keep it to yourself")]
    Private,
    /// A path or a word where a key is expected.
    #[error("expected a type such as `ssh-ed25519`, then the key")]
    NoKey,
    /// A type that OpenSSH does not know.
    #[error("the type `{0}` is unknown to OpenSSH")]
    Type(String),
    /// A type that sshd knows and does not accept.
    #[error("OpenSSH accepts no key of the type `ssh-dss` any more")]
    Dss,
    /// A certificate, which belongs beside a private key.
    #[error(
        "this is a certificate: sshd expects the key of its authority, after the option `cert-authority`"
    )]
    Certificate,
    /// What follows the type is not base64.
    #[error("the key after `{0}` is truncated, or is not valid base64")]
    Base64(String),
    /// Another type inside than before the key.
    #[error("key type mismatch: the word before the key says `{said}`, the key itself `{is}`")]
    OtherType {
        /// The word before the key.
        said: String,
        /// The type in the key.
        is: String,
    },
    /// Its parts do not add up to its length.
    #[error("the key is truncated, or too long for the type `{0}`")]
    Length(String),
    /// An RSA key that sshd finds too short.
    #[error("the RSA key has {0} bits, sshd accepts none below 1024")]
    Rsa(usize),
    /// Options that are not options.
    #[error("{0}")]
    Options(String),
}

/// The types of keys, each with the curve that an ECDSA key names.
const TYPES: [(&str, &str); 7] = [
    ("ssh-ed25519", ""),
    ("ssh-rsa", ""),
    ("ecdsa-sha2-nistp256", "nistp256"),
    ("ecdsa-sha2-nistp384", "nistp384"),
    ("ecdsa-sha2-nistp521", "nistp521"),
    ("sk-ssh-ed25519@openssh.com", ""),
    ("sk-ecdsa-sha2-nistp256@openssh.com", "nistp256"),
];

/// Options that stand by themselves, those with `no-` before them too where that is `true`.
const FLAGS: [(&str, bool); 9] = [
    ("restrict", false),
    ("cert-authority", false),
    ("agent-forwarding", true),
    ("port-forwarding", true),
    ("x11-forwarding", true),
    ("pty", true),
    ("user-rc", true),
    ("touch-required", true),
    ("verify-required", true),
];

/// Options that have a value in double quotes.
const VALUES: [&str; 8] =
    ["command", "environment", "expiry-time", "from", "permitlisten", "permitopen", "principals", "tunnel"];

impl std::str::FromStr for SshKey {
    type Err = SshKeyError;

    fn from_str(line: &str) -> Result<Self, SshKeyError> {
        let line = line.trim_matches([' ', '\t']);
        let breaks = |c: char| c.is_control() && c != '\t';
        if line.is_empty() || line.starts_with('#') || line.contains(breaks) {
            return Err(SshKeyError::Line);
        }
        if line.contains("PRIVATE KEY") {
            return Err(SshKeyError::Private);
        }
        let first = line.split([' ', '\t']).next().unwrap_or(line);
        // As sshd: options are anything that is not a key type.
        if is_type(first) {
            return key(line);
        }
        let end = end_of_options(line)?;
        let rest = line[end..].trim_start_matches([' ', '\t']);
        let is_key = rest.split([' ', '\t']).next().is_some_and(is_type);
        if is_key {
            options(&line[..end])?;
            return key(rest);
        }
        // A word and base64: the word is meant as the type.
        let looks_like_key = |text: &str| text.trim_start_matches([' ', '\t']).starts_with("AAAA");
        let second = rest.split_once([' ', '\t']).filter(|(_, rest)| looks_like_key(rest));
        match second {
            _ if looks_like_key(rest) => Err(SshKeyError::Type(first.escape_debug().to_string())),
            Some((word, _)) => Err(SshKeyError::Type(word.escape_debug().to_string())),
            None => Err(SshKeyError::NoKey),
        }
    }
}

fn is_type(word: &str) -> bool {
    word == "ssh-dss" || word.contains("-cert-v0") || TYPES.iter().any(|(name, _)| *name == word)
}

/// Where the options end: at the first blank outside of quotes.
fn end_of_options(line: &str) -> Result<usize, SshKeyError> {
    let mut quoted = false;
    let mut bytes = line.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if bytes.peek().is_some_and(|(_, next)| *next == b'"') => _ = bytes.next(),
            b'"' => quoted = !quoted,
            b' ' | b'\t' if !quoted => return Ok(at),
            _ => {}
        }
    }
    let why = if quoted {
        SshKeyError::Options("a quote of the options is not closed".to_owned())
    } else {
        SshKeyError::NoKey
    };
    Err(why)
}

/// Options as sshd knows them, separated by commas.
fn options(text: &str) -> Result<(), SshKeyError> {
    let unknown = |name: &str| {
        SshKeyError::Options(format!("`{}` is not an option that sshd knows", name.escape_debug()))
    };
    let mut rest = text;
    loop {
        let end = rest.find([',', '=']).unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        let flag = name.strip_prefix("no-").unwrap_or(&name);
        let is_flag = FLAGS.iter().any(|(known, negated)| *known == flag && (*negated || flag == name));
        if rest[end..].starts_with('=') {
            if !VALUES.contains(&name.as_str()) {
                return Err(unknown(&rest[..end]));
            }
            rest = value(&name, &rest[end + 1..])?;
        } else if is_flag {
            rest = &rest[end..];
        } else {
            return Err(unknown(&rest[..end]));
        }
        match rest.strip_prefix(',') {
            Some(next) if !next.is_empty() => rest = next,
            None if rest.is_empty() => return Ok(()),
            _ => {
                return Err(SshKeyError::Options(
                    "a comma between the options is missing, or one is left over at their end".to_owned(),
                ));
            }
        }
    }
}

/// What follows the value of an option.
fn value<'t>(name: &str, text: &'t str) -> Result<&'t str, SshKeyError> {
    let wrong = || SshKeyError::Options(format!("the value of the option `{name}` must be in double quotes"));
    let inner = text.strip_prefix('"').ok_or_else(wrong)?;
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            '"' if !escaped => return Ok(&inner[at + 1..]),
            _ => escaped = c == '\\' && !escaped,
        }
    }
    Err(wrong())
}

/// A type and a key in base64, then whatever a comment says.
fn key(line: &str) -> Result<SshKey, SshKeyError> {
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    let said = words.next().ok_or(SshKeyError::NoKey)?;
    if said == "ssh-dss" {
        return Err(SshKeyError::Dss);
    }
    if said.contains("-cert-v0") {
        return Err(SshKeyError::Certificate);
    }
    let curve = TYPES.iter().find(|(name, _)| *name == said).ok_or(SshKeyError::NoKey)?.1;
    let base64 = words.next().ok_or(SshKeyError::NoKey)?;
    let blob = BASE64_STANDARD.decode(base64).map_err(|_| SshKeyError::Base64(said.to_owned()))?;
    let cut = || SshKeyError::Length(said.to_owned());
    let mut blob = Blob(&blob);
    let is = blob.string().ok_or_else(cut)?;
    if is != said.as_bytes() {
        let is = String::from_utf8_lossy(is).escape_debug().to_string();
        return Err(SshKeyError::OtherType { said: said.to_owned(), is });
    }
    let bits = blob.parts(said, curve).filter(|_| blob.0.is_empty()).ok_or_else(cut)?;
    match bits {
        1..1024 => Err(SshKeyError::Rsa(bits)),
        1024..2048 => Ok(SshKey::ShortRsa(bits)),
        _ => Ok(SshKey::Good),
    }
}

/// The rest of a key's bytes (RFC 4251 section 5).
struct Blob<'a>(&'a [u8]);

impl<'a> Blob<'a> {
    fn string(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (string, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }

    /// Reads a number that is not negative; its bits.
    fn number(&mut self) -> Option<usize> {
        let bytes = self.string()?;
        if bytes.first().is_some_and(|first| first & 0x80 != 0) {
            return None;
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let rest = &bytes[zeros..];
        Some(rest.first().map_or(0, |first| rest.len() * 8 - first.leading_zeros() as usize))
    }

    /// Reads the parts of a key of this type; the bits of an RSA key, 0 for others.
    fn parts(&mut self, kind: &str, curve: &str) -> Option<usize> {
        let mut bits = 0;
        match (kind, curve) {
            ("ssh-rsa", _) => {
                self.number()?;
                // One of no bits is too short as well.
                bits = self.number()?.max(1);
            }
            (_, "") => _ = self.string().filter(|key| key.len() == 32)?,
            (_, curve) => {
                let size = match curve {
                    "nistp256" => 32,
                    "nistp384" => 48,
                    _ => 66,
                };
                self.string().filter(|named| *named == curve.as_bytes())?;
                // An uncompressed point (SEC 1 section 2.3.3).
                self.string().filter(|point| point.len() == 2 * size + 1 && point[0] == 4)?;
            }
        }
        if kind.starts_with("sk-") {
            self.string()?;
        }
        Some(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with a key of these parts, after its type.
    fn line(kind: &str, parts: &[&[u8]]) -> String {
        let mut blob = Vec::new();
        for part in [kind.as_bytes()].iter().chain(parts) {
            blob.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
            blob.extend_from_slice(part);
        }
        format!("{kind} {} vasya@laptop", BASE64_STANDARD.encode(blob))
    }

    fn rsa(bits: usize) -> String {
        let mut modulus = vec![0xff; bits / 8 + 1];
        modulus[0] = 0;
        line("ssh-rsa", &[&[1, 0, 1], &modulus])
    }

    fn point(size: usize) -> Vec<u8> {
        let mut point = vec![7; 2 * size + 1];
        point[0] = 4;
        point
    }

    fn parse(line: &str) -> Result<SshKey, SshKeyError> {
        line.parse()
    }

    #[test]
    fn every_type_of_key_is_read() {
        let ed25519 = line("ssh-ed25519", &[&[7; 32]]);
        let keys = [
            ed25519.clone(),
            rsa(2048),
            rsa(4096),
            line("ecdsa-sha2-nistp256", &[b"nistp256", &point(32)]),
            line("ecdsa-sha2-nistp384", &[b"nistp384", &point(48)]),
            line("ecdsa-sha2-nistp521", &[b"nistp521", &point(66)]),
            line("sk-ssh-ed25519@openssh.com", &[&[7; 32], b"ssh:"]),
            line("sk-ecdsa-sha2-nistp256@openssh.com", &[b"nistp256", &point(32), b"ssh:"]),
            format!("  \t{ed25519}  "),
            ed25519.replace(' ', "\t  "),
        ];
        for key in keys {
            assert_eq!(parse(&key), Ok(SshKey::Good), "{key}");
        }
        assert_eq!(parse(&rsa(1024)), Ok(SshKey::ShortRsa(1024)));
        assert_eq!(parse(&rsa(2040)), Ok(SshKey::ShortRsa(2040)));
        assert_eq!(parse(&rsa(1016)), Err(SshKeyError::Rsa(1016)));
    }

    #[test]
    fn options_stand_before_a_key_as_sshd_takes_them() {
        let key = line("ssh-ed25519", &[&[7; 32]]);
        for options in [
            "restrict",
            "no-pty,no-X11-forwarding,No-Agent-Forwarding",
            "from=\"10.0.0.0/8,!10.0.0.1\",restrict,pty",
            "command=\"echo \\\"ssh-rsa AAAA\\\" a b\",no-user-rc",
            "environment=\"A=b c\",permitopen=\"a:1\",permitopen=\"[::1]:2\",tunnel=\"0\"",
            "cert-authority,principals=\"a,b\"",
            "expiry-time=\"20300101\",verify-required,no-touch-required",
        ] {
            assert_eq!(parse(&format!("{options} {key}")), Ok(SshKey::Good), "{options}");
        }
        for options in [
            "no-restrict",
            "no-cert-authority",
            "comand=\"a\"",
            "command",
            "command=a",
            "pty=\"a\"",
            "restrict,",
            "restrict,,pty",
            "command=\"a\"b",
            "from=\"a",
            "command=\"a b",
            ",pty",
            "ssh_key",
        ] {
            let got = parse(&format!("{options} {key}"));
            assert!(matches!(got, Err(SshKeyError::Options(_))), "{options}: {got:?}");
        }
    }

    #[test]
    fn what_no_sshd_accepts_is_refused() {
        let ed25519 = line("ssh-ed25519", &[&[7; 32]]);
        let cut = ed25519.split_once(" vasya").unwrap().0;
        let base64 = |text: &str| SshKeyError::Base64(text.to_owned());
        let length = |text: &str| SshKeyError::Length(text.to_owned());
        let kind = "ssh-ed25519";
        let cases = [
            (String::new(), SshKeyError::Line),
            ("# a comment".to_owned(), SshKeyError::Line),
            (format!("{ed25519}\r"), SshKeyError::Line),
            ("-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(), SshKeyError::Private),
            ("/home/me/.ssh/id_ed25519.pub".to_owned(), SshKeyError::NoKey),
            ("ssh-ed25519".to_owned(), SshKeyError::NoKey),
            (cut[..cut.len() - 1].to_owned(), base64(kind)),
            (cut[..cut.len() - 4].to_owned(), length(kind)),
            ("ssh-ed25519 AAAA".to_owned(), length(kind)),
            ("ssh-ed25519 Ä".to_owned(), base64(kind)),
            (ed25519.replace("ssh-ed25519", "ssh-ed25591"), SshKeyError::Type("ssh-ed25591".to_owned())),
            (line(kind, &[&[7; 31]]), length(kind)),
            (line(kind, &[&[7; 32], b"more"]), length(kind)),
            (line("ecdsa-sha2-nistp256", &[b"nistp384", &point(48)]), length("ecdsa-sha2-nistp256")),
            (line("ecdsa-sha2-nistp256", &[b"nistp256", &[3; 33]]), length("ecdsa-sha2-nistp256")),
            (line("ssh-dss", &[b"p"]), SshKeyError::Dss),
            (line("ssh-rsa-cert-v01@openssh.com", &[b"n"]), SshKeyError::Certificate),
            (
                format!("cert-authority {}", line("ssh-ed25519-cert-v01@openssh.com", &[b"n"])),
                SshKeyError::Certificate,
            ),
        ];
        for (line, why) in cases {
            assert_eq!(parse(&line), Err(why), "{line}");
        }
        let other = parse(&ed25519.replace("ssh-ed25519", "ssh-rsa"));
        assert!(matches!(other, Err(SshKeyError::OtherType { .. })), "{other:?}");
    }
}
