//! Hardware addresses, which YAML 1.1 would read as numbers to the base of sixty.

use std::fmt;
use std::str::FromStr;

use crate::text_form::as_text;

/// A 48-bit MAC address, written as six lower-case hex pairs with colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mac([u8; 6]);

/// Why a text is not a MAC address that an interface can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MacError {
    /// It is not six hex pairs.
    #[error("invalid MAC address: expected six hex pairs, such as 52:54:00:12:34:56")]
    Form,
    /// It is all zeros.
    #[error("the all-zero MAC address is not valid for an interface")]
    Zero,
    /// Its first byte is odd: it names a group, which no interface can have.
    #[error("this is a multicast MAC address (its first byte is odd), not valid for an interface")]
    Multicast,
}

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<_> = text.split([':', '-']).collect();
        let mut bytes = [0; 6];
        if parts.len() != bytes.len() {
            return Err(MacError::Form);
        }
        for (byte, part) in bytes.iter_mut().zip(parts) {
            if part.len() != 2 || !part.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(MacError::Form);
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| MacError::Form)?;
        }
        match bytes {
            [0, 0, 0, 0, 0, 0] => Err(MacError::Zero),
            [first, ..] if first & 1 == 1 => Err(MacError::Multicast),
            _ => Ok(Self(bytes)),
        }
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<_> = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        f.write_str(&pairs.join(":"))
    }
}

as_text!(Mac, "^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$", "A MAC address, such as 52:54:00:12:34:56.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_written_form() {
        assert_eq!("52-54-00-AB-34-56".parse::<Mac>().unwrap().to_string(), "52:54:00:ab:34:56");
        for text in [
            "52:54:00:12:34",
            "5254.0012.3456",
            "52:54:00:12:34:5g",
            "5:254:00:12:34:56",
            "+2:54:00:12:34:56",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(MacError::Form), "{text}");
        }
        assert_eq!("01:00:5e:00:00:01".parse::<Mac>(), Err(MacError::Multicast));
        assert_eq!("ff:ff:ff:ff:ff:ff".parse::<Mac>(), Err(MacError::Multicast));
        assert_eq!("00:00:00:00:00:00".parse::<Mac>(), Err(MacError::Zero));
    }
}
