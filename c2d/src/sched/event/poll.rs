//! What an agent says of what it holds, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use c2_shared::id::{AttemptId, Session, WorkerId};
use c2_shared::job::Outcome;
use c2_shared::worker::Load;

/// Names one waiting request, so that its answer finds it. Later requests have greater tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PollToken(pub u64);

/// A worker's poll: everything that it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Poll {
    /// Which worker.
    pub worker: WorkerId,
    /// The address that it speaks from.
    pub ip: IpAddr,
    /// The kernel's boot id.
    pub boot_id: String,
    /// Which run of the agent.
    pub session: Session,
    /// Orders the polls of a session.
    pub seq: u64,
    /// Jobs it could start now.
    pub slots_free: u32,
    /// Attempts that it holds and that have not ended.
    pub running: BTreeSet<AttemptId>,
    /// Attempts that it holds and has not started.
    pub staged: BTreeSet<AttemptId>,
    /// Of those that it holds, attempts of which no process is left and what they wrote is on its way.
    pub ended: BTreeMap<AttemptId, Outcome>,
    /// Attempts that it gives back.
    pub returned: Vec<Returned>,
    /// Of those that it started by itself, for how long they have run.
    pub ages_ms: BTreeMap<AttemptId, u64>,
    /// It takes attempts for which it has no slot yet.
    pub takes_ahead: bool,
    /// Results not acknowledged yet.
    pub unsent: Vec<ResultSummary>,
    /// How busy it is.
    pub load: Load,
    /// Why the machine is not fit for work, if its newest test of itself failed.
    pub unfit: Option<String>,
    /// It would let its machine sleep.
    pub would_sleep: bool,
    /// For how long the answer may wait.
    pub wait_ms: u64,
}

impl Poll {
    /// Whether the worker has an attempt and goes on with it.
    pub fn lists(&self, attempt: AttemptId) -> bool {
        self.running.contains(&attempt) || self.staged.contains(&attempt)
    }
}

/// An attempt whose command never started on its worker and never will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    pub attempt: AttemptId,
    /// What the worker said.
    pub reason: String,
    pub fault_of: FaultOf,
}

/// What is to blame for an attempt that was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultOf {
    /// No other machine could start it either.
    Job,
    /// The machine.
    Worker,
    /// An agent that is older than c2d.
    Version,
    /// c2d itself, which could not hand it over.
    C2d,
    /// Nothing: it waited for a slot and was not needed there any more.
    Nobody,
}

/// How an attempt ended; its output is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultSummary {
    /// Which attempt.
    pub attempt: AttemptId,
    /// How it ended.
    pub outcome: Outcome,
    /// If it could not be started: who is to blame.
    pub fault_of: FaultOf,
    /// How long it ran, if its worker said so.
    pub took_ms: Option<u64>,
}

/// What became of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultFate {
    /// It decides its attempt.
    Recorded,
    /// The job has ended already; whether by this very result, the store knows.
    Ended,
    /// A newer attempt was issued, or this one never was.
    Fenced,
}
