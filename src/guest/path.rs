//! Names of files inside a guest, and their permissions: parsed once, so that nothing else has to doubt them.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use crate::text_form::as_text;

/// An absolute, normalised path in the guest: `/usr/local/bin/etcd`.
///
/// It has no empty, `.` or `..` component, no control character, and no trailing slash, so that joining it
/// to any root stays below that root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuestPath(String);

/// Why a text is not a guest path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuestPathError {
    /// It does not begin with `/`.
    #[error("expected an absolute path, which begins with `/`")]
    Relative,
    /// It is `/` itself, or has an empty component (`//`, a slash at the end).
    #[error("expected a path below `/` without empty parts and without a slash at its end")]
    EmptyPart,
    /// It has a `.` or `..` component.
    #[error("unexpected `.` or `..` in the path")]
    Dots,
    /// It has a control character (a line break among them), which no file list could hold.
    #[error("unexpected control character in the path")]
    Control,
    /// It is longer than Linux allows (`PATH_MAX`, 4096 bytes with its end), or one of its parts is (255).
    #[error("the path is too long: expected at most 4095 bytes, and at most 255 in each part")]
    TooLong,
}

impl GuestPath {
    /// The path as text, with its leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path as archives name it, without the leading slash.
    pub fn relative(&self) -> &str {
        &self.0[1..]
    }

    /// This path with `relative` below it.
    pub fn join(&self, relative: &str) -> Result<Self, GuestPathError> {
        format!("{}/{relative}", self.0).parse()
    }

    /// Whether `self` is `folder` or lies below it.
    pub fn is_within(&self, folder: &Self) -> bool {
        self.0.strip_prefix(&folder.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The folder that holds this path; `None` for a path directly below `/`.
    pub fn parent(&self) -> Option<Self> {
        match self.0.rfind('/') {
            Some(0) | None => None,
            Some(at) => Some(Self(self.0[..at].to_owned())),
        }
    }
}

impl FromStr for GuestPath {
    type Err = GuestPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix('/').ok_or(GuestPathError::Relative)?;
        if text.len() > 4095 {
            return Err(GuestPathError::TooLong);
        }
        for part in rest.split('/') {
            match part {
                "" => return Err(GuestPathError::EmptyPart),
                "." | ".." => return Err(GuestPathError::Dots),
                _ if part.len() > 255 => return Err(GuestPathError::TooLong),
                _ if part.chars().any(char::is_control) => return Err(GuestPathError::Control),
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }
}

/// A path compares as its text does, so that maps of paths can be asked for ranges such as "all below /opt/".
impl Borrow<str> for GuestPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GuestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Permission bits of a guest file, `0o000` to `0o777`: no set-uid, set-gid or sticky bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mode(u32);

/// Why a text is not a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid mode: expected a zero and three octal digits, such as \"0644\"")]
pub struct ModeError;

impl Mode {
    /// What a file gets that says nothing else.
    pub const FILE: Self = Self(0o644);
    /// What a program gets, and a folder.
    pub const EXECUTABLE: Self = Self(0o755);
    /// What holds a secret.
    pub const PRIVATE: Self = Self(0o600);
    /// What Linux says of every symbolic link (symlink(7)); nothing checks it.
    pub const SYMLINK: Self = Self(0o777);

    /// The mode of these bits; `None` when there is more in them than permissions.
    pub fn from_bits(bits: u32) -> Option<Self> {
        (bits <= 0o777).then_some(Self(bits))
    }

    /// The permission bits.
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3).ok_or(ModeError)?;
        if !digits.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
            return Err(ModeError);
        }
        u32::from_str_radix(digits, 8).map(Self).map_err(|_| ModeError)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

as_text!(GuestPath, "^/.*[^/]$", "An absolute path in the guest.");
as_text!(Mode, "^0[0-7]{3}$", "Permission bits in octal, such as \"0644\".");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_could_leave_the_root_are_refused() {
        for (text, why) in [
            ("etc/hosts", GuestPathError::Relative),
            ("", GuestPathError::Relative),
            ("/", GuestPathError::EmptyPart),
            ("/etc//hosts", GuestPathError::EmptyPart),
            ("/etc/", GuestPathError::EmptyPart),
            ("/etc/../root", GuestPathError::Dots),
            ("/./etc", GuestPathError::Dots),
            ("/a\nb", GuestPathError::Control),
        ] {
            assert_eq!(text.parse::<GuestPath>(), Err(why), "{text:?}");
        }
    }

    #[test]
    fn a_path_is_within_its_folders_and_not_within_its_neighbours() {
        let path = |text: &str| text.parse::<GuestPath>().unwrap();
        assert!(path("/opt/etcd/member").is_within(&path("/opt/etcd")));
        assert!(path("/opt/etcd").is_within(&path("/opt/etcd")));
        assert!(!path("/opt/etcd2").is_within(&path("/opt/etcd")));
        assert_eq!(path("/opt/etcd").parent(), Some(path("/opt")));
        assert_eq!(path("/opt").parent(), None);
    }

    #[test]
    fn modes_are_octal_and_have_no_special_bits() {
        assert_eq!("0640".parse::<Mode>().map(Mode::bits), Ok(0o640));
        for text in ["640", "4755", "04755", "0648", "0o644", ""] {
            assert_eq!(text.parse::<Mode>(), Err(ModeError), "{text:?}");
        }
        assert_eq!(Mode::PRIVATE.to_string(), "0600");
        assert_eq!(Mode::from_bits(0o640).map(Mode::bits), Some(0o640));
        assert_eq!(Mode::from_bits(0o4755), None);
    }
}
