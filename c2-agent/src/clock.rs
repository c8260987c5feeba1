//! The one place in the agent that reads a clock.
//!
//! Two clocks decide: [`awake`] stands still while the machine sleeps and measures what a job may
//! take; [`elapsed`] goes on and measures leases, which c2d lets run out meanwhile.

use std::time::Instant;

use c2_shared::time::Mono;
use rustix::time::{ClockId, clock_gettime};

/// Time in which the machine was awake.
pub(crate) fn awake() -> Mono {
    Mono(read_ms(ClockId::Monotonic))
}

/// All time, also that in which the machine slept.
pub(crate) fn elapsed() -> Mono {
    Mono(read_ms(ClockId::Boottime))
}

/// The wall clock in unix milliseconds; for showing, never for deciding.
pub(crate) fn wall_ms() -> u64 {
    read_ms(ClockId::Realtime)
}

/// A point to measure a short span from.
#[expect(clippy::disallowed_methods, reason = "the one place that reads a clock")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads a clock")]
fn read_ms(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let milliseconds = u64::try_from(time.tv_nsec / 1_000_000).unwrap_or_default();
    seconds * 1_000 + milliseconds
}
