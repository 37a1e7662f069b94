//! The single timestamp used throughout an image, in UTC.

use crate::date::Date;
use crate::iso9660::SeedError;

/// A moment in the two forms of ECMA-119.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timestamp {
    /// Years since 1900.
    year: u8,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl Timestamp {
    /// The moment `epoch_seconds` after 1970-01-01T00:00:00Z.
    pub(super) fn at(epoch_seconds: u64) -> Result<Self, SeedError> {
        let too_late = |_| SeedError::Time { epoch_seconds };
        let small = |number: u64| u8::try_from(number).map_err(too_late);
        let Date { year, month, day } = Date::from_epoch(epoch_seconds);
        Ok(Self {
            year: small(year - 1900)?,
            month: small(month)?,
            day: small(day)?,
            hour: small(epoch_seconds / 3_600 % 24)?,
            minute: small(epoch_seconds / 60 % 60)?,
            second: small(epoch_seconds % 60)?,
        })
    }

    /// The moment that a directory record has, if that is one and in UTC.
    pub(super) fn in_record_of([year, month, day, hour, minute, second, zone]: [u8; 7]) -> Option<Self> {
        let is_one = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
        (is_one && second < 60 && zone == 0).then_some(Self { year, month, day, hour, minute, second })
    }

    /// As directory records and Rock Ridge have it (ECMA-119 9.1.5): numbers, the last the offset from UTC.
    pub(super) fn in_record(self) -> [u8; 7] {
        [self.year, self.month, self.day, self.hour, self.minute, self.second, 0]
    }

    /// As volume descriptors have it (ECMA-119 8.4.26.1): 16 digits to the hundredth, then the offset from UTC.
    pub(super) fn in_descriptor(self) -> [u8; 17] {
        let Self { year, month, day, hour, minute, second } = self;
        let year = 1900 + u16::from(year);
        let digits = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}00");
        let mut field = [0; 17];
        field[..16].copy_from_slice(digits.as_bytes());
        field
    }
}

/// "Not specified" in a volume descriptor (ECMA-119 8.4.26.1).
pub(super) const NO_TIME: [u8; 17] = *b"0000000000000000\0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_the_dates_that_calendars_have() {
        for (seconds, digits) in [
            (0, "1970010100000000"),
            (951_782_399, "2000022823595900"),
            (951_782_400, "2000022900000000"),
            (1_709_251_199, "2024022923595900"),
            (4_107_542_400, "2100030100000000"),
            (5_869_583_999, "2155123123595900"),
        ] {
            let field = Timestamp::at(seconds).unwrap().in_descriptor();
            assert_eq!(std::str::from_utf8(&field[..16]).unwrap(), digits, "{seconds}");
            assert_eq!(field[16], 0);
        }
        assert_eq!(Timestamp::at(1_709_251_199).unwrap().in_record(), [124, 2, 29, 23, 59, 59, 0]);
    }

    #[test]
    fn times_past_the_last_year_are_refused() {
        for seconds in [5_869_584_000, u64::MAX] {
            assert!(matches!(Timestamp::at(seconds), Err(SeedError::Time { .. })));
        }
    }
}
