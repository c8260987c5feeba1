//! What workers say, and what operators say of them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::Outcome;
use c2_shared::limits::KILL_REPEAT_MS;
use c2_shared::time::Mono;

use crate::sched::decision::{Handout, PollAnswer, WorkerRecord};
use crate::sched::event::{
    DrainSet, Event, GroupsChanged, PlainPolled, Poll, PollDropped, PollToken, ResultArrived, ResultFate, TagsSet,
    WorkerHeard, WorkerPolled, WorkerRegistered, WorkerRemoved,
};
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::workers::{Heard, Parked, Worker};
use crate::sched::{Decision, Note, Reject};

impl Event for WorkerRegistered {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self(intro) = self;
        let ip = intro.ip;
        turn.s.check_agent(ip, &intro.worker_id)?;
        let old = turn.s.workers.get(&ip);
        let same = old.filter(|old| old.record.intro.worker_id == intro.worker_id);
        let rebooted = same.is_some_and(|old| old.record.intro.boot_id != intro.boot_id);
        let record = match same {
            Some(old) => WorkerRecord { intro, ..old.record.clone() },
            None => WorkerRecord { intro, groups: BTreeSet::new(), tags: BTreeSet::new(), drained: false },
        };
        let replaced = old.filter(|_| same.is_none()).map(|old| Note::Replaced {
            worker: ip,
            hostname: record.intro.hostname.clone(),
            before: old.record.intro.worker_id.clone(),
            id: record.intro.worker_id.clone(),
        });
        if old.is_none_or(|old| old.record != record) {
            turn.dismiss_parked(ip);
            turn.decide(Decision::PutWorker(Box::new(record)));
        }
        turn.s.touched.notes.extend(replaced);
        turn.heard(ip);
        if rebooted {
            turn.all_gone(ip);
        }
        Ok(())
    }
}

impl Event for WorkerPolled {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { poll, token } = self;
        let ip = poll.worker;
        let Some(worker) = turn.s.workers.get(&ip) else {
            turn.ask_to_register(token);
            return Ok(());
        };
        turn.s.check_agent(ip, &poll.worker_id)?;
        let presence = &worker.presence;
        if presence.replaced == poll.session && !poll.session.is_empty() {
            return Err(Reject::SessionReplaced { worker: ip });
        }
        if presence.session == poll.session && poll.seq <= presence.seq {
            return Err(Reject::StalePoll { worker: ip });
        }
        // The introduction does not fit any more: another agent, or another boot.
        if worker.record.intro.worker_id != poll.worker_id || worker.record.intro.boot_id != poll.boot_id {
            turn.ask_to_register(token);
            return Ok(());
        }
        // A newer poll takes the place of the one that waits; the agent listens to the newest only.
        turn.dismiss_parked(ip);
        turn.heard(ip);
        turn.enter_session(&poll);
        let mut answer = turn.reconcile(&poll);
        let room = turn.s.workers[&ip].slots_free().min(poll.slots_free.saturating_sub(taken(&answer)));
        for _ in 0..room {
            let Some(handout) = turn.give(ip) else { break };
            answer.assign.push(handout);
        }
        answer.kill = turn.s.kills(ip);
        let until = turn.may_wait_until(&poll, &answer.kill);
        if answer.assign.is_empty() && answer.ack.is_empty() && until > turn.now.mono {
            turn.park(&poll, token, until);
        } else {
            turn.answer(ip, token, answer);
        }
        Ok(())
    }
}

impl Event for PlainPolled {
    type Answer = Option<Handout>;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { worker: ip } = self;
        if !turn.s.workers.contains_key(&ip) {
            return Err(Reject::UnknownWorker { worker: ip });
        }
        turn.heard(ip);
        let handout = turn.give(ip);
        if let Some(handout) = &handout {
            // It will never confirm; so it is never given the same attempt twice.
            let worker = turn.s.known(ip);
            if let Some(grant) = worker.grants.get_mut(&handout.attempt) {
                grant.heard = Heard::Confirmed;
            }
        }
        Ok(handout)
    }
}

impl Event for WorkerHeard {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        if turn.s.workers.contains_key(&self.worker) {
            turn.heard(self.worker);
        }
        Ok(())
    }
}

impl Event for PollDropped {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { token } = self;
        if turn.s.parked.contains_key(&token) {
            turn.decide(Decision::Answer { token, answer: PollAnswer::default() });
        }
        Ok(())
    }
}

impl Event for ResultArrived {
    type Answer = ResultFate;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { worker: ip, result } = self;
        if !turn.s.workers.contains_key(&ip) {
            return Err(Reject::UnknownWorker { worker: ip });
        }
        turn.heard(ip);
        Ok(turn.record_result(ip, &result))
    }
}

impl Event for GroupsChanged {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        turn.change_worker(self.worker, |record| {
            record.groups.retain(|group| !self.remove.contains(group));
            record.groups.extend(self.add);
        })
    }
}

impl Event for TagsSet {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        turn.change_worker(self.worker, |record| record.tags = self.tags)
    }
}

impl Event for DrainSet {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { worker: ip, drain } = self;
        if !drain {
            turn.clear_fault(ip);
        }
        turn.change_worker(ip, |record| record.drained = drain)
    }
}

impl Event for WorkerRemoved {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { worker: ip } = self;
        let worker = turn.s.workers.get(&ip).ok_or(Reject::UnknownWorker { worker: ip })?;
        let held: Vec<AttemptId> = worker.grants.keys().copied().collect();
        // Past its lease it is not waited for, except by jobs that asked for just that.
        let awaited = |attempt: &&AttemptId| !worker.presence.expired || turn.s.is_current(**attempt);
        let jobs = held.iter().filter(awaited).count();
        if jobs > 0 {
            return Err(Reject::WorkerBusy { worker: ip, jobs });
        }
        // It would register again at once; and its polls that are still under way would be taken for
        // those of a stranger, with all that was known of their order forgotten.
        if worker.is_online(turn.now.mono) {
            return Err(Reject::WorkerOnline { worker: ip });
        }
        let pinned = turn.s.jobs.iter().filter(|(_, job)| job.pinned == Some(ip));
        let stranded: Vec<JobId> = pinned.map(|(id, _)| id).collect();
        for job in stranded {
            turn.end(job, Outcome::Setup { reason: format!("worker {ip}, where it had to run, was removed") });
        }
        for attempt in held {
            turn.decide(Decision::Free { attempt, worker: ip });
        }
        turn.decide(Decision::RemoveWorker { worker: ip });
        turn.s.touched.notes.push(Note::Removed { worker: ip });
        Ok(())
    }
}

impl Turn<'_> {
    fn ask_to_register(&mut self, token: PollToken) {
        self.decide(Decision::Answer { token, answer: PollAnswer { register: true, ..PollAnswer::default() } });
    }

    fn change_worker(&mut self, ip: IpAddr, change: impl FnOnce(&mut WorkerRecord)) -> Result<(), Reject> {
        let worker = self.s.workers.get(&ip).ok_or(Reject::UnknownWorker { worker: ip })?;
        let mut record = worker.record.clone();
        change(&mut record);
        if record != worker.record {
            self.decide(Decision::PutWorker(Box::new(record)));
        }
        Ok(())
    }

    /// Notes that a worker lives.
    pub(crate) fn heard(&mut self, ip: IpAddr) {
        let now = self.now.mono;
        let worker = self.s.known(ip);
        if worker.presence.offline {
            let (hostname, silent_ms) = (worker.record.intro.hostname.clone(), now.since_ms(worker.presence.contact));
            self.s.touched.notes.push(Note::Back { worker: ip, hostname, silent_ms });
        }
        self.s.known(ip).presence.touch(now);
        self.s.touched.workers.insert(ip);
    }

    /// Begins a new session when the agent was started anew, and notes the poll.
    fn enter_session(&mut self, poll: &Poll) {
        let worker = self.s.known(poll.worker);
        let presence = &mut worker.presence;
        if presence.session != poll.session {
            presence.replaced = std::mem::replace(&mut presence.session, poll.session.clone());
            presence.told.clear();
            for grant in worker.grants.values_mut().filter(|grant| grant.heard == Heard::Sent) {
                grant.heard = Heard::Inherited;
            }
        }
        worker.presence.seq = poll.seq;
        worker.presence.load = poll.load.clone();
        worker.presence.listed.clone_from(&poll.running);
    }

    fn park(&mut self, poll: &Poll, token: PollToken, until: Mono) {
        let parked = Parked { token, until, slots_free: poll.slots_free };
        self.s.known(poll.worker).presence.parked = Some(parked);
        self.s.parked.insert(token, poll.worker);
    }

    /// How long a poll may wait that is answered nothing else. What the worker must end and was not
    /// told yet makes it answered at once. What it was told is said again after a while, as the answer
    /// may have been lost; not with each poll, or the two would spin until the processes are gone.
    fn may_wait_until(&self, poll: &Poll, kills: &[AttemptId]) -> Mono {
        let until = self.now.mono.after_ms(poll.wait_ms);
        let presence = &self.s.workers[&poll.worker].presence;
        if kills.is_empty() {
            until
        } else if kills.iter().all(|attempt| presence.told.contains(attempt)) {
            until.min(presence.told_at.after_ms(KILL_REPEAT_MS))
        } else {
            self.now.mono
        }
    }

    /// Everything that a worker held is over: the machine was started anew.
    fn all_gone(&mut self, ip: IpAddr) {
        let attempts: Vec<AttemptId> = self.s.workers[&ip].grants.keys().copied().collect();
        for attempt in attempts {
            self.gone(ip, attempt, true);
        }
    }
}

impl Scheduler {
    /// Whether an agent may speak at an address. An address proves nothing: another agent there gets
    /// nothing that belongs to the one before, so it has to wait until nothing does.
    fn check_agent(&self, ip: IpAddr, worker_id: &str) -> Result<(), Reject> {
        let other = self.workers.get(&ip).filter(|known| known.record.intro.worker_id != worker_id);
        let Some(other) = other else { return Ok(()) };
        let Worker { record, grants, .. } = other;
        if other.is_online(self.now.mono) {
            return Err(Reject::AddressTaken { worker: ip });
        }
        let kept = !record.groups.is_empty() || !record.tags.is_empty() || !grants.is_empty();
        if kept { Err(Reject::AddressKept { worker: ip, hostname: record.intro.hostname.clone() }) } else { Ok(()) }
    }
}

/// Slots that an answer takes already.
fn taken(answer: &PollAnswer) -> u32 {
    u32::try_from(answer.assign.len()).unwrap_or(u32::MAX)
}
