//! Making both sides agree: a poll names everything that the worker holds, and the answer says
//! what to start, to end and to forget. Lost, doubled and late messages do no harm, because the
//! next poll compares everything again.

use c2_shared::id::{AttemptId, WorkerId};
use c2_shared::job::{JobState, Outcome};
use c2_shared::time::Mono;

use crate::sched::Decision;
use crate::sched::decision::{Handout, PollAnswer};
use crate::sched::event::Poll;
use crate::sched::jobs::Job;
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::workers::Heard;

impl Turn<'_> {
    /// Compares what the worker holds with what it should hold.
    pub(crate) fn reconcile(&mut self, poll: &Poll) -> PollAnswer {
        let id = &poll.worker;
        let mut answer = PollAnswer::default();
        for returned in &poll.returned {
            self.return_attempt(id, returned);
            answer.ack.push(returned.attempt);
        }
        for result in &poll.unsent {
            // Recorded, known or outdated: in each case the agent need not send it again.
            self.record_result(id, result);
            answer.ack.push(result.attempt);
        }
        let grants = self.s.workers[id].grants.iter();
        let held: Vec<_> = grants.map(|(attempt, grant)| (*attempt, grant.heard, grant.recall)).collect();
        for (attempt, heard, recall) in held {
            let is_wanted = self.s.is_current(attempt) && !self.s.is_cancelling(attempt) && !recall;
            if poll.lists(attempt) {
                self.confirm(poll, attempt);
            } else if heard == Heard::Sent && is_wanted {
                // The agent listens to the answer of its newest poll only, and this is a newer one
                // than that which carried the assignment: it has not started it and never will
                // by the old answer.
                answer.assign.push(self.s.handout(attempt, id));
            } else {
                self.gone(id, attempt, matches!(heard, Heard::Confirmed { .. }));
            }
        }
        for (attempt, outcome) in &poll.ended {
            self.vacate(id, *attempt, outcome);
        }
        answer
    }

    /// The worker says that it has an attempt which it was given.
    fn confirm(&mut self, poll: &Poll, attempt: AttemptId) {
        let now = self.now;
        let Some(grant) = self.s.known(&poll.worker).grants.get_mut(&attempt) else { return };
        let waited = grant.waits();
        grant.heard = match grant.heard {
            Heard::Confirmed { since } => Heard::Confirmed { since },
            Heard::Sent | Heard::Inherited | Heard::Staged if poll.running.contains(&attempt) => {
                Heard::Confirmed { since: Some(now.mono) }
            }
            Heard::Sent | Heard::Inherited | Heard::Staged => Heard::Staged,
        };
        if waited && !grant.waits() {
            // It has a slot from now on, which was one of those that it waited for.
            let age_ms = poll.ages_ms.get(&attempt).copied().unwrap_or(0);
            grant.since = Some(Mono(now.mono.0.saturating_sub(age_ms)));
            grant.started_ms = Some(now.wall_ms.saturating_sub(age_ms));
            if self.s.is_current(attempt) {
                self.s.touched.jobs.insert(attempt.job);
                self.drop_wish(attempt);
            }
        }
        let job = self.s.jobs.get(attempt.job);
        let is_newest = |job: &Job| job.attempt == attempt.number && job.worker.as_ref() == Some(&poll.worker);
        if job.is_some_and(|job| is_newest(job) && job.state == JobState::Queued) {
            self.s.wake(attempt.job);
            self.decide(Decision::Readopt { attempt, worker: poll.worker.clone() });
        }
    }

    /// No process of an attempt is left, and its result comes later: what it held is free.
    fn vacate(&mut self, id: &WorkerId, attempt: AttemptId, outcome: &Outcome) {
        let grant = self.s.workers[id].grants.get(&attempt);
        let holds = grant.is_some_and(|grant| grant.outcome.is_none());
        let (current, cancelling) = (self.s.is_current(attempt), self.s.is_cancelling(attempt));
        // What becomes of an attempt that ended in any other way c2d decides itself.
        let counts = outcome.ran_to_an_end() || *outcome == Outcome::Cancelled && cancelling;
        if holds && current && counts {
            self.decide(Decision::Deliver { attempt, worker: id.clone(), outcome: outcome.clone() });
        } else if holds && !current {
            self.free(id, attempt);
        }
    }
}

impl Scheduler {
    /// Whether an attempt is the one that runs its job now.
    pub(crate) fn is_current(&self, attempt: AttemptId) -> bool {
        let job = self.jobs.get(attempt.job);
        job.is_some_and(|job| job.state == JobState::Running && job.attempt == attempt.number)
    }

    /// How an attempt ended whose result is under way.
    pub(crate) fn delivered(&self, attempt: AttemptId) -> Option<&Outcome> {
        let worker = self.jobs.get(attempt.job)?.worker.as_ref()?;
        self.workers.get(worker)?.grants.get(&attempt)?.outcome.as_ref()
    }

    /// Whether an attempt is another worker's.
    pub(crate) fn is_foreign(&self, id: &WorkerId, attempt: AttemptId) -> bool {
        let job = self.jobs.get(attempt.job).filter(|job| job.attempt == attempt.number);
        job.and_then(|job| job.worker.as_ref()).is_some_and(|owner| owner != id)
    }

    /// What the newest poll of a worker listed and should not run: cancelled, fenced, ended, unknown.
    pub(crate) fn kills(&self, id: &WorkerId) -> Vec<AttemptId> {
        let Some(worker) = self.workers.get(id) else { return Vec::new() };
        let wrong = |attempt: &&AttemptId| !self.is_current(**attempt) || self.is_cancelling(**attempt);
        worker.presence.listed.iter().filter(wrong).copied().collect()
    }

    pub(crate) fn is_cancelling(&self, attempt: AttemptId) -> bool {
        self.jobs.get(attempt.job).is_some_and(|job| job.cancelling)
    }

    /// What some workers were given for what they hold.
    pub fn handouts(&self, is_one: impl Fn(&WorkerId) -> bool) -> Vec<Handout> {
        let workers = self.workers.iter().filter(|(id, _)| is_one(id));
        let held = workers.flat_map(|(id, worker)| worker.grants.keys().map(move |attempt| (*attempt, id)));
        held.filter(|(attempt, _)| self.is_current(*attempt)).map(|(attempt, id)| self.handout(attempt, id)).collect()
    }

    /// What goes to a worker for an attempt that it holds.
    fn handout(&self, attempt: AttemptId, id: &WorkerId) -> Handout {
        let job = self.jobs.get(attempt.job).expect("a current attempt has an active job");
        let grant = &self.workers[id].grants[&attempt];
        Handout::new(attempt, grant.share.clone(), grant.ahead, job)
    }
}
