//! Calendar dates: what day a moment is in (pure).

use std::fmt;
use std::str::FromStr;

/// A moment, in seconds since 1970-01-01T00:00:00Z; shown as in RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Moment(pub u64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, second) = (Date::from_epoch(self.0), self.0 % 86_400);
        write!(f, "{date}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
    }
}

impl FromStr for Moment {
    type Err = &'static str;

    /// Reads a day, `2026-11-28`, a moment, `2026-11-28T05:00:00Z`, or seconds since 1970.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a day or a moment in UTC: `2026-11-28` or `2026-11-28T05:00:00Z`";
        if let Ok(seconds) = text.parse() {
            return Ok(Self(seconds));
        }
        let (day, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
        let numbers = |text: &str, by: char| {
            let numbers = text.split(by).map(|part| part.parse().ok().filter(|_| part.len() <= 4));
            numbers.collect::<Option<Vec<u64>>>().and_then(|numbers| <[u64; 3]>::try_from(numbers).ok())
        };
        let [year, month, date] = numbers(day, '-').ok_or(EXPECTED)?;
        let [hour, minute, second] =
            time.strip_suffix('Z').and_then(|time| numbers(time, ':')).ok_or(EXPECTED)?;
        if !(1970..=9999).contains(&year) || hour > 23 || minute > 59 || second > 59 {
            return Err(EXPECTED);
        }
        // The day that has this date, if there is one: no year has more days than 366.
        let first = (year - 1970) * 365;
        let wanted = Date { year, month, day: date };
        let days =
            (first..first + 2400).find(|days| Date::from_epoch(days * 86_400) == wanted).ok_or(EXPECTED)?;
        Ok(Self(days * 86_400 + hour * 3600 + minute * 60 + second))
    }
}

/// A day of the Gregorian calendar, in UTC; shown as in ISO 8601.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// The year.
    pub year: u64,
    /// From 1 to 12.
    pub month: u64,
    /// From 1 to 31.
    pub day: u64,
}

impl Date {
    /// The day of the moment `epoch_seconds` after 1970-01-01T00:00:00Z.
    pub fn from_epoch(epoch_seconds: u64) -> Self {
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: with years that
        // begin in March the leap day comes last, and eras of 400 years all have 146097 days.
        let days = epoch_seconds / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        Self { year, month, day: day_of_year - (153 * march_month + 2) / 5 + 1 }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_shown() {
        for text in
            ["1970-01-01T00:00:00Z", "2026-11-28T05:06:07Z", "2024-02-29T23:59:59Z", "9999-12-31T00:00:00Z"]
        {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        }
        assert_eq!("2026-11-28".parse::<Moment>().unwrap().to_string(), "2026-11-28T00:00:00Z");
        assert_eq!("12".parse(), Ok(Moment(12)));
        for text in [
            "",
            "2026",
            "x",
            "2026-02-29",
            "2026-13-01",
            "2026-11-28T24:00:00Z",
            "2026-11-28T05:00:00",
            "1969-01-01",
        ] {
            assert!(text.parse::<Moment>().is_err() || text == "2026", "{text}");
        }
    }

    #[test]
    fn leap_days_and_turns_of_the_year_are_known() {
        for (seconds, date) in [
            (0, "1970-01-01"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_798_761_599, "2026-12-31"),
            (1_798_761_600, "2027-01-01"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(Date::from_epoch(seconds).to_string(), date);
        }
    }
}
