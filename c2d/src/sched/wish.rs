//! What operators want of a job that waits at a worker for a slot: that it be held, or become another one.
//!
//! The worker may have started it a moment ago. So the wish is written down, the job is called back, and when it
//! comes back unstarted the wish is done in the same turn. If it has started, what can be done with a job that
//! runs is done, and the rest is void.

use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::JobState;

use crate::sched::decision::{Wanted, Wish};
use crate::sched::jobs::Job;
use crate::sched::on_many::Change;
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::{Decision, Reject};

impl Turn<'_> {
    /// Notes a wish, and calls the job back.
    pub(crate) fn wish(&mut self, id: JobId, change: impl FnOnce(&mut Wish)) {
        let Some((attempt, before)) = self.s.wish_of(id) else { return };
        let mut wish = before.cloned().unwrap_or_default();
        change(&mut wish);
        let wish = Some(wish).filter(|wish| *wish != Wish::default());
        self.decide(Decision::Wish { attempt, wish });
        if let Some(worker) = self.s.jobs.get(id).and_then(|job| job.worker.clone()) {
            self.call_back([(worker, attempt)].into());
        }
    }

    /// A job came back unstarted, so what was wanted of it is done.
    pub(crate) fn fulfil_wish(&mut self, job: JobId, Wish { hold, change }: Wish) {
        if let (Some(wanted), Some(active)) = (change, self.s.jobs.get(job)) {
            let was = active.payload.clone();
            // What was found fine may not be so any more: then the job stays as it is.
            let _refused = self.change(wanted.of(job, was));
        }
        let waits = self.s.jobs.get(job).is_some_and(|job| matches!(job.state, JobState::Blocked | JobState::Queued));
        if hold && waits {
            self.decide(Decision::SetWaiting { job, state: JobState::Held });
        }
    }

    /// A job has started at its worker, so only that is done which can be done with one that runs.
    pub(crate) fn drop_wish(&mut self, attempt: AttemptId) {
        let Some((_, Some(wish))) = self.s.wish_of(attempt.job).filter(|(known, _)| *known == attempt) else { return };
        let wanted = wish.change.clone().filter(|wanted| !wanted.before_start);
        self.decide(Decision::Wish { attempt, wish: None });
        self.s.touched.jobs.insert(attempt.job);
        if let (Some(wanted), Some(active)) = (wanted, self.s.jobs.get(attempt.job)) {
            let was = active.payload.clone();
            let _refused = self.change(wanted.of(attempt.job, was));
        }
    }
}

impl Wanted {
    fn of(self, job: JobId, was: std::sync::Arc<str>) -> Change {
        let Self { new, depends, limit_s, before_start } = self;
        Change { job, was, new, depends, limit_s, fixed: before_start.then_some("what it runs") }
    }
}

impl Scheduler {
    /// The attempt of a job that was given ahead, with what is wanted of the job if it comes back.
    pub(crate) fn wish_of(&self, id: JobId) -> Option<(AttemptId, Option<&Wish>)> {
        let job = self.jobs.get(id).filter(|job| job.state == JobState::Running)?;
        let attempt = AttemptId { job: id, number: job.attempt };
        let grant = self.workers.get(job.worker.as_ref()?)?.grants.get(&attempt)?;
        grant.ahead.then_some((attempt, grant.wish.as_ref()))
    }

    /// Whether something is wanted of a job that was not done yet, as the job may have started.
    pub fn is_wanted(&self, id: JobId) -> bool {
        self.wish_of(id).is_some_and(|(_, wish)| wish.is_some())
    }

    /// Whether a job waits at a worker and another change of it waits with it.
    pub(crate) fn refuse_second_change(&self, job: &Job) -> Result<(), Reject> {
        let wish = self.wish_of(job.id).and_then(|(_, wish)| wish);
        match wish.and_then(|wish| wish.change.as_ref()) {
            Some(_) => Err(Reject::Changed { job: job.id }),
            None => Ok(()),
        }
    }
}
