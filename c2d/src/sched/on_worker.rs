//! What workers say, and what operators say of them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::Outcome;
use c2_shared::limits::KILL_REPEAT_MS;
use c2_shared::time::Mono;

use crate::sched::decision::{PollAnswer, WorkerRecord};
use crate::sched::event::{Introduction, Poll, PollToken, Reply, ResultSummary};
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::workers::{Heard, Parked, Worker};
use crate::sched::{Decision, Note, Reject};

impl Turn<'_> {
    pub(crate) fn on_registered(&mut self, intro: Introduction) -> Result<Reply, Reject> {
        let ip = intro.ip.expect("whoever builds the event fills in the address");
        self.s.check_agent(ip, &intro.worker_id)?;
        let old = self.s.workers.get(&ip);
        let same = old.filter(|old| old.record.intro.worker_id == intro.worker_id);
        let rebooted = same.is_some_and(|old| old.record.intro.boot_id != intro.boot_id);
        let record = match same {
            Some(old) => WorkerRecord { intro, ..old.record.clone() },
            None => WorkerRecord { ip, intro, groups: BTreeSet::new(), tags: BTreeSet::new(), drained: false },
        };
        if old.is_none_or(|old| old.record != record) {
            self.dismiss_parked(ip);
            self.decide(Decision::PutWorker(Box::new(record)));
        }
        self.heard(ip);
        if rebooted {
            self.all_gone(ip);
        }
        Ok(Reply::Done)
    }

    pub(crate) fn on_polled(&mut self, poll: &Poll) -> Result<Reply, Reject> {
        let ip = poll.worker;
        let Some(worker) = self.s.workers.get(&ip) else {
            self.decide(Decision::Answer {
                token: poll.token,
                answer: PollAnswer { register: true, ..PollAnswer::default() },
            });
            return Ok(Reply::Parked);
        };
        self.s.check_agent(ip, &poll.worker_id)?;
        let presence = &worker.presence;
        if presence.replaced == poll.session && !poll.session.is_empty() {
            return Err(Reject::SessionReplaced { worker: ip });
        }
        if presence.session == poll.session && poll.seq <= presence.seq {
            return Err(Reject::StalePoll { worker: ip });
        }
        // The introduction does not fit any more: another agent, or another boot.
        if worker.record.intro.worker_id != poll.worker_id || worker.record.intro.boot_id != poll.boot_id {
            self.decide(Decision::Answer {
                token: poll.token,
                answer: PollAnswer { register: true, ..PollAnswer::default() },
            });
            return Ok(Reply::Parked);
        }
        // A newer poll takes the place of the one that waits; the agent listens to the newest only.
        self.dismiss_parked(ip);
        self.heard(ip);
        self.enter_session(poll);
        let mut answer = self.reconcile(poll);
        let room = self.s.workers[&ip].slots_free().min(poll.slots_free.saturating_sub(taken(&answer)));
        for _ in 0..room {
            let Some(handout) = self.give(ip) else { break };
            answer.assign.push(handout);
        }
        answer.kill = self.s.kills(ip);
        let until = self.may_wait_until(poll, &answer.kill);
        if answer.assign.is_empty() && answer.ack.is_empty() && until > self.now.mono {
            self.park(poll, until);
        } else {
            self.answer(ip, poll.token, answer);
        }
        Ok(Reply::Parked)
    }

    pub(crate) fn on_plain_polled(&mut self, ip: IpAddr) -> Result<Reply, Reject> {
        if !self.s.workers.contains_key(&ip) {
            return Err(Reject::UnknownWorker { worker: ip });
        }
        self.heard(ip);
        let handout = self.give(ip);
        if let Some(handout) = &handout {
            // It will never confirm; so it is never given the same attempt twice.
            let worker = self.s.known(ip);
            if let Some(hold) = worker.holds.get_mut(&handout.attempt) {
                hold.heard = Heard::Confirmed;
            }
        }
        Ok(Reply::Plain(handout))
    }

    pub(crate) fn on_poll_dropped(&mut self, token: PollToken) -> Reply {
        if self.s.parked.contains_key(&token) {
            self.decide(Decision::Answer { token, answer: PollAnswer::default() });
        }
        Reply::Done
    }

    pub(crate) fn on_result(&mut self, ip: IpAddr, result: &ResultSummary) -> Result<Reply, Reject> {
        if !self.s.workers.contains_key(&ip) {
            return Err(Reject::UnknownWorker { worker: ip });
        }
        self.heard(ip);
        Ok(Reply::Result(self.record_result(ip, result)))
    }

    pub(crate) fn on_groups(
        &mut self,
        ip: IpAddr,
        add: BTreeSet<String>,
        remove: &BTreeSet<String>,
    ) -> Result<Reply, Reject> {
        self.change_worker(ip, |record| {
            record.groups.retain(|group| !remove.contains(group));
            record.groups.extend(add);
        })
    }

    pub(crate) fn on_tags(&mut self, ip: IpAddr, tags: BTreeSet<String>) -> Result<Reply, Reject> {
        self.change_worker(ip, |record| record.tags = tags)
    }

    pub(crate) fn on_drain(&mut self, ip: IpAddr, drain: bool) -> Result<Reply, Reject> {
        if !drain {
            self.clear_fault(ip);
        }
        self.change_worker(ip, |record| record.drained = drain)
    }

    pub(crate) fn on_removed(&mut self, ip: IpAddr) -> Result<Reply, Reject> {
        let worker = self.s.workers.get(&ip).ok_or(Reject::UnknownWorker { worker: ip })?;
        let held: Vec<AttemptId> = worker.holds.keys().copied().collect();
        // Past its lease it is not waited for, except by jobs that asked for just that.
        let awaited = |attempt: &&AttemptId| !worker.presence.expired || self.s.is_current(**attempt);
        let jobs = held.iter().filter(awaited).count();
        if jobs > 0 {
            return Err(Reject::WorkerBusy { worker: ip, jobs });
        }
        // It would register again at once; and its polls that are still under way would be taken for
        // those of a stranger, with all that was known of their order forgotten.
        if worker.is_online(self.now.mono) {
            return Err(Reject::WorkerOnline { worker: ip });
        }
        let pinned = self.s.jobs.iter().filter(|(_, job)| job.pinned == Some(ip));
        let stranded: Vec<JobId> = pinned.map(|(id, _)| id).collect();
        for job in stranded {
            self.end(job, Outcome::Setup { reason: format!("worker {ip}, where it had to run, was removed") });
        }
        for attempt in held {
            self.decide(Decision::Release { attempt, worker: ip });
        }
        self.decide(Decision::RemoveWorker { worker: ip });
        self.s.touched.notes.push(Note::Removed { worker: ip });
        Ok(Reply::Done)
    }

    fn change_worker(&mut self, ip: IpAddr, change: impl FnOnce(&mut WorkerRecord)) -> Result<Reply, Reject> {
        let worker = self.s.workers.get(&ip).ok_or(Reject::UnknownWorker { worker: ip })?;
        let mut record = worker.record.clone();
        change(&mut record);
        if record != worker.record {
            self.decide(Decision::PutWorker(Box::new(record)));
        }
        Ok(Reply::Done)
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
            for hold in worker.holds.values_mut().filter(|hold| hold.heard == Heard::Sent) {
                hold.heard = Heard::Inherited;
            }
        }
        worker.presence.seq = poll.seq;
        worker.presence.load = poll.load.clone();
        worker.presence.listed.clone_from(&poll.running);
    }

    fn park(&mut self, poll: &Poll, until: Mono) {
        let parked = Parked { token: poll.token, until, slots_free: poll.slots_free };
        self.s.known(poll.worker).presence.parked = Some(parked);
        self.s.parked.insert(poll.token, poll.worker);
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
        let attempts: Vec<AttemptId> = self.s.workers[&ip].holds.keys().copied().collect();
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
        let Worker { record, holds, .. } = other;
        if other.is_online(self.now.mono) {
            return Err(Reject::AddressTaken { worker: ip });
        }
        let kept = !record.groups.is_empty() || !record.tags.is_empty() || !holds.is_empty();
        if kept { Err(Reject::AddressKept { worker: ip, hostname: record.intro.hostname.clone() }) } else { Ok(()) }
    }
}

/// Slots that an answer takes already.
fn taken(answer: &PollAnswer) -> u32 {
    u32::try_from(answer.assign.len()).unwrap_or(u32::MAX)
}
