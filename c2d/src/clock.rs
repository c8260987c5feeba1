//! The one place in c2d that reads a clock, and goes on counting where the last run of c2d ended.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use c2_shared::time::Mono;
use rustix::time::{ClockId, clock_gettime};

use crate::sched::Now;

/// Milliseconds since the machine was started, also those for which it slept or a process was stopped.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock that never stops")]
pub fn boot_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec.unsigned_abs() * 1_000 + now.tv_nsec.unsigned_abs() / 1_000_000
}

/// Reads the clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    /// What earlier runs saw.
    seen_before_ms: u64,
}

impl Clock {
    /// Starts counting, after so much that earlier runs saw.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    pub fn start(seen_before_ms: u64) -> Self {
        Self { start: Instant::now(), seen_before_ms }
    }

    /// The present.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    pub fn now(&self) -> Now {
        let ms = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        let wall_ms = ms(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        let mono = Mono(ms(self.start.elapsed()));
        Now { mono, wall_ms, seen_ms: self.seen_before_ms.saturating_add(mono.0) }
    }

    /// The tokio time at which the monotonic clock will show `at`.
    pub fn tokio_instant(&self, at: Mono) -> tokio::time::Instant {
        (self.start + Duration::from_millis(at.0)).into()
    }
}
