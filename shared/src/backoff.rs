//! Pauses before another try: the README's back-off of an agent whose c2d does not answer, 1, 2, 4, 8, then 10 s,
//! and others that double.

use std::time::Duration;

use crate::limits::BACKOFF_S;

/// Counts failures in a row and says how long to wait before the next try.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    failures: usize,
}

impl Backoff {
    /// The wait before the next try, shortened by up to a quarter by `jitter` (0 to 1), so that a
    /// hundred agents do not return in the same instant after c2d restarted.
    pub fn next(&mut self, jitter: f64) -> Duration {
        let step = BACKOFF_S[self.failures.min(BACKOFF_S.len() - 1)];
        self.failures += 1;
        Duration::from_secs(step).mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0))
    }

    /// Starts again at the first step, after an answer.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row so far.
    #[must_use]
    pub const fn failures(&self) -> usize {
        self.failures
    }
}

/// A time that doubles with each repetition, from the first on.
#[must_use]
pub fn grown(first_ms: u64, times: u32, max_ms: u64) -> u64 {
    first_ms.saturating_mul(1_u64.checked_shl(times.saturating_sub(1)).unwrap_or(u64::MAX)).min(max_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_the_readme() {
        let mut backoff = Backoff::default();
        let steps: Vec<u64> = (0..7).map(|_| backoff.next(0.0).as_secs()).collect();
        assert_eq!(steps, [1, 2, 4, 8, 10, 10, 10]);
        backoff.reset();
        assert_eq!(backoff.next(1.0), Duration::from_millis(750));
    }
}
