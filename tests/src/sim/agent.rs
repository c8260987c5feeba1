//! A simulated machine with its agent: it follows the protocol, and knows what really runs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use c2_shared::id::{AttemptId, Session, WorkerId};
use c2_shared::job::Outcome;
use c2_shared::limits::{AHEAD_FRESH_MS, AHEAD_PER_SLOT, LEASE_MS, QUARANTINE_MS};
use c2_shared::resources::{Capacity, Card};
use c2_shared::worker::{Load, Neighbour};
use c2d::sched::decision::PollAnswer;
use c2d::sched::event::{FaultOf, Introduction, Place, Poll, ResultSummary, Returned};

use super::oracle::FAULT;

/// Slots of each simulated machine.
pub(crate) const SLOTS: u32 = 4;
/// What each machine has besides.
pub(crate) const CPUS: u32 = 6;
pub(crate) const MEMORY: u64 = 100;
pub(crate) const VRAM: u64 = 16;
pub(crate) const LICENSES: u64 = 2;

/// An agent with its state folder, and the machine that it runs on.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    /// What its folder says who it is; a copy says the same.
    pub(crate) id: String,
    /// Which machine, whatever it says of itself.
    pub(crate) machine: usize,
    /// Which folder, likewise.
    pub(crate) folder: usize,
    pub(crate) ip: IpAddr,
    /// Its address changes with each message until then.
    pub(crate) flaps_until_ms: u64,
    /// It says no more of itself than agents of 0.1.0.
    pub(crate) old: bool,
    /// Counts restarts of the machine.
    pub(crate) boot: u32,
    /// Starts that its folder counts.
    pub(crate) starts: u64,
    /// Starts of the agent's process here.
    pub(crate) runs: u32,
    /// The agent's process is alive.
    pub(crate) up: bool,
    /// The network between it and c2d is cut until then.
    pub(crate) cut_until_ms: u64,
    /// It cannot start anything until then.
    pub(crate) broken_until_ms: u64,
    /// It yields its machine until then.
    pub(crate) yields_until_ms: u64,
    /// Its machine sleeps.
    pub(crate) asleep: bool,
    /// It would let it.
    pub(crate) sleepy: bool,
    /// Nothing wakes it until then.
    pub(crate) deaf_until_ms: u64,
    /// Its test of itself does not see that.
    pub(crate) blind: bool,
    /// Its newest test failed, and the next one is due then.
    unfit: Option<u64>,
    pub(crate) registered: bool,
    pub(crate) seq: u64,
    /// What was given to it and waits for what it needs, until then.
    pub(crate) staged: BTreeMap<AttemptId, Staged>,
    /// What was given to it ahead of a slot.
    pub(crate) waiting: BTreeSet<AttemptId>,
    /// What runs.
    pub(crate) running: BTreeMap<AttemptId, Running>,
    /// What has ended and is on its way, until then.
    pub(crate) delivering: BTreeMap<AttemptId, (Outcome, u64)>,
    /// What it could not start.
    pub(crate) returned: Vec<Returned>,
    pub(crate) unsent: Vec<ResultSummary>,
    /// The newest poll and when it was sent, until it is answered.
    awaited: Option<(u64, u64)>,
    /// When the last poll was sent that c2d answered. The leases of its runners count from there, and
    /// go on whatever becomes of the agent.
    pub(crate) answered_ms: u64,
}

/// An attempt that is not started yet.
#[derive(Clone, Debug)]
pub(crate) struct Staged {
    pub(crate) starts_ms: u64,
    pub(crate) waited: bool,
    pub(crate) tags: Vec<String>,
}

/// A process tree.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) ends_ms: u64,
    pub(crate) outcome: Outcome,
    /// It goes on however long c2d is silent.
    pub(crate) patient: bool,
    pub(crate) started_ms: u64,
    /// It waited here for a slot.
    pub(crate) waited: bool,
}

/// What follows from an answer.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// To be started, each with its tags.
    pub(crate) fresh: Vec<(AttemptId, Vec<String>)>,
    /// Given back.
    pub(crate) returned: Vec<AttemptId>,
    /// Had ended, and what they left is no longer on its way.
    pub(crate) cut_short: Vec<AttemptId>,
}

impl Agent {
    pub(crate) fn new(number: usize, ip: IpAddr, old: bool) -> Self {
        Self {
            id: format!("id-{number}"),
            machine: number,
            folder: number,
            ip,
            flaps_until_ms: 0,
            old,
            boot: 1,
            starts: 1,
            runs: 1,
            up: true,
            cut_until_ms: 0,
            broken_until_ms: 0,
            yields_until_ms: 0,
            asleep: false,
            sleepy: false,
            deaf_until_ms: 0,
            blind: false,
            unfit: None,
            registered: false,
            seq: 0,
            staged: BTreeMap::new(),
            waiting: BTreeSet::new(),
            running: BTreeMap::new(),
            delivering: BTreeMap::new(),
            returned: Vec::new(),
            unsent: Vec::new(),
            awaited: None,
            answered_ms: 0,
        }
    }

    /// The state folder of this agent on another machine, or once more on this one: with its id, what it owes,
    /// and the notes of what it runs, of which nothing is alive there.
    pub(crate) fn copy(&self, folder: usize, machine: usize, ip: IpAddr) -> Self {
        let noted = self.running.keys().map(|attempt| lost(*attempt));
        let spooled = self.delivering.iter().map(|(attempt, (outcome, _))| result(*attempt, outcome.clone()));
        let unsent = self.unsent.iter().cloned().chain(noted).chain(spooled).collect();
        let boot = if machine == self.machine { self.boot } else { 1 };
        let copy = Self { id: self.id.clone(), starts: self.starts, boot, unsent, ..Self::new(folder, ip, false) };
        let mut copy = Self { machine, ..copy };
        copy.start();
        copy
    }

    /// `c2-agent reset-identity`: the folder of a new worker.
    pub(crate) fn reset(&mut self, id: String) {
        self.id = id;
        self.starts = 0;
        self.unsent.clear();
        self.delivering.clear();
        self.start();
    }

    pub(crate) fn worker(&self) -> WorkerId {
        self.id.as_str().into()
    }

    /// Which run this is.
    pub(crate) fn session(&self) -> Session {
        let nonce = format!("m{}f{}r{}", self.machine, self.folder, self.runs);
        Session { start: if self.old { 0 } else { self.starts }, nonce }
    }

    fn boot_id(&self) -> String {
        format!("boot-{}-{}", self.machine, self.boot)
    }

    pub(crate) fn introduction(&self, ip: IpAddr) -> Introduction {
        let mark = |number: usize| if self.old { String::new() } else { number.to_string() };
        Introduction {
            id: self.worker(),
            ip,
            hostname: format!("host-{}", self.machine),
            place: Place { boot_id: self.boot_id(), machine: mark(self.machine), folder: mark(self.folder) },
            session: if self.old { Session::default() } else { self.session() },
            slots: SLOTS,
            version: String::new(),
            has: Capacity {
                cpus: CPUS,
                memory_bytes: MEMORY,
                gpus: (0..2).map(|index| Card { index, vram_bytes: VRAM }).collect(),
                needs: [("license".to_owned(), LICENSES)].into(),
            },
            mac: (!self.old).then(|| self.mac()),
            unfenced: false,
            hardware: "{}".into(),
        }
    }

    /// The poll that it sends now.
    pub(crate) fn poll(&mut self, ip: IpAddr, now_ms: u64, wait_ms: u64) -> Poll {
        self.seq += 1;
        self.awaited = Some((self.seq, now_ms));
        let ages = self.running.iter().filter(|(_, running)| running.waited);
        let ended = self.delivering.iter().map(|(attempt, (outcome, _))| (*attempt, outcome.clone()));
        Poll {
            worker: self.worker(),
            ip,
            boot_id: self.boot_id(),
            session: self.session(),
            seq: self.seq,
            slots_free: if self.yields(now_ms) { 0 } else { self.slots_free() },
            running: self.running.keys().chain(self.delivering.keys()).copied().collect(),
            staged: self.staged.keys().chain(&self.waiting).copied().collect(),
            ages_ms: ages.map(|(attempt, running)| (*attempt, now_ms - running.started_ms)).collect(),
            takes_ahead: !self.old && !self.yields(now_ms),
            ended: ended.collect(),
            returned: self.returned.clone(),
            unfit: self.unfit.map(|_| FAULT.to_owned()),
            unsent: self.unsent.clone(),
            load: self.load(now_ms),
            would_sleep: self.sleepy && self.is_idle() && !self.yields(now_ms),
            wait_ms,
        }
    }

    fn load(&self, now_ms: u64) -> Load {
        let yields_to = if self.yields(now_ms) { vec![Neighbour::User] } else { Vec::new() };
        Load { yields_to, ..Load::default() }
    }

    /// Whether somebody else needs the machine. Agents of old do not look.
    pub(crate) const fn yields(&self, now_ms: u64) -> bool {
        self.yields_until_ms > now_ms && !self.old
    }

    /// For so long nothing starts here, and what runs stands still.
    pub(crate) fn begin_to_yield(&mut self, now_ms: u64, for_ms: u64) {
        if self.up && !self.old && !self.yields(now_ms) {
            self.yields_until_ms = now_ms + for_ms;
            self.running.values_mut().for_each(|running| running.ends_ms += for_ms);
        }
    }

    fn slots_free(&self) -> u32 {
        let count = |attempts: usize| u32::try_from(attempts).expect("few jobs run at once");
        let busy = count(self.running.len() + self.staged.len());
        SLOTS.saturating_sub(busy + count(self.delivering.len()).saturating_sub(if self.old { 0 } else { SLOTS }))
    }

    /// Starts what waits here for a slot, or gives all of it back if c2d was silent for too long
    /// or the machine is yielded; what it gave back.
    pub(crate) fn start_waiting(&mut self, now_ms: u64) -> Vec<AttemptId> {
        if now_ms.saturating_sub(self.answered_ms) >= AHEAD_FRESH_MS || self.yields(now_ms) {
            let all: Vec<AttemptId> = self.waiting.iter().copied().collect();
            all.iter().for_each(|attempt| self.give_back(*attempt));
            return all;
        }
        while self.slots_free() > 0
            && let Some(attempt) = self.waiting.pop_first()
        {
            self.staged.insert(attempt, Staged { starts_ms: now_ms, waited: true, tags: Vec::new() });
        }
        Vec::new()
    }

    fn give_back(&mut self, attempt: AttemptId) {
        self.waiting.remove(&attempt);
        let reason = "it waited for a slot".to_owned();
        self.returned.push(Returned { attempt, reason, fault_of: FaultOf::Nobody });
    }

    /// Its newest poll was refused: c2d does not take it for the run that it knows.
    pub(crate) fn refused(&mut self, seq: u64) {
        if self.awaited.take_if(|(awaited, _)| *awaited == seq).is_some() {
            self.registered = false;
        }
    }

    /// Reads an answer, if it is the first one to its newest poll: what it was told to start and does
    /// not hold, and what it gives back.
    pub(crate) fn read(&mut self, seq: u64, answer: &PollAnswer, now_ms: u64) -> Option<Told> {
        let (_, sent_ms) = self.awaited.take_if(|(awaited, _)| *awaited == seq)?;
        self.answered_ms = sent_ms;
        self.asleep = answer.may_sleep;
        self.sleepy = false;
        self.registered &= !answer.register;
        self.unsent.retain(|result| !answer.ack.contains(&result.attempt));
        self.returned.retain(|returned| !answer.ack.contains(&returned.attempt));
        let mut told = Told::default();
        for attempt in answer.recall.iter().chain(&answer.kill) {
            if self.waiting.contains(attempt) {
                self.give_back(*attempt);
                told.returned.push(*attempt);
            }
        }
        for attempt in &answer.kill {
            if self.staged.remove(attempt).is_some() {
                self.unsent.push(result(*attempt, Outcome::Cancelled));
            }
            if self.delivering.remove(attempt).is_some() {
                self.unsent.push(result(*attempt, Outcome::Cancelled));
                told.cut_short.push(*attempt);
            }
            // The processes need a moment to end.
            if let Some(running) = self.running.get_mut(attempt) {
                running.ends_ms = running.ends_ms.min(now_ms + 500);
                running.outcome = Outcome::Cancelled;
            }
        }
        let held = |attempt: &AttemptId| {
            self.running.contains_key(attempt)
                || self.staged.contains_key(attempt)
                || self.waiting.contains(attempt)
                || self.delivering.contains_key(attempt)
                || self.returned.iter().any(|returned| returned.attempt == *attempt)
                || self.unsent.iter().any(|result| result.attempt == *attempt)
        };
        let fresh: Vec<_> = answer.assign.iter().filter(|handout| !held(&handout.attempt)).collect();
        for handout in fresh {
            if !handout.ahead {
                told.fresh.push((handout.attempt, handout.share.tags.clone()));
            } else if self.waiting.len() < AHEAD_PER_SLOT * SLOTS as usize {
                self.waiting.insert(handout.attempt);
            }
        }
        Some(told)
    }

    /// It cannot start an attempt, and tests itself before it says so.
    pub(crate) fn fail_to_start(&mut self, attempt: AttemptId, now_ms: u64) {
        let reason = FAULT.to_owned();
        if self.old {
            return self.unsent.push(result(attempt, Outcome::Setup { reason }));
        }
        self.test(now_ms);
        self.returned.push(Returned { attempt, reason, fault_of: FaultOf::Worker });
    }

    fn test(&mut self, now_ms: u64) {
        let fails = self.broken_until_ms > now_ms && !self.blind;
        self.unfit = fails.then(|| now_ms + QUARANTINE_MS);
    }

    /// Ends what is due, of which some is on its way for so long; what it ended.
    pub(crate) fn work(&mut self, now_ms: u64, delivery_ms: u64) -> Vec<AttemptId> {
        if self.unfit.is_some_and(|due| due <= now_ms) {
            self.test(now_ms);
        }
        let there: Vec<AttemptId> =
            self.delivering.iter().filter(|(_, (_, until))| *until <= now_ms).map(|(attempt, _)| *attempt).collect();
        for attempt in there.iter().filter(|_| self.up) {
            let (outcome, _) = self.delivering.remove(attempt).expect("it was just found");
            self.unsent.push(result(*attempt, outcome));
        }
        if now_ms.saturating_sub(self.answered_ms) > LEASE_MS * 9 / 10 {
            // Cut off for so long, others may be given its work: it ends it itself.
            for running in self.running.values_mut().filter(|running| !running.patient) {
                running.ends_ms = running.ends_ms.min(now_ms);
                running.outcome = Outcome::Lost;
            }
        }
        let due: Vec<AttemptId> =
            self.running.iter().filter(|(_, r)| r.ends_ms <= now_ms).map(|(attempt, _)| *attempt).collect();
        for attempt in &due {
            let running = self.running.remove(attempt).expect("it was just found");
            if delivery_ms > 0 && !self.old {
                self.delivering.insert(*attempt, (running.outcome, now_ms + delivery_ms));
            } else {
                let took_ms = Some(now_ms.saturating_sub(running.started_ms));
                self.unsent.push(ResultSummary { took_ms, ..result(*attempt, running.outcome) });
            }
        }
        due
    }

    /// Takes what has all that it needs.
    pub(crate) fn ready(&mut self, now_ms: u64) -> Vec<(AttemptId, Staged)> {
        self.staged.extract_if(.., |_, staged| staged.starts_ms <= now_ms).collect()
    }

    /// Whether nothing runs there, or is about to.
    pub(crate) fn starts_nothing(&self) -> bool {
        self.running.is_empty() && self.staged.is_empty() && self.waiting.is_empty()
    }

    /// Whether it holds nothing at all.
    pub(crate) fn is_idle(&self) -> bool {
        self.starts_nothing() && self.delivering.is_empty() && self.unsent.is_empty()
    }

    /// The agent's process dies; its jobs and results live on under their runners.
    pub(crate) const fn crash(&mut self) {
        self.up = self.asleep;
    }

    pub(crate) fn start(&mut self) {
        self.up = true;
        (self.asleep, self.sleepy) = (false, false);
        self.staged.clear();
        self.waiting.clear();
        self.returned.clear();
        self.unfit = None;
        self.runs += 1;
        self.starts += 1;
        self.seq = 0;
        self.awaited = None;
        self.registered = false;
    }

    /// The machine restarts: every process is dead, undelivered results are on its disk.
    pub(crate) fn reboot(&mut self) -> Vec<AttemptId> {
        self.boot += 1;
        let dead = self.running.keys().copied().collect();
        self.running.clear();
        self.start();
        dead
    }

    /// Ends everything that runs here, for the reason that c2d does not want this machine.
    pub(crate) fn end_all(&mut self) -> Vec<AttemptId> {
        let ended = self.running.keys().copied().collect();
        self.running.clear();
        self.staged.clear();
        self.waiting.clear();
        ended
    }
}

fn lost(attempt: AttemptId) -> ResultSummary {
    result(attempt, Outcome::Lost)
}

fn result(attempt: AttemptId, outcome: Outcome) -> ResultSummary {
    ResultSummary { attempt, outcome, fault_of: FaultOf::Worker, took_ms: None }
}
