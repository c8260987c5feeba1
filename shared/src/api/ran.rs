//! How long jobs and their attempts ran.

use crate::api::jobs::{AttemptRow, JobRow};

impl JobRow {
    /// How long its latest attempt ran, if it has ended and that is known.
    #[must_use]
    pub fn ran_ms(&self) -> Option<u64> {
        ran(self.took_ms, self.started_ms, self.ended_ms)
    }
}

impl AttemptRow {
    /// How long it ran, if it has ended and that is known.
    #[must_use]
    pub fn ran_ms(&self) -> Option<u64> {
        ran(self.took_ms, Some(self.started_ms), self.ended_ms)
    }
}

/// What was measured; else what two dates say that do not contradict each other.
fn ran(took_ms: Option<u64>, started_ms: Option<u64>, ended_ms: Option<u64>) -> Option<u64> {
    took_ms.or_else(|| ended_ms?.checked_sub(started_ms?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_counts_and_dates_that_contradict_say_nothing() {
        let table = [
            ((Some(30), Some(5), Some(9)), Some(30)),
            ((Some(30), Some(9), Some(5)), Some(30)),
            ((None, Some(5), Some(9)), Some(4)),
            ((None, Some(9), Some(5)), None),
            ((None, Some(9), None), None),
            ((None, None, Some(5)), None),
        ];
        for ((took_ms, started_ms, ended_ms), expected) in table {
            assert_eq!(ran(took_ms, started_ms, ended_ms), expected);
        }
    }
}
