//! A simulated machine with its agent: it follows the protocol, and knows what really runs.

use std::collections::BTreeMap;
use std::net::IpAddr;

use c2_shared::id::{AttemptId, Session, WorkerId};
use c2_shared::job::Outcome;
use c2_shared::limits::LEASE_MS;
use c2_shared::worker::Load;
use c2d::sched::decision::PollAnswer;
use c2d::sched::event::{Introduction, Place, Poll, ResultSummary};

/// Slots of each simulated machine.
const SLOTS: u32 = 4;

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
    pub(crate) registered: bool,
    pub(crate) seq: u64,
    /// What runs.
    pub(crate) running: BTreeMap<AttemptId, Running>,
    pub(crate) unsent: Vec<ResultSummary>,
    /// The newest poll and when it was sent, until it is answered.
    awaited: Option<(u64, u64)>,
    /// When the last poll was sent that c2d answered. The leases of its runners count from there, and
    /// go on whatever becomes of the agent.
    pub(crate) answered_ms: u64,
}

/// A process tree.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) ends_ms: u64,
    pub(crate) outcome: Outcome,
    /// It goes on however long c2d is silent.
    pub(crate) patient: bool,
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
            registered: false,
            seq: 0,
            running: BTreeMap::new(),
            unsent: Vec::new(),
            awaited: None,
            answered_ms: 0,
        }
    }

    /// The state folder of this agent on another machine, or once more on this one: with its id, what it owes,
    /// and the notes of what it runs, of which nothing is alive there.
    pub(crate) fn copy(&self, folder: usize, machine: usize, ip: IpAddr) -> Self {
        let noted = self.running.keys().map(|attempt| lost(*attempt));
        let unsent = self.unsent.iter().cloned().chain(noted).collect();
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
            hardware: "{}".into(),
        }
    }

    /// The poll that it sends now.
    pub(crate) fn poll(&mut self, ip: IpAddr, now_ms: u64, wait_ms: u64) -> Poll {
        self.seq += 1;
        self.awaited = Some((self.seq, now_ms));
        let busy = u32::try_from(self.running.len()).expect("few jobs run at once");
        Poll {
            worker: self.worker(),
            ip,
            boot_id: self.boot_id(),
            session: self.session(),
            seq: self.seq,
            slots_free: SLOTS.saturating_sub(busy),
            running: self.running.keys().copied().collect(),
            unsent: self.unsent.clone(),
            load: Load::default(),
            wait_ms,
        }
    }

    /// Its newest poll was refused: c2d does not take it for the run that it knows.
    pub(crate) fn refused(&mut self, seq: u64) {
        if self.awaited.take_if(|(awaited, _)| *awaited == seq).is_some() {
            self.registered = false;
        }
    }

    /// Reads an answer, if it is the first one to its newest poll: what it was told to start and does
    /// not hold.
    pub(crate) fn read(&mut self, seq: u64, answer: &PollAnswer, now_ms: u64) -> Option<Vec<(AttemptId, Vec<String>)>> {
        let (_, sent_ms) = self.awaited.take_if(|(awaited, _)| *awaited == seq)?;
        self.answered_ms = sent_ms;
        self.registered &= !answer.register;
        self.unsent.retain(|result| !answer.ack.contains(&result.attempt));
        for attempt in &answer.kill {
            // The processes need a moment to end.
            if let Some(running) = self.running.get_mut(attempt) {
                running.ends_ms = running.ends_ms.min(now_ms + 500);
                running.outcome = Outcome::Cancelled;
            }
        }
        let held = |attempt: &AttemptId| {
            self.running.contains_key(attempt) || self.unsent.iter().any(|result| result.attempt == *attempt)
        };
        let fresh = answer.assign.iter().filter(|handout| !held(&handout.attempt));
        Some(fresh.map(|handout| (handout.attempt, handout.tags.clone())).collect())
    }

    /// Ends what is due; what it ended.
    pub(crate) fn work(&mut self, now_ms: u64) -> Vec<AttemptId> {
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
            self.unsent.push(ResultSummary { attempt: *attempt, outcome: running.outcome, of_job: false });
        }
        due
    }

    /// The agent's process dies; its jobs and results live on under their runners.
    pub(crate) const fn crash(&mut self) {
        self.up = false;
    }

    pub(crate) fn start(&mut self) {
        self.up = true;
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
        ended
    }
}

fn lost(attempt: AttemptId) -> ResultSummary {
    ResultSummary { attempt, outcome: Outcome::Lost, of_job: false }
}
