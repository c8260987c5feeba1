//! Points in time as they are typed: a span from now, a time of day, or a date.
//!
//! What a text says counts in full or the text is refused; jiff's own readers drop what they do not
//! need, so that a time of day would be found in any date.

use c2_shared::time::parse_duration_s;
use jiff::civil::Time;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

use crate::clock;
use crate::command::foreign_time;

/// Reads a point in time as unix milliseconds, in the operator's time zone unless it names an offset.
pub(crate) fn parse_ms(text: &str) -> Result<u64, String> {
    let now = clock::here();
    let time = read(text, &now).ok_or_else(|| {
        if let Some(written) = habit(text, &now) {
            return format!("{text:?} is not a time; write {written}");
        }
        if let Some((_, name)) = text.rsplit_once(' ')
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && TimeZone::get(name).is_err()
        {
            return format!("unknown time zone {name:?}");
        }
        format!("{text:?} is not a time like 18:00, +2h30m, 2030-01-31 or 2030-01-31T08:00 Europe/Berlin")
    })?;
    u64::try_from(time.as_millisecond()).map_err(|_| format!("{text:?} lies before 1970"))
}

fn read(text: &str, now: &ZonedDateTime) -> Option<Timestamp> {
    if let Some(span) = text.strip_prefix('+') {
        let seconds = i64::try_from(parse_duration_s(span).ok()?).ok()?;
        return now.timestamp().checked_add(SignedDuration::from_secs(seconds)).ok();
    }
    // Only with a colon: 2030 is a year to some and half past eight to others.
    let digits = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b':').count();
    let (time, place) = text.split_at(digits);
    if time.contains(':') {
        let hour = if time.find(':') == Some(1) { "0" } else { "" };
        return next(&now.with_time_zone(zone(place, now)?), format!("{hour}{time}").parse().ok()?);
    }
    match text.rsplit_once(' ') {
        Some((date_time, name)) if name.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            date(&format!("{date_time}[{name}]"), now.time_zone())
        }
        _ => date(text, now.time_zone()),
    }
}

/// How what people are used to is written here: spans without a sign, and the times of at(1).
fn habit(text: &str, now: &ZonedDateTime) -> Option<String> {
    let span = text.strip_prefix("in ").unwrap_or(text).trim();
    if parse_duration_s(span).is_ok() && span.contains(|c: char| c.is_ascii_alphabetic()) {
        return Some(format!("+{}", span.replace(' ', "")));
    }
    foreign_time::whole(text, now).filter(|written| read(written, now).is_some())
}

/// The zone that stands behind a time of day: a name, an offset, or nothing.
fn zone(text: &str, now: &ZonedDateTime) -> Option<TimeZone> {
    if text.is_empty() {
        return Some(now.time_zone().clone());
    }
    if let Some(name) = text.strip_prefix(' ').or_else(|| text.strip_prefix('[')?.strip_suffix(']')) {
        return TimeZone::get(name).ok();
    }
    // The reader of dates knows the offsets; any date will do.
    let pieces = format!("2000-01-01T00:00{text}");
    Some(TimeZone::fixed(Pieces::parse(&pieces).ok()?.to_numeric_offset()?))
}

/// When a clock shows this time next, today or tomorrow.
fn next(now: &ZonedDateTime, time: Time) -> Option<Timestamp> {
    let on = |date: jiff::civil::Date| date.to_datetime(time).to_zoned_datetime(now.time_zone().clone()).ok();
    let today = on(now.date())?;
    let next = if today > *now { today } else { on(now.date().tomorrow().ok()?)? };
    Some(next.timestamp())
}

/// A date, its beginning or a time of it, in `zone` unless it says otherwise.
fn date(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if text.contains('[') {
        return Some(text.parse::<ZonedDateTime>().ok()?.timestamp());
    }
    let pieces = Pieces::parse(text).ok()?;
    let time = pieces.date().to_datetime(pieces.time().unwrap_or_default());
    match pieces.to_numeric_offset() {
        Some(offset) => offset.to_timestamp(time).ok(),
        None => Some(time.to_zoned_datetime(zone.clone()).ok()?.timestamp()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In New York at noon of a day in winter.
    fn seen(text: &str) -> Option<String> {
        let now = "2026-11-24T12:00[America/New_York]".parse().unwrap();
        read(text, &now).map(|time| time.to_string())
    }

    #[test]
    fn times_mean_what_they_say() {
        let table = [
            ("18:00", "2026-11-24T23:00:00Z"),
            ("12:00", "2026-11-25T17:00:00Z"),
            ("08:30", "2026-11-25T13:30:00Z"),
            ("8:30", "2026-11-25T13:30:00Z"),
            ("08:30:15", "2026-11-25T13:30:15Z"),
            ("18:00Z", "2026-11-24T18:00:00Z"),
            ("18:00+02:00", "2026-11-25T16:00:00Z"),
            ("18:00 Europe/Berlin", "2026-11-25T17:00:00Z"),
            ("18:00[Asia/Kolkata]", "2026-11-25T12:30:00Z"),
            ("+2h", "2026-11-24T19:00:00Z"),
            ("+90", "2026-11-24T17:01:30Z"),
            ("2030-01-31", "2030-01-31T05:00:00Z"),
            ("2030-01-31T08:00", "2030-01-31T13:00:00Z"),
            ("2030-01-31 08:00", "2030-01-31T13:00:00Z"),
            ("2030-07-31T08:00", "2030-07-31T12:00:00Z"),
            ("2030-01-31T08:00:30", "2030-01-31T13:00:30Z"),
            ("2030-01-31 08:00:30.5", "2030-01-31T13:00:30.5Z"),
            ("2030-01-31T08:00Z", "2030-01-31T08:00:00Z"),
            ("2030-01-31 08:00:30z", "2030-01-31T08:00:30Z"),
            ("2030-01-31T08:00+02:00", "2030-01-31T06:00:00Z"),
            ("2030-01-31 08:00:00+0200", "2030-01-31T06:00:00Z"),
            ("2030-01-31T08:00-05", "2030-01-31T13:00:00Z"),
            ("2030-01-31T23:30-11:00", "2030-02-01T10:30:00Z"),
            ("20300131T080000Z", "2030-01-31T08:00:00Z"),
            ("2030-01-31T08:00[Europe/Berlin]", "2030-01-31T07:00:00Z"),
            ("2030-01-31T08:00 Europe/Berlin", "2030-01-31T07:00:00Z"),
            ("2030-07-31 08:00 Europe/Berlin", "2030-07-31T06:00:00Z"),
            ("2030-01-31 Asia/Tokyo", "2030-01-30T15:00:00Z"),
            // In the night when clocks go back half past one comes twice: the first counts.
            ("2030-11-03T01:30", "2030-11-03T05:30:00Z"),
            // In the night when clocks go forward there is no half past two.
            ("2030-03-10T02:30", "2030-03-10T07:30:00Z"),
        ];
        for (text, expected) in table {
            assert_eq!(seen(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let table = [
            "",
            "+",
            "soon",
            "tomorrow",
            "25:00",
            "8:00pm",
            "2030",
            "1800",
            "T18:00",
            "8:00 pm",
            "18:00 Foo/Bar",
            "18:00[Europe/Berlin",
            "18:00x",
            "18:00+99:00",
            "2030-01",
            "2030-02-30",
            "31.01.2030",
            "01/31/2030",
            "2030-01-31T",
            "2030-01-31T25:00",
            "2030-01-31T08:00 pm",
            "2030-01-31T08:00+05:00 Europe/Berlin",
            "2030-01-31T08:00[Foo/Bar]",
            "2030-01-31T08:00+05:00[Europe/Berlin]",
            "2030-01-31Z",
            "2030-01-31T08:00x",
            " 2030-01-31",
            "next 2030-01-31T08:00",
            "99999999999",
        ];
        for text in table {
            assert_eq!(seen(text), None, "{text}");
        }
        assert_eq!(parse_ms("in 2h").unwrap_err(), "\"in 2h\" is not a time; write +2h");
        let words = "\"soon\" is not a time like 18:00, +2h30m, 2030-01-31 or 2030-01-31T08:00 Europe/Berlin";
        assert_eq!(parse_ms("soon").unwrap_err(), words);
        assert_eq!(parse_ms("1960-01-01T00:00Z").unwrap_err(), "\"1960-01-01T00:00Z\" lies before 1970");
    }

    #[test]
    fn what_people_write_elsewhere_leads_to_what_is_read() {
        let now = "2026-11-24T12:00[America/New_York]".parse().unwrap();
        let table = [
            ("in 2 hours", "+2hours"),
            ("2h", "+2h"),
            ("now + 5 minutes", "+5m"),
            ("now+5min", "+5m"),
            ("8:00pm", "20:00"),
            ("8:05 PM", "20:05"),
            ("3pm", "15:00"),
            ("12am", "00:00"),
            ("today 18:00", "18:00"),
            ("noon", "12:00"),
            ("tomorrow", "+1d"),
            ("tomorrow 8:30", "2026-11-25T08:30"),
            ("7am tomorrow", "2026-11-25T07:00"),
        ];
        for (text, right) in table {
            assert_eq!(habit(text, &now).as_deref(), Some(right), "{text}");
            assert!(seen(text).is_none() && seen(right).is_some(), "{text}");
        }
        for text in ["", "soon", "now", "2030-02-30", "13pm", "25:00", "18:00x", "8:00 cm", "tomorrow evening"] {
            assert_eq!(habit(text, &now), None, "{text}");
        }
    }

    #[test]
    fn zones_are_known_where_the_machine_knows_none() {
        let bundled = jiff::tz::TimeZoneDatabase::bundled();
        for name in ["Europe/Berlin", "America/New_York", "Asia/Kolkata"] {
            assert!(bundled.get(name).is_ok(), "{name}");
        }
    }
}
