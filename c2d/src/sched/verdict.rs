//! How attempts end: by a result, by a worker that no longer has them, or by silence.
//!
//! A result counts only for the newest attempt of its job; everything older is fenced. The slot
//! and the tags are a different matter: they are free when the worker says that the processes are
//! gone, and not before, whatever became of the job meanwhile.

use std::sync::Arc;

use c2_shared::backoff::grown;
use c2_shared::id::{AttemptId, WorkerId};
use c2_shared::job::{JobState, OnLost, Outcome};
use c2_shared::limits::{CRASH_LIMIT, RETRY_DELAY_MAX_S, RETRY_DELAY_S};

use crate::sched::decision::Back;
use crate::sched::event::{ResultFate, ResultSummary, Returned};
use crate::sched::scheduler::Turn;
use crate::sched::workers::{Grant, Heard};
use crate::sched::{Decision, Note};

/// How long a job rests that lost its worker, and at most, as before a retry; twice as long each time.
pub(crate) const CRASH_REST_MS: u64 = RETRY_DELAY_S * 1_000;
const CRASH_REST_MAX_MS: u64 = RETRY_DELAY_MAX_S * 1_000;

/// What becomes of a job whose running attempt is lost, in most cases.
const CRASH: Back = Back::Lost { crash: true };

impl Turn<'_> {
    /// Takes a result and frees what its attempt held.
    pub(crate) fn record_result(&mut self, id: &WorkerId, result: &ResultSummary) -> ResultFate {
        let attempt = result.attempt;
        let fate = self.fate(id, attempt);
        if result.outcome.ran_to_an_end() {
            self.trust(id);
        }
        self.note_result(id, result);
        if fate == ResultFate::Recorded {
            self.conclude(id, result);
        } else {
            let (foreign, worker) = (self.s.is_foreign(id, attempt), self.s.who(id));
            let note = if foreign { Note::Foreign { worker, attempt } } else { Note::Unwanted { worker, attempt } };
            self.s.touched.notes.push(note);
        }
        self.free(id, attempt);
        fate
    }

    /// Takes back an attempt that was not started, and frees what it held.
    pub(crate) fn return_attempt(&mut self, id: &WorkerId, returned: &Returned) {
        if self.fate(id, returned.attempt) == ResultFate::Recorded {
            self.take_back(id, returned);
        }
        self.free(id, returned.attempt);
    }

    /// The worker does not have an attempt (any more) that it was given, and has no result of it.
    pub(crate) fn gone(&mut self, id: &WorkerId, attempt: AttemptId, crash: bool) {
        if self.s.is_current(attempt) {
            let crash = crash && !self.s.may_wait(id, attempt);
            self.lose(attempt, Back::Lost { crash });
        }
        self.free(id, attempt);
    }

    /// A result says how long its attempt took, and with it when one started that was given ahead of a slot.
    fn note_result(&mut self, id: &WorkerId, result: &ResultSummary) {
        let wall_ms = self.now.wall_ms;
        let worker = self.s.known(id);
        worker.note_result(result);
        if let Some(grant) = worker.grants.get_mut(&result.attempt).filter(|grant| grant.waits()) {
            grant.started_ms = Some(wall_ms.saturating_sub(result.took_ms.unwrap_or(0)));
        }
    }

    /// The lease of a worker is over: what it ran may go to others, but what it held there stays
    /// held, because its processes may still be alive.
    pub(crate) fn expire(&mut self, id: &WorkerId) {
        let held = self.s.workers[id].grants.iter();
        let innocent = |grant: &Grant| grant.heard == Heard::Staged || grant.waits();
        let held: Vec<_> = held.map(|(attempt, grant)| (*attempt, innocent(grant), grant.outcome.is_some())).collect();
        for (attempt, innocent, ended) in held {
            // One that has ended waits for nothing but the files that it leaves.
            let patient =
                self.s.jobs.get(attempt.job).is_some_and(|job| {
                    self.s.is_patient(id, job) && !job.cancelling && (!ended || job.terms.leaves_files)
                });
            if self.s.is_current(attempt) && !patient {
                // Of what it had not started when it was last heard the job is innocent.
                self.lose(attempt, Back::Lost { crash: !innocent });
            }
        }
    }

    /// An operator gave a worker up with all that it had: its jobs follow their own choice, and nothing that
    /// it still delivers counts.
    pub(crate) fn give_up(&mut self, id: &WorkerId, attempt: AttemptId) {
        let job = self.s.jobs.get(attempt.job).filter(|job| job.attempt == attempt.number);
        if self.s.is_current(attempt) {
            let crash = !self.s.may_wait(id, attempt);
            self.lose(attempt, Back::GivenUp { crash });
        } else if job.is_some_and(|job| job.worker.as_ref() == Some(id)) {
            self.requeue(attempt, Outcome::Lost, Back::GivenUp { crash: false });
        }
        self.free(id, attempt);
    }

    /// Whether a result decides its job.
    fn fate(&self, id: &WorkerId, attempt: AttemptId) -> ResultFate {
        match self.s.jobs.get(attempt.job) {
            None if self.s.ended.get(attempt.job).is_some() => ResultFate::Ended,
            // A job that went back to the queue still takes the result of its newest attempt: the
            // work is done, and nobody else has started it.
            Some(job) if job.attempt == attempt.number && job.worker.as_ref() == Some(id) => ResultFate::Recorded,
            None | Some(_) => ResultFate::Fenced,
        }
    }

    fn conclude(&mut self, id: &WorkerId, result: &ResultSummary) {
        let ResultSummary { attempt, ref outcome, fault_of, took_ms } = *result;
        let job = self.s.jobs.get(attempt.job).expect("only an active job is concluded");
        let payload = Arc::clone(&job.payload);
        self.suspect(id, &payload, outcome, took_ms);
        let job = self.s.jobs.get(attempt.job).expect("it was active a moment ago");
        let (running, retry) = (job.state == JobState::Running, job.retries_left > 0 && !job.cancelling);
        match outcome {
            // Cancelled without a cancel, an end that only c2d decides, or one that it does not know: in
            // any case, nothing of the attempt is left there.
            Outcome::Cancelled if !job.cancelling => self.lose_if(running, attempt),
            Outcome::Lost | Outcome::Dependency { .. } | Outcome::CrashLimit | Outcome::Expired | Outcome::Unknown => {
                self.lose_if(running, attempt);
            }
            // c2d checks what was submitted, so what could not be started is the machine's fault.
            Outcome::Setup { reason } => self.take_back(id, &Returned { attempt, reason: reason.clone(), fault_of }),
            Outcome::Exit { code: 1.. | ..=-1 } | Outcome::Signal { .. } | Outcome::Timeout | Outcome::Oom { .. }
                if retry =>
            {
                self.retry(attempt, outcome.clone());
            }
            Outcome::Exit { .. }
            | Outcome::Signal { .. }
            | Outcome::Timeout
            | Outcome::Oom { .. }
            | Outcome::Cancelled => {
                self.end(attempt.job, outcome.clone());
            }
        }
    }

    fn lose_if(&mut self, running: bool, attempt: AttemptId) {
        if running {
            self.lose(attempt, CRASH);
        }
    }

    /// The running attempt of a job is lost; what follows is the job's own choice.
    fn lose(&mut self, attempt: AttemptId, back: Back) {
        let job = self.s.jobs.get(attempt.job).expect("only an active job loses its attempt");
        if let (Some(outcome), false) = (self.s.delivered(attempt), job.terms.leaves_files || job.cancelling) {
            let outcome = outcome.clone();
            return self.conclude_without_output(attempt, outcome);
        }
        let (crash, worker) = (back.is_crash(), job.worker.clone());
        let crashes = job.crashes + u32::from(crash);
        let ended = if job.cancelling {
            Some(Outcome::Cancelled)
        } else if job.terms.on_lost == OnLost::Fail {
            Some(Outcome::Lost)
        } else {
            (crashes >= CRASH_LIMIT).then_some(Outcome::CrashLimit)
        };
        if let (true, Some(worker)) = (crash, worker) {
            let worker = self.s.called(&worker);
            self.s.touched.notes.push(Note::Lost { attempt, worker, ended: ended.clone() });
        }
        match ended {
            Some(outcome) => self.end(attempt.job, outcome),
            None => {
                let worker = job.worker.clone();
                // What is done now as it was wanted is not undone by a worker that comes back with it.
                let back = if self.s.is_wanted(attempt.job) { Back::GivenUp { crash } } else { back };
                self.requeue(attempt, Outcome::Lost, back);
                if crash {
                    self.rest(attempt.job, worker.as_ref(), grown(CRASH_REST_MS, crashes, CRASH_REST_MAX_MS));
                }
            }
        }
    }

    /// An attempt has ended, and what it wrote was lost with its worker.
    fn conclude_without_output(&mut self, attempt: AttemptId, outcome: Outcome) {
        let job = self.s.jobs.get(attempt.job).expect("only an active job is concluded");
        if let Some(worker) = job.worker.as_ref().map(|id| self.s.called(id)) {
            self.s.touched.notes.push(Note::OutputLost { attempt, worker });
        }
        if job.retries_left > 0 && !job.cancelling && outcome.state() == JobState::Failed {
            self.retry(attempt, outcome);
        } else {
            self.end(attempt.job, outcome);
        }
    }

    /// Puts a job back: into the queue, or on hold if it cannot run.
    pub(crate) fn requeue(&mut self, attempt: AttemptId, outcome: Outcome, back: Back) {
        let job = attempt.job;
        let wish = self.s.wish_of(job).and_then(|(_, wish)| wish.cloned()).filter(|_| !back.is_retry());
        self.decide(Decision::Requeue { attempt, outcome, back, at_ms: self.now.wall_ms });
        let queued = self.s.jobs.get(job).is_some_and(|job| job.state == JobState::Queued);
        if queued && self.s.defects.contains_key(&job) {
            self.decide(Decision::SetWaiting { job, state: JobState::Held });
        }
        if let Some(wish) = wish {
            self.fulfil_wish(job, wish);
        }
        let expires_at = self.s.jobs.get(job).filter(|_| back.is_void()).and_then(|job| job.expires_at());
        if expires_at.is_some_and(|at| at <= self.now.wall_ms) {
            self.end(job, Outcome::Expired);
        }
    }

    pub(crate) fn free(&mut self, id: &WorkerId, attempt: AttemptId) {
        if self.s.workers.get(id).is_some_and(|worker| worker.grants.contains_key(&attempt)) {
            self.decide(Decision::Free { attempt, worker: id.clone() });
        }
    }
}
