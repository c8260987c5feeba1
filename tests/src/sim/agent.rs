//! A simulated machine with its agent: it follows the protocol, and knows what really runs.

use std::collections::BTreeMap;
use std::net::IpAddr;

use c2_shared::id::AttemptId;
use c2_shared::job::Outcome;
use c2_shared::limits::LEASE_MS;
use c2_shared::worker::Load;
use c2d::sched::decision::PollAnswer;
use c2d::sched::event::{Introduction, Poll, ResultSummary};

/// Slots of each simulated machine.
const SLOTS: u32 = 4;

/// A machine and the agent on it.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) ip: IpAddr,
    /// Counts restarts of the machine.
    pub(crate) boot: u32,
    /// Counts starts of the agent's process.
    pub(crate) session: u32,
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
}

impl Agent {
    pub(crate) fn new(ip: IpAddr) -> Self {
        Self {
            ip,
            boot: 1,
            session: 1,
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

    pub(crate) fn introduction(&self) -> Introduction {
        Introduction {
            ip: self.ip,
            hostname: format!("host-{}", self.ip),
            worker_id: format!("id-{}", self.ip),
            boot_id: format!("boot-{}", self.boot),
            slots: SLOTS,
            version: String::new(),
            hardware: "{}".into(),
        }
    }

    /// The poll that it sends now.
    pub(crate) fn poll(&mut self, now_ms: u64, wait_ms: u64) -> Poll {
        self.seq += 1;
        self.awaited = Some((self.seq, now_ms));
        let busy = u32::try_from(self.running.len()).expect("few jobs run at once");
        Poll {
            worker: self.ip,
            worker_id: format!("id-{}", self.ip),
            boot_id: format!("boot-{}", self.boot),
            session: format!("s{}-{}", self.boot, self.session),
            seq: self.seq,
            slots_free: SLOTS.saturating_sub(busy),
            running: self.running.keys().copied().collect(),
            unsent: self.unsent.clone(),
            load: Load::default(),
            wait_ms,
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
            for running in self.running.values_mut() {
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

    pub(crate) const fn start(&mut self) {
        self.up = true;
        self.session += 1;
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
}
