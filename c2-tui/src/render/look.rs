//! How texts look: width, colours and the time zone, and the few styles that exist.

use c2_shared::job::JobState;
use c2_shared::worker::WorkerStatus;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// From this width on tables need not save room.
const WIDE: u16 = 120;

/// Whatever the words themselves do not decide.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// Columns there are; `u16::MAX` where nothing need be cut.
    pub(crate) width: u16,
    /// Whether styles are written out.
    pub(crate) colour: bool,
    /// The zone in which times are shown; asked for with the first of them, as to find it takes a millisecond.
    pub(crate) zone: fn() -> TimeZone,
}

/// A style, always beside a word that says the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    /// As the terminal writes.
    #[default]
    Plain,
    Head,
    Good,
    Bad,
    /// Something is going on.
    Busy,
    Waiting,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Head => "1",
            Self::Good => "32",
            Self::Bad => "31",
            Self::Busy => "36",
            Self::Waiting => "33",
        }
    }
}

impl From<JobState> for Style {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Blocked | JobState::Held => Self::Waiting,
            JobState::Queued => Self::Plain,
            JobState::Running => Self::Busy,
            JobState::Succeeded => Self::Good,
            JobState::Failed | JobState::Cancelled => Self::Bad,
        }
    }
}

impl From<WorkerStatus> for Style {
    fn from(status: WorkerStatus) -> Self {
        match status {
            WorkerStatus::Online => Self::Good,
            WorkerStatus::Draining | WorkerStatus::Asleep | WorkerStatus::Waking => Self::Waiting,
            WorkerStatus::Offline | WorkerStatus::Quarantined | WorkerStatus::Unknown => Self::Bad,
        }
    }
}

impl Look {
    /// The text in a style, if colours are wanted.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        if self.colour && style != Style::Plain && !text.is_empty() {
            format!("\x1b[{}m{text}\x1b[0m", style.code())
        } else {
            text.to_owned()
        }
    }

    /// A point in time to the second.
    pub(crate) fn time(&self, unix_ms: u64) -> String {
        format("%Y-%m-%d %H:%M:%S", (self.zone)(), unix_ms)
    }

    /// A point in time that somebody chose, with the zone in which it is shown.
    pub(crate) fn moment(&self, unix_ms: u64) -> String {
        self.moment_in((self.zone)(), unix_ms)
    }

    /// The same, in another zone.
    pub(crate) fn moment_in(&self, zone: TimeZone, unix_ms: u64) -> String {
        format("%Y-%m-%d %H:%M:%S %Z", zone, unix_ms)
    }

    /// A point in time for a column of many, without the year where there is little room.
    pub(crate) fn table_time(&self, unix_ms: u64) -> String {
        if self.width < WIDE { format("%m-%d %H:%M:%S", (self.zone)(), unix_ms) } else { self.time(unix_ms) }
    }

    /// A point in time for a column.
    pub(crate) fn short_time(&self, unix_ms: u64) -> String {
        format("%m-%d %H:%M", (self.zone)(), unix_ms)
    }
}

fn format(form: &str, zone: TimeZone, unix_ms: u64) -> String {
    let time = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(|| "?".to_owned(), |time| time.to_zoned_datetime(zone).strftime(form).to_string())
}

/// A number of bytes for people, in binary units as machines count memory.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut whole, mut rest, mut unit) = (n, 0, "B");
    for next in UNITS {
        if whole < 1_024 {
            break;
        }
        (rest, whole, unit) = (whole % 1_024, whole / 1_024, next);
    }
    if whole < 10 && unit != "B" { format!("{whole}.{} {unit}", rest * 10 / 1_024) } else { format!("{whole} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_bytes() {
        let table = [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_536, "1.5 KiB"),
            (10 * 1_024 * 1_024, "10 MiB"),
            (67_430_000_000, "62 GiB"),
            (u64::MAX, "16383 PiB"),
        ];
        for (n, text) in table {
            assert_eq!(bytes(n), text);
        }
    }

    #[test]
    fn times_and_styles() {
        let look = Look { width: 80, colour: true, zone: || TimeZone::UTC };
        assert_eq!(look.time(1_700_000_000_000), "2023-11-14 22:13:20");
        assert_eq!(look.short_time(u64::MAX), "?");
        assert_eq!(look.paint(Style::Bad, "failed"), "\x1b[31mfailed\x1b[0m");
        assert_eq!(look.paint(Style::Plain, "x"), "x");
        assert_eq!(Look { colour: false, ..look }.paint(Style::Bad, "failed"), "failed");
    }
}
