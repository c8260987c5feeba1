//! How many jobs ended in each of the last minutes, and how many of them failed.

use std::collections::BTreeMap;

use c2_shared::api::jobs::JobRow;
use c2_shared::job::JobState;

const MINUTE_MS: u64 = 60_000;
/// Minutes that are told.
pub(crate) const MINUTES: u64 = 15;

/// Ends by the minute of the clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends(BTreeMap<u64, Minute>);

/// Ends within a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Minute {
    pub(crate) all: u32,
    /// Those of them that failed.
    pub(crate) failed: u32,
}

impl Ends {
    /// Counts a job that has ended.
    pub(super) fn add(&mut self, row: &JobRow) {
        let Some(ended) = row.ended_ms else { return };
        let minute = self.0.entry(ended / MINUTE_MS).or_default();
        minute.all += 1;
        minute.failed += u32::from(row.state == JobState::Failed);
        while self.0.len() > usize::try_from(2 * MINUTES).unwrap_or(usize::MAX) {
            self.0.pop_first();
        }
    }

    /// The last minutes, the present one last.
    pub(crate) fn minutes(&self, now_ms: u64) -> Vec<Minute> {
        let now = now_ms / MINUTE_MS;
        ((now + 1).saturating_sub(MINUTES)..=now).map(|n| self.0.get(&n).copied().unwrap_or_default()).collect()
    }

    /// In how many milliseconds so many jobs will have ended, if it goes on like that.
    pub(crate) fn eta_ms(&self, jobs: usize, now_ms: u64) -> Option<u64> {
        let minutes = self.minutes(now_ms);
        let first = minutes.iter().position(|minute| minute.all > 0)?;
        let ends: u64 = minutes.iter().map(|minute| u64::from(minute.all)).sum();
        // Of the present minute only a part is over.
        let took = (minutes.len() - 1 - first) as u64 * MINUTE_MS + now_ms % MINUTE_MS;
        (jobs as u64 * took.max(1_000)).checked_div(ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::demo::job;

    #[test]
    fn the_last_minutes_say_when_the_queue_is_empty() {
        let mut ends = Ends::default();
        let ended = |minute: u64, state| JobRow { ended_ms: Some(minute * MINUTE_MS + 5_000), ..job(1, state) };
        for minute in 100..104 {
            (0..6).for_each(|_| ends.add(&ended(minute, JobState::Succeeded)));
        }
        ends.add(&ended(103, JobState::Failed));
        let now = 104 * MINUTE_MS;
        let minutes = ends.minutes(now);
        assert_eq!((minutes.len(), minutes[13], minutes[14]), (15, Minute { all: 7, failed: 1 }, Minute::default()));
        assert_eq!(ends.eta_ms(50, now), Some(8 * MINUTE_MS), "25 in four minutes");
        assert_eq!(ends.eta_ms(50, now + 60 * MINUTE_MS), None, "of an hour ago nothing is told");
        (0..1_000).for_each(|minute| ends.add(&ended(minute, JobState::Succeeded)));
        assert!(ends.0.len() <= 30, "old ones are forgotten");
    }
}
