//! Packets and the numbers in them (RFC 9580, sections 3 and 4).

/// A packet.
#[derive(Debug)]
pub(super) struct Packet<'a> {
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
}

/// The kinds of packet that are looked at.
pub(super) const SIGNATURE: u8 = 2;
pub(super) const PUBLIC_KEY: u8 = 6;
pub(super) const PUBLIC_SUBKEY: u8 = 14;

/// Bytes of which parts are taken from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// A big-endian number of so many bytes, at most 4.
    pub(super) fn number(&mut self, length: usize) -> Option<usize> {
        Some(self.take(length)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// A multiprecision integer, without leading zeros.
    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        let bits = self.number(2)?;
        let bytes = self.take(bits.div_ceil(8))?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Some(&bytes[zeros..])
    }

    /// The next packet. `None` if there is none that can be read; parts of unknown length are not read.
    pub(super) fn packet(&mut self) -> Option<Packet<'a>> {
        let tag = self.byte().filter(|tag| tag & 0x80 != 0)?;
        let (kind, length) = if tag & 0x40 == 0 {
            let length = match tag & 3 {
                0 => self.number(1)?,
                1 => self.number(2)?,
                2 => self.number(4)?,
                _ => return None,
            };
            (tag >> 2 & 0x0f, length)
        } else {
            (tag & 0x3f, self.length()?)
        };
        Some(Packet { kind, body: self.take(length)? })
    }

    /// A length of a packet of the newer format, or of a subpacket.
    pub(super) fn length(&mut self) -> Option<usize> {
        match self.byte()? {
            first @ 0..=191 => Some(usize::from(first)),
            first @ 192..=223 => Some((usize::from(first - 192) << 8) + usize::from(self.byte()?) + 192),
            255 => self.number(4),
            _ => None,
        }
    }

    /// A subpacket of a signature, whose lengths have two bytes more often.
    pub(super) fn subpacket(&mut self) -> Option<Packet<'a>> {
        let length = match self.byte()? {
            first @ 0..=191 => usize::from(first),
            255 => self.number(4)?,
            first => (usize::from(first - 192) << 8) + usize::from(self.byte()?) + 192,
        };
        let (kind, body) = self.take(length)?.split_first()?;
        Some(Packet { kind: *kind, body })
    }
}
