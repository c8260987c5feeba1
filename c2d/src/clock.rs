//! The one place in c2d that reads a clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use c2_shared::time::Mono;

use crate::sched::Now;

/// Reads the two clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts counting.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The present.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    pub fn now(&self) -> Now {
        let ms = |d: std::time::Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        let wall_ms = ms(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        Now { mono: Mono(ms(self.start.elapsed())), wall_ms }
    }

    /// The tokio time at which the monotonic clock will show `at`.
    pub fn tokio_instant(&self, at: Mono) -> tokio::time::Instant {
        (self.start + std::time::Duration::from_millis(at.0)).into()
    }
}
