//! Names of packages, their architectures, and where an archive keeps them.

use std::fmt;
use std::str::FromStr;

use crate::text_form::as_text;

/// A binary package's name (Debian policy 5.6.7).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageName(Box<str>);

/// Why a text is not a package's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a valid package name\nhelp: a name has two or more of `a-z`, `0-9`, `+`, `-` and `.`, and begins with a letter or a digit", .0.escape_debug())]
pub struct NameError(String);

/// A file's place below an archive's address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PoolPath(Box<str>);

/// Why a text is not the place of a package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolPathError {
    /// It is not below the archive's address.
    #[error("`{}` leads out of the archive", .0.escape_debug())]
    Outside(String),
    /// It is not a plain path of a package.
    #[error("`{}` is not a valid path of a package, expected `pool/.../NAME.deb`", .0.escape_debug())]
    Odd(String),
}

impl PackageName {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PoolPath {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text can be the name of a package.
pub fn is_name(text: &str) -> bool {
    let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() >= 2
        && text.len() <= 255
        && is_plain(text.as_bytes()[0])
        && text.bytes().all(|c| is_plain(c) || b"+-.".contains(&c))
}

impl FromStr for PackageName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_name(text) { Ok(Self(text.into())) } else { Err(NameError(text.to_owned())) }
    }
}

impl FromStr for PoolPath {
    type Err = PoolPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_url = text.split_once(':').is_some_and(|(_, rest)| rest.starts_with("//"));
        if is_url || text.starts_with('/') || text.split('/').any(|part| part == "..") {
            return Err(PoolPathError::Outside(text.to_owned()));
        }
        let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"+.~_:%/-".contains(&c);
        let has_parts = text.split('/').all(|part| !part.is_empty() && part != ".");
        // A server may decode `%2e%2e`.
        let is_encoded =
            text.to_ascii_lowercase().contains("%2e") || text.to_ascii_lowercase().contains("%2f");
        if !has_parts
            || is_encoded
            || text.len() > 1024
            || !text.ends_with(".deb")
            || !text.bytes().all(is_plain)
        {
            return Err(PoolPathError::Odd(text.to_owned()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PoolPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(PackageName, "^[a-z0-9][a-z0-9+.-]+$", "The name of a Debian package.");
as_text!(PoolPath, "^[A-Za-z0-9+.~_:%/-]+\\.deb$", "The path of a package below its archive's address.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_policy() {
        for text in ["haproxy", "libstdc++6", "0ad", "g++-12", "python3.13"] {
            assert_eq!(text.parse::<PackageName>().unwrap().as_str(), text);
        }
        for text in ["", "a", "Haproxy", "-x", "a b", "a=1", "a/noble", "a:any", "ä1"] {
            assert!(text.parse::<PackageName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn no_path_leads_out_of_the_archive() {
        assert!("pool/main/h/haproxy/haproxy_2.8.5-1+b1~x_amd64.deb".parse::<PoolPath>().is_ok());
        for text in ["../../etc/x.deb", "/etc/x.deb", "https://h/x.deb", "pool/../../x.deb"] {
            assert!(matches!(text.parse::<PoolPath>(), Err(PoolPathError::Outside(_))), "{text}");
        }
        for text in
            ["", "x", "a//b.deb", "./a.deb", "a b.deb", "a?x.deb", "%2e%2e/x.deb", "a\\b.deb", "a#.deb"]
        {
            assert!(matches!(text.parse::<PoolPath>(), Err(PoolPathError::Odd(_))), "{text:?}");
        }
    }
}
