//! What may be seen of the scheduler's state: plain owned rows, made on demand.
//!
//! The rows carry the specification as it came; whoever shows them reads what it needs of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{JobState, Outcome};
use c2_shared::worker::{Load, WorkerStatus};

use crate::sched::event::Introduction;

/// A job that has not ended, or has just.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    pub id: JobId,
    pub state: JobState,
    pub payload: Arc<str>,
    pub attempt: u32,
    pub worker: Option<IpAddr>,
    pub cancelling: bool,
    /// It runs on a worker that is offline.
    pub unreachable: bool,
    pub submitted_ms: u64,
    pub started_ms: Option<u64>,
    pub ended_ms: Option<u64>,
    pub outcome: Option<Outcome>,
}

/// A worker.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerView {
    pub ip: IpAddr,
    pub intro: Introduction,
    pub status: WorkerStatus,
    pub groups: BTreeSet<String>,
    pub tags: BTreeMap<String, Option<AttemptId>>,
    pub running: Vec<JobId>,
    pub slots_used: u32,
    pub silent_ms: Option<u64>,
    pub load: Load,
}

/// The queue in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueView {
    pub blocked: usize,
    pub held: usize,
    pub queued: usize,
    pub running: usize,
    pub capacity: usize,
    pub succeeded: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub workers_online: usize,
    pub slots: u32,
    pub slots_used: u32,
    pub recovering: bool,
    pub paused: bool,
}
