//! How attempts end: by a result, by a worker that no longer has them, or by silence.
//!
//! A result counts only for the newest attempt of its job; everything older is fenced. The slot
//! and the tags are a different matter: they are free when the worker says that the processes are
//! gone, and not before, whatever became of the job meanwhile.

use std::net::IpAddr;

use c2_shared::id::AttemptId;
use c2_shared::job::{JobState, OnLost, Outcome};
use c2_shared::limits::CRASH_LIMIT;

use crate::sched::Decision;
use crate::sched::event::{ResultFate, ResultSummary};
use crate::sched::scheduler::Turn;

impl Turn<'_> {
    /// Takes a result and frees what its attempt held.
    pub(crate) fn record_result(&mut self, ip: IpAddr, result: &ResultSummary) -> ResultFate {
        let attempt = result.attempt;
        let fate = self.fate(ip, attempt);
        if fate == ResultFate::Recorded {
            self.conclude(attempt, &result.outcome);
        }
        self.free(ip, attempt);
        fate
    }

    /// The worker does not have an attempt (any more) that it was given, and has no result of it.
    pub(crate) fn gone(&mut self, ip: IpAddr, attempt: AttemptId, crash: bool) {
        if self.s.is_current(attempt) {
            self.lose(attempt, crash);
        }
        self.free(ip, attempt);
    }

    /// The lease of a worker is over: what it ran may go to others, but what it held there stays
    /// held, because its processes may still be alive.
    pub(crate) fn expire(&mut self, ip: IpAddr) {
        let held: Vec<AttemptId> = self.s.workers[&ip].holds.keys().copied().collect();
        for attempt in held {
            let patient =
                self.s.jobs.get(attempt.job).is_some_and(|job| job.on_lost == OnLost::Wait && !job.cancelling);
            if self.s.is_current(attempt) && !patient {
                self.lose(attempt, true);
            }
        }
    }

    /// Whether a result decides its job.
    fn fate(&self, ip: IpAddr, attempt: AttemptId) -> ResultFate {
        match self.s.jobs.get(attempt.job) {
            None if self.s.ended.get(attempt.job).is_some() => ResultFate::Ended,
            // A job that went back to the queue still takes the result of its newest attempt: the
            // work is done, and nobody else has started it.
            Some(job) if job.attempt == attempt.number && job.worker == Some(ip) => ResultFate::Recorded,
            None | Some(_) => ResultFate::Fenced,
        }
    }

    fn conclude(&mut self, attempt: AttemptId, outcome: &Outcome) {
        let job = self.s.jobs.get(attempt.job).expect("only a live job is concluded");
        let failed = outcome.state() == JobState::Failed;
        if *outcome == Outcome::Lost {
            if job.state == JobState::Running {
                self.lose(attempt, true);
            }
        } else if failed && job.retries_left > 0 && !job.cancelling {
            let (outcome, at_ms) = (outcome.clone(), self.now.wall_ms);
            self.decide(Decision::Requeue { attempt, outcome, crash: false, retry: true, at_ms });
        } else {
            self.end(attempt.job, outcome.clone());
        }
    }

    /// The running attempt of a job is lost; what follows is the job's own choice.
    fn lose(&mut self, attempt: AttemptId, crash: bool) {
        let job = self.s.jobs.get(attempt.job).expect("only a live job loses its attempt");
        let crashes = job.crashes + u32::from(crash);
        if job.cancelling {
            self.end(attempt.job, Outcome::Cancelled);
        } else if job.on_lost == OnLost::Fail {
            self.end(attempt.job, Outcome::Lost);
        } else if crashes >= CRASH_LIMIT {
            self.end(attempt.job, Outcome::CrashLimit);
        } else {
            let at_ms = self.now.wall_ms;
            self.decide(Decision::Requeue { attempt, outcome: Outcome::Lost, crash, retry: false, at_ms });
        }
    }

    fn free(&mut self, ip: IpAddr, attempt: AttemptId) {
        if self.s.workers.get(&ip).is_some_and(|worker| worker.holds.contains_key(&attempt)) {
            self.decide(Decision::Release { attempt, worker: ip });
        }
    }
}
