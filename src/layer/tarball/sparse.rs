//! Sparse files in PAX archives, versions 0.0, 0.1 and 1.0 (GNU tar manual, "Storing Sparse Files"); tar-rs reads those of the old
//! GNU format itself. An archive stores only a file's data, and a map of the holes.

use std::io::{self, Read};

use super::BLOCK;

/// The most that a map in a member's data may take: as much as PAX records may.
const MAX_MAP: u64 = 1 << 20;

/// What the PAX records of a member say of its holes.
#[derive(Debug, Default)]
pub(super) struct SparseRecords {
    is_sparse: bool,
    /// The file's name; the header has another, for readers that do not know of holes.
    pub(super) name: Option<Vec<u8>>,
    /// The file's size with its holes.
    size: Option<u64>,
    /// Offset and length of each piece of data, one after the other.
    map: Vec<u64>,
    /// Whether the map precedes the data (1.0).
    is_in_data: bool,
}

impl SparseRecords {
    /// Takes a record, if it is one of these.
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        let Some(key) = key.strip_prefix(b"GNU.sparse.") else { return Ok(()) };
        self.is_sparse = true;
        match key {
            b"name" => self.name = Some(value.to_vec()),
            b"size" | b"realsize" => self.size = Some(number(value)?),
            b"map" => self.map = value.split(|byte| *byte == b',').map(number).collect::<io::Result<_>>()?,
            b"offset" | b"numbytes" => self.map.push(number(value)?),
            b"major" => self.is_in_data = number(value)? == 1,
            // The number of pieces, which are there themselves, and a minor version that changes nothing.
            _ => {}
        }
        Ok(())
    }

    /// Where the data of a member of `stored` bytes belongs, if it has holes. Reads the map if it is in the data.
    pub(super) fn map(self, data: &mut impl Read, stored: u64) -> io::Result<Option<SparseMap>> {
        if !self.is_sparse {
            return Ok(None);
        }
        let size = self.size.ok_or_else(|| malformed("the size of a sparse file is missing"))?;
        if !self.is_in_data {
            return SparseMap::new(&self.map, size, stored).map(Some);
        }
        let (map, read) = map_in_data(data, stored.min(MAX_MAP))?;
        SparseMap::new(&map, size, stored - read).map(Some)
    }
}

/// Reads the map before the data: numbers, each on a line, in whole blocks. Also says how many bytes it took.
fn map_in_data(data: &mut impl Read, limit: u64) -> io::Result<(Vec<u64>, u64)> {
    let (mut text, mut numbers, mut expected) = (Vec::new(), Vec::new(), 1);
    let mut taken = 0;
    while numbers.len() < expected {
        let Some(end) = text[taken..].iter().position(|byte| *byte == b'\n') else {
            if text.len() as u64 + BLOCK > limit {
                return Err(malformed("the map of a sparse file is not terminated"));
            }
            let start = text.len();
            text.resize(start + 512, 0);
            data.read_exact(&mut text[start..])?;
            continue;
        };
        numbers.push(number(&text[taken..taken + end])?);
        taken += end + 1;
        if let [pieces] = numbers[..] {
            // A number that does not fit is larger than any map may be, and the limit ends it.
            expected = usize::try_from(pieces)
                .ok()
                .and_then(|pieces| pieces.checked_mul(2)?.checked_add(1))
                .unwrap_or(usize::MAX);
        }
    }
    Ok((numbers.split_off(1), text.len() as u64))
}

fn number(text: &[u8]) -> io::Result<u64> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| malformed("a number of a sparse file is malformed"))
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The pieces of a sparse file.
#[derive(Debug)]
pub(super) struct SparseMap {
    /// Offset and length of each, in order, none overlapping.
    pieces: Vec<(u64, u64)>,
    pub(super) size: u64,
}

impl SparseMap {
    fn new(numbers: &[u64], size: u64, stored: u64) -> io::Result<Self> {
        let (pairs, odd) = numbers.as_chunks::<2>();
        let pieces: Vec<_> = pairs.iter().map(|[offset, length]| (*offset, *length)).collect();
        let (mut end, mut sum) = (0, 0_u64);
        for (offset, length) in &pieces {
            let fits = *offset >= end && offset.checked_add(*length).is_some_and(|end| end <= size);
            if !fits {
                return Err(malformed("the pieces of a sparse file overlap or lie outside of it"));
            }
            end = offset + length;
            sum += length;
        }
        if !odd.is_empty() || sum != stored {
            return Err(malformed("the pieces of a sparse file are not those that are stored"));
        }
        Ok(Self { pieces, size })
    }
}

/// A sparse file as it is when it is read: with zeros in its holes.
pub(super) struct Filled<'a> {
    data: &'a mut dyn Read,
    pieces: std::vec::IntoIter<(u64, u64)>,
    /// The piece that is read, or comes next.
    piece: (u64, u64),
    at: u64,
    size: u64,
}

impl<'a> Filled<'a> {
    pub(super) fn new(data: &'a mut dyn Read, map: SparseMap) -> Self {
        let mut filled = Self { data, pieces: map.pieces.into_iter(), piece: (0, 0), at: 0, size: map.size };
        filled.advance();
        filled
    }

    /// Goes to the next piece; behind the last there is a hole to the end.
    fn advance(&mut self) {
        self.piece = self.pieces.next().unwrap_or((self.size, 0));
    }
}

impl Read for Filled<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.0 + self.piece.1 && self.at < self.size {
            self.advance();
        }
        let (offset, length) = self.piece;
        let is_hole = self.at < offset;
        let until = if is_hole { offset } else { offset + length };
        let left = usize::try_from(until - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let count = if is_hole {
            buffer[..left].fill(0);
            left
        } else {
            self.data.read(&mut buffer[..left])?
        };
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(records: &[(&str, &str)], data: &[u8]) -> io::Result<Vec<u8>> {
        let mut sparse = SparseRecords::default();
        for (key, value) in records {
            sparse.add(key.as_bytes(), value.as_bytes())?;
        }
        let mut rest = data;
        let map = sparse.map(&mut rest, data.len() as u64)?.expect("it is sparse");
        let mut bytes = Vec::new();
        Filled::new(&mut rest, map).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// A map and data as version 1.0 has them.
    fn in_data(map: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = map.as_bytes().to_vec();
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        [&bytes, data].concat()
    }

    const VERSION_1: [(&str, &str); 2] = [("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "9")];

    #[test]
    fn every_version_is_filled_with_zeros() {
        let expected = b"ab\0\0c\0\0\0\0";
        for records in [
            &[("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,2,4,1")][..],
            &[
                ("GNU.sparse.size", "9"),
                ("GNU.sparse.numblocks", "2"),
                ("GNU.sparse.offset", "0"),
                ("GNU.sparse.numbytes", "2"),
                ("GNU.sparse.offset", "4"),
                ("GNU.sparse.numbytes", "1"),
            ],
            &[("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,2,2,0,4,1,9,0")],
        ] {
            assert_eq!(filled(records, b"abc").unwrap(), expected, "{records:?}");
        }
        assert_eq!(filled(&VERSION_1, &in_data("2\n0\n2\n4\n1\n", b"abc")).unwrap(), expected);
        assert_eq!(filled(&VERSION_1, &in_data("0\n", b"")).unwrap(), [0; 9]);
        let many = (0..200).map(|at| format!("{}\n1\n", 2 * at)).collect::<Vec<_>>().concat();
        let long = [("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "400")];
        let bytes = filled(&long, &in_data(&format!("200\n{many}"), &[7; 200])).unwrap();
        assert_eq!(bytes, [7, 0].repeat(200));
    }

    #[test]
    fn a_map_that_does_not_fit_is_refused() {
        for map in
            ["0,2", "0,3,2,1", "4,1,0,2", "0,2,8,2", "0,2,4", "", "x", "0,-1", "18446744073709551615,3"]
        {
            let error = filled(&[("GNU.sparse.size", "9"), ("GNU.sparse.map", map)], b"abc").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{map}");
        }
        assert!(filled(&[("GNU.sparse.map", "0,3")], b"abc").is_err(), "its size is missing");
        for data in
            [in_data("9\n0\n2\n", b""), in_data("18446744073709551615\n", b""), vec![b'1'; 2 << 20], vec![]]
        {
            assert!(filled(&VERSION_1, &data).is_err());
        }
    }
}
