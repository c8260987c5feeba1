//! What time alone brings about: polls that waited long enough, workers that fell silent, jobs
//! whose time has come.

use c2_shared::id::{JobId, WorkerId};
use c2_shared::job::Outcome;
use c2_shared::limits::{LEASE_MS, WORKER_OFFLINE_MS};

use crate::sched::event::{Event, TimePassed, TimeUnobserved};
use crate::sched::scheduler::Turn;
use crate::sched::{Note, Reject};

impl Event for TimePassed {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let now = turn.now.mono;
        for id in turn.s.workers.due(now) {
            turn.look_at(&id);
        }
        turn.end_avoiding();
        turn.end_rests();
        let begun = turn.s.begins.iter().take_while(|(at, _)| *at <= turn.now.wall_ms);
        let begun: Vec<JobId> = begun.map(|(_, job)| *job).collect();
        for job in begun {
            turn.begin(job);
        }
        let expired = turn.s.expiries.iter().take_while(|(at, _)| *at <= turn.now.wall_ms);
        let expired: Vec<JobId> = expired.map(|(_, job)| *job).collect();
        for job in expired {
            turn.end(job, Outcome::Expired);
        }
        if turn.s.recovering_until.is_some_and(|until| until <= now) {
            turn.s.recovering_until = None;
        }
        Ok(())
    }
}

/// c2d never judges an interval that it did not observe: every worker starts anew.
impl Event for TimeUnobserved {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let now = turn.now.mono;
        for worker in turn.s.workers.values_mut() {
            worker.presence.contact = now;
        }
        TimePassed.happen(turn)
    }
}

impl Turn<'_> {
    fn look_at(&mut self, id: &WorkerId) {
        let now = self.now.mono;
        let presence = &mut self.s.known(id).presence;
        let silent_ms = now.since_ms(presence.contact);
        let parked_too_long = presence.parked.is_some_and(|parked| parked.until <= now);
        if silent_ms >= WORKER_OFFLINE_MS && !presence.offline {
            presence.offline = true;
            self.s.look_for_sleepers = true;
            let (worker, held) = (self.s.who(id), self.s.workers[id].grants.keys().copied().collect());
            // Who sleeps is silent.
            if !self.s.workers[id].record.asleep {
                self.s.touched.notes.push(Note::Offline { worker, silent_ms, held });
            }
            self.s.touch_worker(id);
            self.touch_jobs_of(id);
        }
        if silent_ms >= WORKER_OFFLINE_MS {
            self.leave_address(id);
        }
        if parked_too_long {
            self.answer_parked(id, Vec::new());
        }
        self.end_quarantine(id);
        self.settle_address(id);
        self.recall_overdue(id);
        self.look_at_waking(id);
        let presence = &mut self.s.known(id).presence;
        if silent_ms >= LEASE_MS && !presence.expired {
            presence.expired = true;
            let (worker, held) = (self.s.who(id), self.s.workers[id].grants.keys().copied().collect::<Vec<_>>());
            if !held.is_empty() {
                self.s.touched.notes.push(Note::LeaseOver { worker, held });
            }
            self.s.touch_worker(id);
            self.expire(id);
        }
    }

    /// Jobs of a worker that went silent read `unreachable` from now on.
    fn touch_jobs_of(&mut self, id: &WorkerId) {
        let held: Vec<JobId> = self.s.workers[id].grants.keys().map(|attempt| attempt.job).collect();
        let active = held.into_iter().filter(|job| self.s.jobs.get(*job).is_some());
        self.s.touched.jobs.extend(active.collect::<Vec<_>>());
    }

    fn begin(&mut self, id: JobId) {
        let Some(job) = self.s.jobs.get(id) else { return };
        if let (true, Some(at)) = (job.is_blocked(), job.terms.begin_at) {
            // Its time has come, its dependencies have not: they will let it go.
            self.s.begins.remove(&(at, id));
        } else {
            self.let_wait(id);
        }
    }
}
