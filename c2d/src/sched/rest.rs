//! Rest: a job that failed and has a retry left is tried again after a pause, so that what it failed
//! of, a network or another machine, may be back by then.
//!
//! The pause doubles with each retry. It is observed, not durable: a restart ends it.

use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::Outcome;
use c2_shared::limits::{RETRY_DELAY_MAX_S, RETRY_DELAY_S};
use c2_shared::time::Mono;

use crate::sched::blame::grown;
use crate::sched::decision::Back;
use crate::sched::scheduler::{Scheduler, Turn};

impl Turn<'_> {
    /// Puts a job back that failed, and lets it rest.
    pub(crate) fn retry(&mut self, attempt: AttemptId, outcome: Outcome) {
        self.requeue(attempt, outcome, Back::Retry);
        let Some(job) = self.s.jobs.get(attempt.job) else { return };
        let first_s = job.terms.retry_delay_s.unwrap_or(RETRY_DELAY_S);
        let (times, longest_s) = (job.terms.retries - job.retries_left, first_s.max(RETRY_DELAY_MAX_S));
        let rest_ms = grown(first_s.saturating_mul(1_000), times, longest_s.saturating_mul(1_000));
        if rest_ms > 0 {
            let until = self.now.mono.after_ms(rest_ms);
            self.s.rests.insert(attempt.job, until);
            self.s.resting.insert((until, attempt.job));
            self.s.reshape(attempt.job, |shape| shape.rests = true);
        }
    }

    /// Lets jobs start again that have rested.
    pub(crate) fn end_rests(&mut self) {
        let now = self.now.mono;
        while let Some((_, job)) = self.s.resting.first().copied().filter(|(until, _)| *until <= now) {
            self.s.forget_rest(job);
            self.s.reshape(job, |shape| shape.rests = false);
        }
    }
}

impl Scheduler {
    /// When a job may start again that rests.
    pub(crate) fn rests_until(&self, job: JobId) -> Option<Mono> {
        self.rests.get(&job).copied()
    }

    pub(crate) fn forget_rest(&mut self, job: JobId) {
        if let Some(until) = self.rests.remove(&job) {
            self.resting.remove(&(until, job));
        }
    }
}
