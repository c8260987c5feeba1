//! The one place of the console that reads a clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use c2_shared::time::Mono;
use jiff::ZonedDateTime;

use crate::app::Now;

/// Tells the time since it was made, and the time of day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: read().0 }
    }

    pub(crate) fn now(&self) -> Now {
        let (instant, wall) = read();
        let since = instant.saturating_duration_since(self.start).as_millis();
        let wall = wall.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        Now { mono: Mono(u64::try_from(since).unwrap_or(u64::MAX)), wall_ms: u64::try_from(wall).unwrap_or(u64::MAX) }
    }

    /// A point of this clock for the runtime's timers.
    pub(crate) fn instant(&self, at: Mono) -> tokio::time::Instant {
        (self.start + std::time::Duration::from_millis(at.0)).into()
    }
}

/// Unix time in milliseconds; cheaper than the operator's time of day, whose zone has to be found.
pub(crate) fn wall_ms() -> u64 {
    let wall = read().1.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)
}

/// The operator's time of day.
#[expect(clippy::disallowed_methods, reason = "the one place that reads a clock")]
pub(crate) fn here() -> ZonedDateTime {
    ZonedDateTime::now()
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads a clock")]
fn read() -> (Instant, SystemTime) {
    (Instant::now(), SystemTime::now())
}
