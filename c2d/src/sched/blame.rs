//! Blame: what a machine could not start is not its job's failure.
//!
//! The job goes back to the queue, uses up neither a retry nor a crash, and goes elsewhere first: it
//! avoids that worker for a minute, twice as long each time, so that a lone worker gets it again after that.
//! A worker whose own test fails, or that gives back different jobs in a row, is in quarantine: it gets
//! nothing for a minute, or until its test passes, and then one job at a time, until a command has started
//! there. How often a job was given back and that a worker is in quarantine are durable; the delays begin
//! anew with c2d.

use std::collections::BTreeSet;

use c2_shared::backoff::grown;
use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::{JobState, Outcome};
use c2_shared::limits::{AVOID_MAX_MS, AVOID_MS, FAULTS_IN_A_ROW, PROOF_MS, QUARANTINE_MS};
use c2_shared::time::Mono;

use crate::sched::decision::{Back, WorkerRecord};
use crate::sched::event::{FaultOf, Poll, Returned};
use crate::sched::queues::Shape;
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::verdict::CRASH_REST_MS;
use crate::sched::workers::{Heard, Worker};
use crate::sched::{Decision, Note};

/// What a worker could not start since a command last started there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Different jobs.
    jobs: BTreeSet<JobId>,
    /// What it said of the last one.
    reason: String,
}

/// How far a worker is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trial {
    #[default]
    Trusted,
    /// It gets nothing until then.
    Closed { until: Mono },
    /// It gets one job at a time.
    Probation,
}

/// A job that keeps away from a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Avoided {
    /// How often that could not start it.
    pub(crate) faults: u32,
    /// When the job may go there again; none if it may.
    pub(crate) until: Option<Mono>,
    /// Why the agent there cannot read it, as long as it is of the same version.
    pub(crate) unread: Option<String>,
}

impl Trial {
    pub(crate) const fn closed_from(now: Mono) -> Self {
        Self::Closed { until: now.after_ms(QUARANTINE_MS) }
    }

    /// When it is to be looked at again.
    pub(crate) const fn until(&self) -> Option<Mono> {
        match self {
            Self::Closed { until } => Some(*until),
            Self::Trusted | Self::Probation => None,
        }
    }
}

impl Worker {
    /// Whether it is trusted with one more job.
    pub(crate) fn is_admitted(&self) -> bool {
        match self.presence.trial {
            Trial::Trusted => true,
            Trial::Closed { .. } => false,
            // What ran before is no trial.
            Trial::Probation => self
                .grants
                .values()
                .all(|grant| grant.outcome.is_some() || grant.heard == Heard::Confirmed { since: None }),
        }
    }

    /// Why it is in quarantine, or could not start the last job that it got.
    pub(crate) fn fault(&self) -> Option<&str> {
        let last = Some(self.presence.faults.reason.as_str()).filter(|reason| !reason.is_empty());
        self.record.quarantine.as_deref().or(last)
    }
}

impl Turn<'_> {
    /// An attempt whose command never started comes back.
    pub(crate) fn take_back(&mut self, id: &WorkerId, returned: &Returned) {
        let Returned { attempt, ref reason, fault_of } = *returned;
        let job = self.s.jobs.get(attempt.job).expect("only an active job is taken back");
        let outcome = Outcome::Setup { reason: reason.clone() };
        if fault_of == FaultOf::Nobody && !job.cancelling {
            return self.requeue(attempt, outcome, Back::Returned { fault_of });
        }
        match fault_of {
            _ if job.cancelling => return self.end(attempt.job, Outcome::Cancelled),
            FaultOf::Job if job.retries_left > 0 => return self.retry(attempt, outcome),
            FaultOf::Job => return self.end(attempt.job, outcome),
            _ => self.requeue(attempt, outcome, Back::Returned { fault_of }),
        }
        match fault_of {
            FaultOf::Worker => self.blame(id, attempt.job, reason),
            FaultOf::Version => {
                self.s.avoided.entry((attempt.job, id.clone())).or_default().unread = Some(reason.clone());
                self.s.shun(attempt.job, id);
            }
            FaultOf::C2d | FaultOf::Job | FaultOf::Nobody => self.rest(attempt.job, None, CRASH_REST_MS),
        }
        self.s.touch_worker(id);
        let worker = self.s.who(id);
        self.s.touched.notes.push(Note::Returned { worker, attempt, reason: reason.clone() });
    }

    fn blame(&mut self, id: &WorkerId, job: JobId, reason: &str) {
        let times = self.s.avoided.get(&(job, id.clone())).map_or(1, |avoided| avoided.faults);
        self.s.avoid(job, id, self.now.mono.after_ms(grown(AVOID_MS, times, AVOID_MAX_MS)));
        let presence = &mut self.s.known(id).presence;
        reason.clone_into(&mut presence.faults.reason);
        presence.faults.jobs.insert(job);
        if presence.trial == Trial::Probation || presence.faults.jobs.len() >= FAULTS_IN_A_ROW {
            self.quarantine(id, reason);
        }
    }

    /// Looks at what a poll says of the machine itself.
    pub(crate) fn judge_machine(&mut self, poll: &Poll) {
        let id = &poll.worker;
        let before = std::mem::replace(&mut self.s.known(id).presence.unfit, poll.unfit.clone());
        match (&before, &poll.unfit) {
            (_, Some(reason)) if self.s.workers[id].presence.trial.until().is_none() => self.quarantine(id, reason),
            (Some(_), None) => self.admit(id),
            _ => {}
        }
        let (worker, now) = (&self.s.workers[id], self.now.mono);
        let proof = |attempt: &AttemptId| match worker.grants.get(attempt).map(|grant| grant.heard) {
            Some(Heard::Confirmed { since: Some(since) }) => now.since_ms(since) >= PROOF_MS,
            _ => false,
        };
        if worker.fault().is_some() && worker.presence.trial.until().is_none() && poll.running.iter().any(proof) {
            self.trust(id);
        }
    }

    /// A worker cannot start jobs.
    fn quarantine(&mut self, id: &WorkerId, reason: &str) {
        let now = self.now.mono;
        self.s.look_for_sleepers = true;
        let worker = self.s.known(id);
        worker.presence.trial = Trial::closed_from(now);
        worker.presence.faults.jobs.clear();
        // What still runs there started when it could.
        for grant in worker.grants.values_mut() {
            if let Heard::Confirmed { since } = &mut grant.heard {
                *since = None;
            }
        }
        if worker.record.quarantine.as_deref() == Some(reason) {
            return;
        }
        let first = worker.record.quarantine.is_none();
        let record = WorkerRecord { quarantine: Some(reason.to_owned()), ..worker.record.clone() };
        self.decide(Decision::PutWorker(Box::new(record)));
        if first {
            let (worker, reason) = (self.s.who(id), reason.to_owned());
            self.s.touched.notes.push(Note::Quarantined { worker, reason });
        }
    }

    /// Tries a worker with a job again whose quarantine was long enough and whose own test does not fail.
    pub(crate) fn end_quarantine(&mut self, id: &WorkerId) {
        let now = self.now.mono;
        let presence = &mut self.s.known(id).presence;
        if presence.trial.until().is_none_or(|until| until > now) {
            return;
        }
        if presence.unfit.is_some() {
            presence.trial = Trial::closed_from(now);
        } else {
            presence.trial = Trial::Probation;
            self.s.fresh.workers.insert(id.clone());
            self.s.touch_worker(id);
        }
    }

    /// The machine was repaired, as its own test or an operator says: jobs may go there again.
    pub(crate) fn admit(&mut self, id: &WorkerId) {
        self.s.suspicion.clear(id);
        let presence = &mut self.s.known(id).presence;
        presence.faults = Faults::default();
        if presence.trial != Trial::Trusted {
            presence.trial = Trial::Probation;
        }
        self.s.stop_avoiding(id, |avoided| avoided.unread.is_none());
        self.s.fresh.workers.insert(id.clone());
        self.s.touch_worker(id);
    }

    /// A command started there, so the machine is fit for work.
    pub(crate) fn trust(&mut self, id: &WorkerId) {
        // Each result comes by here, and nearly always nothing speaks against its worker.
        if self.s.workers[id].fault().is_none() {
            return;
        }
        self.admit(id);
        let worker = self.s.known(id);
        worker.presence.trial = Trial::Trusted;
        if worker.record.quarantine.is_some() {
            let record = WorkerRecord { quarantine: None, ..worker.record.clone() };
            self.decide(Decision::PutWorker(Box::new(record)));
            let worker = self.s.who(id);
            self.s.touched.notes.push(Note::Mended { worker });
        }
    }

    /// Lets jobs go again where they could not be started.
    pub(crate) fn end_avoiding(&mut self) {
        let now = self.now.mono;
        while self.s.avoiding.first().is_some_and(|(until, ..)| *until <= now)
            && let Some((_, job, id)) = self.s.avoiding.pop_first()
        {
            self.s.readmit(job, &id);
        }
    }
}

impl Scheduler {
    /// Keeps a job away from a worker until then.
    pub(crate) fn avoid(&mut self, job: JobId, id: &WorkerId, until: Mono) {
        let avoided = self.avoided.entry((job, id.clone())).or_default();
        let until = avoided.until.map_or(until, |before| before.max(until));
        if let Some(before) = avoided.until.replace(until) {
            self.avoiding.remove(&(before, job, id.clone()));
        }
        self.avoiding.insert((until, job, id.clone()));
        self.shun(job, id);
    }

    fn shun(&mut self, job: JobId, id: &WorkerId) {
        self.reshape(job, |shape| {
            shape.avoid.retain(|other| other != id);
            shape.avoid.push(id.clone());
            shape.avoid.sort_unstable();
        });
    }

    /// Lets a job go to a worker again, unless that cannot read it.
    fn readmit(&mut self, job: JobId, id: &WorkerId) {
        let Some(avoided) = self.avoided.get_mut(&(job, id.clone())) else { return };
        avoided.until = None;
        let (unread, faults) = (avoided.unread.is_some(), avoided.faults);
        if unread {
            return;
        }
        if faults == 0 {
            self.avoided.remove(&(job, id.clone()));
        }
        self.reshape(job, |shape| shape.avoid.retain(|other| other != id));
    }

    /// Lets those jobs go to a worker again.
    pub(crate) fn stop_avoiding(&mut self, id: &WorkerId, which: impl Fn(&Avoided) -> bool) {
        let kept_away = |avoided: &Avoided| avoided.until.is_some() || avoided.unread.is_some();
        let jobs = self.avoided.iter().filter(|((_, worker), avoided)| worker == id && kept_away(avoided));
        let jobs: Vec<JobId> = jobs.filter(|(_, avoided)| which(avoided)).map(|((job, _), _)| *job).collect();
        for job in jobs {
            let Some(avoided) = self.avoided.get_mut(&(job, id.clone())) else { continue };
            avoided.unread = None;
            if let Some(until) = avoided.until {
                self.avoiding.remove(&(until, job, id.clone()));
            }
            self.readmit(job, id);
        }
    }

    /// Forgets what was noted of a job that ended.
    pub(crate) fn forget_avoided(&mut self, job: JobId) {
        let first = (job, WorkerId::default());
        while let Some((key, avoided)) = self.avoided.range(&first..).next().filter(|((id, _), _)| *id == job) {
            let (key, until) = (key.clone(), avoided.until);
            self.avoided.remove(&key);
            if let Some(until) = until {
                self.avoiding.remove(&(until, job, key.1));
            }
        }
    }

    /// Changes what a job asks of a worker, in its queue too if it waits there.
    pub(crate) fn reshape(&mut self, id: JobId, change: impl FnOnce(&mut Shape)) {
        let Some(job) = self.jobs.get(id) else { return };
        let (old, waits, rank) = (job.shape, job.state == JobState::Queued, job.rank());
        let mut shape = self.queues.shape(old).clone();
        change(&mut shape);
        let new = self.queues.enter(shape);
        if waits {
            self.queues.remove(old, rank);
            self.queues.push(new, rank);
            self.fresh.shapes.insert(new);
        }
        self.queues.leave(old);
        if let Some(job) = self.jobs.get_mut(id) {
            job.shape = new;
        }
    }
}
