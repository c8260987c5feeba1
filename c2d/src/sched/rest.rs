//! Rest: a job that failed and has a retry left, or lost its worker, is tried again after a pause, so that
//! what it failed of, a network or another machine, may be back by then. Where another worker could take it,
//! it keeps away from the one before for twice as long.
//!
//! The pause doubles with each repetition. It is observed, not durable: a restart ends it.

use c2_shared::backoff::grown;
use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::Outcome;
use c2_shared::limits::{RETRY_DELAY_MAX_S, RETRY_DELAY_S};
use c2_shared::time::Mono;

use crate::sched::decision::Back;
use crate::sched::fit;
use crate::sched::place::allows;
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::workers::Worker;

impl Turn<'_> {
    /// Puts a job back that failed, and lets it rest.
    pub(crate) fn retry(&mut self, attempt: AttemptId, outcome: Outcome) {
        let worker = self.s.jobs.get(attempt.job).and_then(|job| job.worker.clone());
        self.requeue(attempt, outcome, Back::Retry);
        let Some(job) = self.s.jobs.get(attempt.job) else { return };
        let first_s = job.terms.retry_delay_s.unwrap_or(RETRY_DELAY_S);
        let (times, longest_s) = (job.terms.retries - job.retries_left, first_s.max(RETRY_DELAY_MAX_S));
        let rest_ms = grown(first_s.saturating_mul(1_000), times, longest_s.saturating_mul(1_000));
        self.rest(attempt.job, worker.as_ref(), rest_ms);
    }

    /// Lets a job rest that is back in the queue from a worker.
    pub(crate) fn rest(&mut self, job: JobId, from: Option<&WorkerId>, rest_ms: u64) {
        if rest_ms == 0 {
            return;
        }
        self.s.forget_rest(job);
        let until = self.now.mono.after_ms(rest_ms);
        self.s.rests.insert(job, until);
        self.s.resting.insert((until, job));
        self.s.reshape(job, |shape| shape.rests = true);
        if let Some(id) = from.filter(|id| self.s.has_other_place(job, id)) {
            self.s.avoid(job, id, until.after_ms(rest_ms.min(RETRY_DELAY_MAX_S * 1_000)));
        }
    }

    /// Lets jobs start again that have rested.
    pub(crate) fn end_rests(&mut self) {
        let now = self.now.mono;
        while let Some((_, job)) = self.s.resting.first().copied().filter(|(until, _)| *until <= now) {
            self.s.wake(job);
        }
    }
}

impl Scheduler {
    /// Whether another worker that is online could run a job.
    fn has_other_place(&self, job: JobId, than: &WorkerId) -> bool {
        let Some(job) = self.jobs.get(job) else { return false };
        let shape = self.queues.shape(job.shape);
        let offers = |worker: &Worker| {
            fit::could_fit(&shape.placement, worker.room())
                && worker.record.quarantine.is_none()
                && !worker.record.drained
        };
        let mut others = self.workers.values().filter(|worker| worker.id() != than && worker.is_online(self.now.mono));
        others.any(|worker| allows(shape, worker) && offers(worker))
    }

    /// When a job may start again that rests.
    pub(crate) fn rests_until(&self, job: JobId) -> Option<Mono> {
        self.rests.get(&job).copied()
    }

    /// Lets a job start that rests.
    pub(crate) fn wake(&mut self, job: JobId) {
        self.forget_rest(job);
        self.reshape(job, |shape| shape.rests = false);
    }

    pub(crate) fn forget_rest(&mut self, job: JobId) {
        if let Some(until) = self.rests.remove(&job) {
            self.resting.remove(&(until, job));
        }
    }
}
