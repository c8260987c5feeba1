//! Points in time and spans as plain numbers: arithmetic and texts, never a clock.
//!
//! Two kinds of time exist and are never mixed: [`Mono`] for deciding (leases, timeouts) and unix
//! milliseconds for showing. Code that needs the present time is given it.

/// A point on a machine's monotonic clock, in milliseconds from an arbitrary start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mono(pub u64);

impl Mono {
    /// The point `ms` milliseconds later.
    #[must_use]
    pub const fn after_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds since `earlier`, zero if it lies ahead.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Says that a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration like 90, 90s, 5m or 2h30m")]
pub struct DurationError(String);

/// Units of a duration as people write them, with their seconds.
const UNITS: [(&[&str], u64); 5] = [
    (&["s", "sec", "secs", "second", "seconds"], 1),
    (&["m", "min", "mins", "minute", "minutes"], 60),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600),
    (&["d", "day", "days"], 86_400),
    (&["w", "week", "weeks"], 604_800),
];

/// Reads a duration in seconds: a bare number, or numbers with units (`2h30m`, `1 hour 30 min`).
///
/// # Errors
/// When the text has another form or does not fit 64 bits.
pub fn parse_duration_s(text: &str) -> Result<u64, DurationError> {
    let fail = || DurationError(text.to_owned());
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let (mut total, mut rest) = (0_u64, text);
    loop {
        let (digits, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        let behind = behind.strip_prefix(' ').unwrap_or(behind);
        let (word, behind) = behind.split_at(behind.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(behind.len()));
        let count: u64 = digits.parse().map_err(|_| fail())?;
        let (_, unit) = UNITS.iter().find(|(words, _)| words.contains(&word)).ok_or_else(fail)?;
        total = count.checked_mul(*unit).and_then(|s| total.checked_add(s)).ok_or_else(fail)?;
        if behind.is_empty() {
            return Ok(total);
        }
        rest = behind.strip_prefix(' ').unwrap_or(behind);
    }
}

/// Writes a span for people, in the two largest units: `450ms`, `3.2s`, `4m05s`, `2h30m`, `3d04h`.
#[must_use]
pub fn span(ms: u64) -> String {
    let s = ms / 1_000;
    match s {
        0 => format!("{ms}ms"),
        1..=9 => format!("{s}.{}s", ms % 1_000 / 100),
        10..=59 => format!("{s}s"),
        60..=3_599 => format!("{}m{:02}s", s / 60, s % 60),
        3_600..=86_399 => format!("{}h{:02}m", s / 3_600, s % 3_600 / 60),
        _ => format!("{}d{:02}h", s / 86_400, s % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let table = [
            ("90", 90),
            ("90s", 90),
            ("5m", 300),
            ("2h30m", 9_000),
            ("1d", 86_400),
            ("0", 0),
            ("5min", 300),
            ("1h 30m", 5_400),
            ("90 seconds", 90),
            ("1 hour 30 minutes", 5_400),
            ("2w", 1_209_600),
        ];
        for (text, seconds) in table {
            assert_eq!(parse_duration_s(text), Ok(seconds), "{text}");
        }
        let huge = ["99999999999999999999", "999999999999999999d"];
        let bad = ["", "s", "5x", "2h30", "-1", "1.5s", "5M", "2h  3m", "2h ", " 2h", "1:00:00", "5 m m", "100ms"];
        for bad in bad.into_iter().chain(huge) {
            assert!(parse_duration_s(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn spans() {
        let table = [
            (0, "0ms"),
            (450, "450ms"),
            (3_240, "3.2s"),
            (12_000, "12s"),
            (245_000, "4m05s"),
            (9_000_000, "2h30m"),
            (273_600_000, "3d04h"),
        ];
        for (ms, text) in table {
            assert_eq!(span(ms), text);
        }
    }
}
