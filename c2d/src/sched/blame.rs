//! Blame: what a machine could not start is not its job's failure.
//!
//! The job goes back to the queue, uses up neither a retry nor a crash, and goes elsewhere first: it
//! avoids that worker for a minute, twice as long each time. A lone worker gets it again after that.
//! The worker takes nothing for a second, twice as long each time until a command has started there.
//! All of it is observed, not durable: a restart forgets it.

use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::Outcome;
use c2_shared::limits::{AVOID_MAX_MS, AVOID_MS, FAULT_PAUSE_MAX_MS, FAULT_PAUSE_MS};
use c2_shared::time::Mono;

use crate::sched::Note;
use crate::sched::decision::Back;
use crate::sched::queues::Shape;
use crate::sched::scheduler::{Scheduler, Turn};

/// A worker that could not start a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What it said.
    pub(crate) reason: String,
    /// Pauses in a row.
    pauses: u32,
    /// When it takes work again.
    pub(crate) until: Mono,
    /// It takes work again, and has not started anything yet.
    pub(crate) over: bool,
}

/// A job that a worker could not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avoided {
    /// How often.
    times: u32,
    /// When it may go there again.
    pub(crate) until: Mono,
}

impl Turn<'_> {
    /// A worker could not start an attempt.
    pub(crate) fn blame(&mut self, id: &WorkerId, attempt: AttemptId, reason: &str) {
        let now = self.now.mono;
        self.requeue(attempt, Outcome::Setup { reason: reason.to_owned() }, Back::Returned);
        self.s.avoid(attempt.job, id, now);
        let fault = &mut self.s.known(id).presence.fault;
        let mut pause_ms = 0;
        // Jobs that were given together fail together; that is one fault.
        if fault.as_ref().is_none_or(|fault| fault.over) {
            let pauses = fault.as_ref().map_or(0, |fault| fault.pauses) + 1;
            pause_ms = grown(FAULT_PAUSE_MS, pauses, FAULT_PAUSE_MAX_MS);
            *fault = Some(Fault { reason: reason.to_owned(), pauses, until: now.after_ms(pause_ms), over: false });
        }
        self.s.touch_worker(id);
        let worker = self.s.who(id);
        self.s.touched.notes.push(Note::Faulty { worker, attempt, reason: reason.to_owned(), pause_ms });
    }

    /// A command started there, so the machine is fit for work.
    pub(crate) fn clear_fault(&mut self, id: &WorkerId) {
        if let Some(worker) = self.s.workers.get_mut(id)
            && worker.presence.fault.take().is_some()
        {
            self.s.fresh.workers.insert(id.clone());
            self.s.touch_worker(id);
        }
    }

    /// Lets a worker take work again whose pause is over.
    pub(crate) fn end_pause(&mut self, id: &WorkerId) {
        let now = self.now.mono;
        if let Some(fault) = &mut self.s.known(id).presence.fault
            && !fault.over
            && fault.until <= now
        {
            fault.over = true;
            self.s.fresh.workers.insert(id.clone());
        }
    }

    /// Lets jobs go again where they could not be started.
    pub(crate) fn end_avoiding(&mut self) {
        let now = self.now.mono;
        while self.s.avoiding.first().is_some_and(|(until, ..)| *until <= now)
            && let Some((_, job, id)) = self.s.avoiding.pop_first()
        {
            self.s.reshape(job, |shape| shape.avoid.retain(|other| *other != id));
        }
    }
}

impl Scheduler {
    fn avoid(&mut self, job: JobId, id: &WorkerId, now: Mono) {
        let avoided = self.avoided.entry((job, id.clone())).or_insert(Avoided { times: 0, until: now });
        self.avoiding.remove(&(avoided.until, job, id.clone()));
        avoided.times += 1;
        avoided.until = now.after_ms(grown(AVOID_MS, avoided.times, AVOID_MAX_MS));
        self.avoiding.insert((avoided.until, job, id.clone()));
        self.reshape(job, |shape| {
            shape.avoid.retain(|other| other != id);
            shape.avoid.push(id.clone());
            shape.avoid.sort_unstable();
        });
    }

    /// Forgets what was noted of a job that ended.
    pub(crate) fn forget_avoided(&mut self, job: JobId) {
        let first = (job, WorkerId::default());
        while let Some((key, avoided)) = self.avoided.range(&first..).next().filter(|((id, _), _)| *id == job) {
            let (key, until) = (key.clone(), avoided.until);
            self.avoided.remove(&key);
            self.avoiding.remove(&(until, job, key.1));
        }
    }

    /// Changes what a job asks of a worker, in its queue too if it waits there.
    pub(crate) fn reshape(&mut self, id: JobId, change: impl FnOnce(&mut Shape)) {
        let Some(job) = self.jobs.get(id) else { return };
        let (old, waits) = (job.shape, job.state == c2_shared::job::JobState::Queued);
        let priority = job.terms.priority;
        let mut shape = self.queues.shape(old).clone();
        change(&mut shape);
        let new = self.queues.enter(shape);
        if waits {
            self.queues.remove(old, priority, id);
            self.queues.push(new, priority, id);
            self.fresh.shapes.insert(new);
        }
        self.queues.leave(old);
        if let Some(job) = self.jobs.get_mut(id) {
            job.shape = new;
        }
    }
}

/// A time that doubles with each repetition.
pub(crate) fn grown(first_ms: u64, times: u32, max_ms: u64) -> u64 {
    first_ms.saturating_mul(1_u64.checked_shl(times.saturating_sub(1)).unwrap_or(u64::MAX)).min(max_ms)
}
