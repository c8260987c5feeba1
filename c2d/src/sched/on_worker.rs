//! What workers say, and what operators say of them.

use std::net::IpAddr;

use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::Outcome;
use c2_shared::limits::{KILL_REPEAT_MS, LEASE_MS};
use c2_shared::time::Mono;

use crate::sched::decision::{Handout, PollAnswer, WorkerRecord};
use crate::sched::event::{
    DrainSet, Event, GroupsChanged, PlainPolled, Poll, PollDropped, PollToken, ResourcesSet, ResultArrived, ResultFate,
    TagsSet, WorkerHeard, WorkerPolled, WorkerRegistered, WorkerRemoved,
};
use crate::sched::identity::Run;
use crate::sched::scheduler::Turn;
use crate::sched::workers::{Heard, Parked};
use crate::sched::{Decision, Note, Reject};

impl Event for WorkerRegistered {
    type Answer = Option<u64>;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        turn.introduce(self.0)
    }
}

impl Event for WorkerPolled {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { poll, token } = self;
        let id = &poll.worker;
        let Some(worker) = turn.s.workers.get(id) else {
            turn.ask_to_register(token);
            return Ok(());
        };
        match worker.run_of(&poll) {
            Run::Older => return Err(Reject::SessionReplaced { worker: id.clone() }),
            Run::Present if poll.seq <= worker.presence.seq => return Err(Reject::StalePoll { worker: id.clone() }),
            Run::Unknown => {
                turn.ask_to_register(token);
                return Ok(());
            }
            Run::Next => turn.next_session(&poll),
            Run::Present => {}
        }
        turn.contradict_newcomers(id);
        // A newer poll takes the place of the one that waits; the agent listens to the newest only.
        turn.dismiss_parked(id);
        turn.heard(id, poll.ip);
        turn.note_poll(&poll);
        let mut answer = turn.reconcile(&poll);
        turn.judge_machine(&poll);
        if turn.may_sleep(&poll) {
            turn.fall_asleep(id);
            answer.may_sleep = true;
            turn.answer(id, token, answer);
            return Ok(());
        }
        turn.wake_up(id);
        let room = turn.s.workers[id].slots_free().min(poll.slots_free.saturating_sub(taken(&answer)));
        for _ in 0..room {
            let Some(handout) = turn.give(id) else { break };
            answer.assign.push(handout);
        }
        while let Some(handout) = turn.give_ahead(id) {
            answer.assign.push(handout);
        }
        (answer.kill, answer.recall) = (turn.s.kills(id), turn.s.recalled(id));
        let until = turn.may_wait_until(&poll, &answer);
        if answer.assign.is_empty() && answer.ack.is_empty() && until > turn.now.mono {
            turn.park(&poll, token, until);
        } else {
            turn.answer(id, token, answer);
        }
        Ok(())
    }
}

impl Event for PlainPolled {
    type Answer = Option<Handout>;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { worker: id, ip } = self;
        if !turn.s.workers.contains_key(&id) {
            return Err(Reject::UnknownWorker { worker: id });
        }
        turn.heard(&id, ip);
        let handout = turn.give(&id);
        if let Some(handout) = &handout {
            // It will never confirm; so it is never given the same attempt twice.
            let worker = turn.s.known(&id);
            if let Some(grant) = worker.grants.get_mut(&handout.attempt) {
                grant.heard = Heard::Confirmed { since: Some(turn.now.mono) };
            }
        }
        Ok(handout)
    }
}

impl Event for WorkerHeard {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        if turn.s.workers.contains_key(&self.worker) {
            turn.heard(&self.worker, self.ip);
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
        let Self { worker: id, from, result } = self;
        if !turn.s.workers.contains_key(&id) {
            return Err(Reject::UnknownWorker { worker: id });
        }
        if let Some(ip) = from {
            turn.heard(&id, ip);
        }
        Ok(turn.record_result(&id, &result))
    }
}

impl Event for GroupsChanged {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        turn.change_worker(&self.worker, |record| {
            record.groups.retain(|group| !self.remove.contains(group));
            record.groups.extend(self.add);
        })
    }
}

impl Event for TagsSet {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        turn.change_worker(&self.worker, |record| record.tags = self.tags)
    }
}

impl Event for ResourcesSet {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        turn.change_worker(&self.worker, |record| {
            for (name, amount) in self.resources {
                match amount {
                    Some(amount) => drop(record.resources.insert(name, amount)),
                    None => drop(record.resources.remove(&name)),
                }
            }
        })
    }
}

impl Event for DrainSet {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { worker: id, drain } = self;
        turn.change_worker(&id, |record| record.drained = drain)?;
        if !drain {
            turn.admit(&id);
        }
        Ok(())
    }
}

impl Event for WorkerRemoved {
    type Answer = Vec<AttemptId>;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { worker: id, lost } = self;
        let worker = turn.s.workers.get(&id).ok_or_else(|| Reject::UnknownWorker { worker: id.clone() })?;
        let called = || turn.s.called(&id);
        // It would register again at once; and its polls that are still under way would be taken for
        // those of a stranger, with all that was known of their order forgotten.
        if worker.is_online(turn.now.mono) {
            let before = turn.s.workers.values().filter(|other| other.ip() == worker.ip() && other.record.passed_on);
            let before = before.map(|other| other.id().clone()).collect();
            return Err(Reject::WorkerOnline { worker: called(), before });
        }
        if lost && !worker.presence.expired {
            let left_ms = LEASE_MS.saturating_sub(turn.now.mono.since_ms(worker.presence.contact));
            return Err(Reject::WithinLease { worker: called(), left_ms });
        }
        let held: Vec<AttemptId> = worker.grants.keys().copied().collect();
        if !held.is_empty() && !lost {
            return Err(Reject::WorkerBusy { worker: called(), held });
        }
        let called = called();
        for attempt in &held {
            turn.give_up(&id, *attempt);
        }
        let pinned = turn.s.jobs.iter().filter(|(_, job)| job.pinned.as_ref() == Some(&id));
        let stranded: Vec<JobId> = pinned.map(|(id, _)| id).collect();
        for job in stranded {
            turn.end(job, Outcome::Setup { reason: format!("worker {called}, where it had to run, was removed") });
        }
        let worker = turn.s.who(&id);
        turn.decide(Decision::RemoveWorker { worker: id });
        turn.s.touched.notes.push(Note::Removed { worker, lost: held.clone() });
        Ok(held)
    }
}

impl Turn<'_> {
    fn ask_to_register(&mut self, token: PollToken) {
        self.decide(Decision::Answer { token, answer: PollAnswer { register: true, ..PollAnswer::default() } });
    }

    fn change_worker(&mut self, id: &WorkerId, change: impl FnOnce(&mut WorkerRecord)) -> Result<(), Reject> {
        let worker = self.s.workers.get(id).ok_or_else(|| Reject::UnknownWorker { worker: id.clone() })?;
        let mut record = worker.record.clone();
        change(&mut record);
        if record != worker.record {
            self.decide(Decision::PutWorker(Box::new(record)));
        }
        Ok(())
    }

    /// Notes that a worker lives, and where.
    pub(crate) fn heard(&mut self, id: &WorkerId, ip: IpAddr) {
        let now = self.now.mono;
        let worker = self.s.known(id);
        let (back, silent_ms) = (worker.presence.offline, now.since_ms(worker.presence.contact));
        let was_online = worker.is_online(now);
        worker.presence.touch(ip, now);
        if !was_online {
            // What runs there reads as unreachable no longer.
            let jobs: Vec<JobId> = worker.grants.keys().map(|attempt| attempt.job).collect();
            self.s.touched.jobs.extend(jobs);
        }
        if back && !self.s.workers[id].record.asleep {
            let worker = self.s.who(id);
            self.s.touched.notes.push(Note::Back { worker, silent_ms });
            if self.s.workers[id].record.intro.ip == ip {
                // Others fell silent at its address while it was not heard itself.
                self.pass_on(ip, id);
            }
        }
        self.s.touch_worker(id);
    }

    /// An agent that does not number its runs was restarted.
    fn next_session(&mut self, poll: &Poll) {
        self.begin_session(&poll.worker, &poll.session);
        let mut record = self.s.workers[&poll.worker].record.clone();
        record.intro.session = poll.session.clone();
        self.decide(Decision::PutWorker(Box::new(record)));
    }

    fn note_poll(&mut self, poll: &Poll) {
        let worker = self.s.known(&poll.worker);
        let (yielded, shares) = (worker.yields(), worker.presence.load.shares.clone());
        let presence = &mut worker.presence;
        presence.seq = poll.seq;
        presence.load = poll.load.clone();
        presence.takes_ahead = poll.takes_ahead;
        presence.said_free = poll.slots_free;
        presence.listed = poll.running.union(&poll.staged).copied().collect();
        let other = worker.yields() != yielded || worker.presence.load.shares != shares;
        if worker.yields() != yielded {
            // What runs there begins to stand still, or goes on.
            let jobs: Vec<JobId> = worker.grants.keys().map(|attempt| attempt.job).collect();
            self.s.touched.jobs.extend(jobs);
        }
        self.s.look_for_sleepers |= other;
    }

    fn park(&mut self, poll: &Poll, token: PollToken, until: Mono) {
        let parked = Parked { token, until, slots_free: poll.slots_free };
        self.s.known(&poll.worker).presence.parked = Some(parked);
        self.s.parked.insert(token, poll.worker.clone());
    }

    /// How long a poll may wait that is answered nothing else. What the worker must end or give back and was
    /// not told yet makes it answered at once. What it was told is said again after a while, as the answer
    /// may have been lost; not with each poll, or the two would spin until the processes are gone.
    fn may_wait_until(&self, poll: &Poll, PollAnswer { kill, recall, .. }: &PollAnswer) -> Mono {
        let until = self.now.mono.after_ms(poll.wait_ms);
        let presence = &self.s.workers[&poll.worker].presence;
        let mut tells = kill.iter().chain(recall).peekable();
        if tells.peek().is_none() {
            until
        } else if tells.all(|attempt| presence.told.contains(attempt)) {
            until.min(presence.told_at.after_ms(KILL_REPEAT_MS))
        } else {
            self.now.mono
        }
    }
}

/// Slots that an answer takes already.
fn taken(answer: &PollAnswer) -> u32 {
    u32::try_from(answer.assign.iter().filter(|handout| !handout.ahead).count()).unwrap_or(u32::MAX)
}
