//! When schedules run: pure, from a point in time to the next instant.
//!
//! Fields name times of day as a clock on the wall shows them. One that does not exist, as the clock is put
//! forward, runs at the moment at which it is; one that comes twice runs the first time. So each is one
//! instant, and instants come in the order of the times.

mod fields;

use c2_shared::time::parse_duration_s;
use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

use fields::Fields;

/// Days that are looked through for the next instant: 29 February may be eight years away.
const DAYS_MAX: usize = 366 * 9;

/// What is wrong with a calendar: the field, the words, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) field: &'static str,
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// The instants of a schedule.
#[derive(Clone, Debug)]
pub(crate) struct Calendar(Rule);

#[derive(Clone, Debug)]
enum Rule {
    /// Each so many milliseconds, counted from an instant.
    Every { ms: u64, from_ms: u64 },
    /// At times of day in a zone.
    Times { fields: Fields, zone: TimeZone },
}

impl Calendar {
    /// Reads when something runs; `every` counts from `from_ms`.
    pub(crate) fn read(cron: &str, zone: &str, from_ms: u64) -> Result<Self, Mistake> {
        let zone = TimeZone::get(zone).map_err(|_| Mistake {
            field: "timezone",
            message: format!("unknown time zone {zone:?}"),
            hint: "name one like Europe/Berlin or UTC".to_owned(),
        })?;
        let wrong = |message: String| Mistake {
            field: "cron",
            message,
            hint: "write five fields like \"0 3 * * *\", a word like @daily, or \"every 15m\"".to_owned(),
        };
        let calendar = match cron.trim().strip_prefix("every ") {
            Some(span) => {
                let seconds = parse_duration_s(span.trim()).map_err(|error| wrong(error.to_string()))?;
                let ms = seconds.checked_mul(1_000).filter(|ms| *ms > 0);
                let ms = ms.ok_or_else(|| wrong(format!("{cron:?} names no time between two runs")))?;
                Self(Rule::Every { ms, from_ms })
            }
            None => Self(Rule::Times { fields: Fields::read(cron).map_err(wrong)?, zone }),
        };
        if calendar.next(from_ms).is_none() {
            return Err(wrong(format!("{cron:?} never comes")));
        }
        Ok(calendar)
    }

    /// The first instant after a point in time, in unix milliseconds.
    pub(crate) fn next(&self, after_ms: u64) -> Option<u64> {
        match &self.0 {
            Rule::Every { ms, from_ms } => {
                let passed = after_ms.saturating_sub(*from_ms) / ms;
                from_ms.checked_add(ms.checked_mul(passed + 1)?).filter(|at| timestamp(*at).is_some())
            }
            Rule::Times { fields, zone } => next_time(fields, zone, after_ms),
        }
    }
}

fn next_time(fields: &Fields, zone: &TimeZone, after_ms: u64) -> Option<u64> {
    let here = zone.to_datetime(timestamp(after_ms)?);
    let (mut date, mut from) = (here.date(), Some(here.time()));
    for _ in 0..DAYS_MAX {
        if fields.has_day(date) {
            let mut times = fields.times(from);
            // Times that come twice, and those that are put together, may be over already.
            if let Some(at) = times.find_map(|time| instant(zone, date, time).filter(|at| *at > after_ms)) {
                return Some(at);
            }
        }
        (date, from) = (date.tomorrow().ok()?, None);
    }
    None
}

/// The one instant of a time of day.
fn instant(zone: &TimeZone, date: Date, time: Time) -> Option<u64> {
    let time = date.to_datetime(time);
    let instant = match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(time).ok()?,
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(time).ok()?,
        AmbiguousOffset::Gap { before, .. } => {
            // As the clock would show it if it had not been put forward: behind the change, of which it is.
            let behind = before.to_timestamp(time).ok()?;
            zone.preceding(behind.checked_add(1.nanosecond()).ok()?).next()?.timestamp()
        }
    };
    u64::try_from(instant.as_millisecond()).ok()
}

fn timestamp(ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
}

#[cfg(test)]
pub(crate) mod oracle;
#[cfg(test)]
mod tests;
