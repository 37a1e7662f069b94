//! Prometheus durations such as `15d12h`, parsed by its rules.

use std::str::FromStr;
use std::time::Duration;

/// A duration of Prometheus (`model.ParseDuration`, <https://prometheus.io/docs/prometheus/latest/configuration/configuration/>):
/// whole numbers with units, each once, the longest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrometheusDuration(Duration);

/// Why a text is not such a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// It has another form.
    #[error("is not a valid Prometheus duration")]
    Form,
    /// It is more nanoseconds than a signed 64-bit number holds.
    #[error("is longer than the 292 years that Prometheus can count")]
    Range,
}

/// The units in the order in which they are written, in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

impl FromStr for PrometheusDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        if text == "0" {
            return Ok(Self(Duration::ZERO));
        }
        let (mut rest, mut units, mut total) = (text, &UNITS[..], 0_u64);
        while !rest.is_empty() || rest.len() == text.len() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|end| *end > 0);
            let (number, after) = rest.split_at(digits.ok_or(DurationError::Form)?);
            let unit = after.split(|c: char| c.is_ascii_digit()).next().unwrap_or(after);
            let place = units.iter().position(|(name, _)| *name == unit).ok_or(DurationError::Form)?;
            let number: u64 = number.parse().map_err(|_| DurationError::Range)?;
            let part = number.checked_mul(units[place].1).ok_or(DurationError::Range)?;
            total = total.checked_add(part).ok_or(DurationError::Range)?;
            (rest, units) = (&after[unit.len()..], &units[place + 1..]);
        }
        let is_countable = i64::try_from(total).is_ok_and(|total| total.checked_mul(1_000_000).is_some());
        if is_countable { Ok(Self(Duration::from_millis(total))) } else { Err(DurationError::Range) }
    }
}

/// The duration most likely meant by an invalid text; `default` has the unit of one without.
pub fn meant_duration(text: &str, default: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit.trim().to_lowercase().as_str() {
        "" => default.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned(),
        "mo" | "month" | "months" => {
            return Some(format!("{}d", number.parse::<u64>().ok()?.checked_mul(30)?));
        }
        "msec" | "msecs" | "millis" | "milliseconds" => "ms".to_owned(),
        "sec" | "secs" | "second" | "seconds" => "s".to_owned(),
        "min" | "mins" | "minute" | "minutes" => "m".to_owned(),
        "hr" | "hrs" | "hour" | "hours" => "h".to_owned(),
        "day" | "days" => "d".to_owned(),
        "week" | "weeks" => "w".to_owned(),
        "yr" | "year" | "years" => "y".to_owned(),
        other => other.to_owned(),
    };
    let meant = format!("{number}{unit}");
    meant.parse::<PrometheusDuration>().is_ok().then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_prometheus() {
        for (text, seconds) in [
            ("0", 0),
            ("0s", 0),
            ("15s", 15),
            ("1m30s", 90),
            ("15d12h", 15 * 86400 + 12 * 3600),
            ("1y2w3d4h5m6s7000ms", 365 * 86400 + 17 * 86400 + 4 * 3600 + 5 * 60 + 13),
            ("292y", 292 * 365 * 86400),
        ] {
            assert_eq!(text.parse(), Ok(PrometheusDuration(Duration::from_secs(seconds))), "{text}");
        }
        for text in [
            "", "15", "d", "1.5h", "-1s", "+1s", "1h1d", "1s1s", "3mo", "1 s", "1S", "1s ", "٣s", "1µs", "00",
        ] {
            assert_eq!(text.parse::<PrometheusDuration>(), Err(DurationError::Form), "{text}");
        }
        for text in ["293y", "999999999999y", "99999999999999999999s"] {
            assert_eq!(text.parse::<PrometheusDuration>(), Err(DurationError::Range), "{text}");
        }
    }

    #[test]
    fn what_was_meant_is_a_duration() {
        for (text, meant) in [
            ("90", Some("90d")),
            ("3mo", Some("90d")),
            ("5 min", Some("5m")),
            ("2Hours", Some("2h")),
            ("15D", Some("15d")),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(meant_duration(text, "15d").as_deref(), meant, "{text}");
        }
    }
}
