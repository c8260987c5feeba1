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

/// Reads a duration in seconds: a bare number, or numbers with `s`, `m`, `h`, `d` (`2h30m`).
///
/// # Errors
/// When the text has another form or does not fit 64 bits.
pub fn parse_duration_s(text: &str) -> Result<u64, DurationError> {
    let fail = || DurationError(text.to_owned());
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let (mut total, mut digits) = (0_u64, String::new());
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(fail()),
        };
        let count: u64 = digits.parse().map_err(|_| fail())?;
        total = count.checked_mul(unit).and_then(|s| total.checked_add(s)).ok_or_else(fail)?;
        digits.clear();
    }
    if digits.is_empty() && !text.is_empty() { Ok(total) } else { Err(fail()) }
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
        let table = [("90", 90), ("90s", 90), ("5m", 300), ("2h30m", 9_000), ("1d", 86_400), ("0", 0)];
        for (text, seconds) in table {
            assert_eq!(parse_duration_s(text), Ok(seconds), "{text}");
        }
        for bad in ["", "s", "5x", "2h30", "-1", "1.5s", "99999999999999999999", "999999999999999999d"] {
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
