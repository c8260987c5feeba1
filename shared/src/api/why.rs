//! Why a job does not run: what stands in its way by itself, and what at each worker.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::api::jobs::{AttemptRow, JobRow};
use crate::id::{AttemptId, JobId, WorkerId};
use crate::job::{Condition, JobState, OnLost};
use crate::worker::{GpuProcess, Neighbour};

/// The answer of [`super::endpoint::WHY`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Explanation {
    /// The job.
    pub job: JobRow,
    /// What keeps it from any worker; empty for one that is running, has ended, or waits only for
    /// a worker.
    pub reasons: Vec<Reason>,
    /// Each worker with what keeps the job from it, in the order of their addresses; empty for a
    /// job that is running or has ended.
    pub workers: Vec<WorkerVerdict>,
    /// Of a job that was given to a worker, that its command did not begin there: what it needs is on the way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fetches: bool,
    /// Of a job that runs, that its worker is silent. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<Silence>,
    /// Of a job that runs, what became of its worker meanwhile. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whereabouts: Option<Whereabouts>,
    /// Of a job whose processes stand still, to what its worker yields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub yields_to: Vec<Neighbour>,
    /// Of a job that its worker gave to a cluster and that did not begin there, why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<String>,
    /// Of a job that waits again, its latest attempt. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<AttemptRow>,
}

/// What became of a worker and its address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Whereabouts {
    /// Where it was when the job was given to it, if that is elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<IpAddr>,
    /// Another worker has its address by now, and it was not heard since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passed_on: bool,
    /// From where another machine uses its identity, with a copy of its state folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_at: Option<IpAddr>,
}

/// What becomes of a job whose worker is not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Silence {
    /// For how long it was not heard; none if never since c2d started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_ms: Option<u64>,
    /// How long it is waited for at least; 0 if its time is over.
    pub left_ms: u64,
    /// What happens then.
    pub on_lost: OnLost,
}

/// Something that keeps a job from all workers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// It waits for an operator's release.
    Held,
    /// What was stored of it cannot be used, so it is held until it is cancelled.
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// The whole queue is stopped.
    Paused,
    /// Its time has not come.
    BeginAt {
        /// When, in unix milliseconds.
        at_ms: u64,
    },
    /// Another job has to end first.
    Dependency {
        /// Which one.
        job_id: JobId,
        /// How it must end.
        condition: Condition,
        /// Where it stands.
        state: JobState,
    },
    /// Jobs that can run in the same places come before it.
    Ahead {
        /// How many of the same group, tags and machine.
        jobs: usize,
    },
    /// As many jobs of its batch run as may.
    BatchFull {
        /// The batch.
        batch: String,
        /// How many run.
        running: usize,
        /// How many may.
        max_running: u32,
    },
    /// It waits for so long that room is kept for it on a worker: no job of a lower rank takes that.
    RoomKept {
        /// The address of the worker.
        worker: IpAddr,
    },
    /// It was given to a worker ahead of a slot, and starts there as soon as one is free.
    GivenAhead {
        /// The address of the worker.
        worker: IpAddr,
    },
    /// No worker is known at all.
    NoWorkers,
    /// One that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A worker as far as one job cares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WorkerVerdict {
    /// Its address.
    pub ip: IpAddr,
    /// Its id. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    /// Its host name.
    pub hostname: String,
    /// What became of it and its address.
    #[serde(flatten)]
    pub whereabouts: Whereabouts,
    /// What keeps the job from it; empty if it could start there now.
    pub obstacles: Vec<Obstacle>,
}

/// Something that keeps a job from one worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Obstacle {
    /// It is offline.
    Offline {
        /// Since when it was not heard; none if never since c2d started.
        silent_ms: Option<u64>,
    },
    /// Its machine sleeps. It is woken for jobs that no other worker could run.
    Asleep {
        /// It was sent the packet that wakes it.
        waking: bool,
        /// How often in a row it was woken and then not heard.
        failed: u32,
        /// Until it is woken again, where it rests after that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
        /// Its agent said no hardware address by which it could be woken.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unwakeable: bool,
    },
    /// It finishes what it has.
    Draining,
    /// It is not in the job's group.
    NotInGroup {
        /// The group.
        group: String,
    },
    /// The job must not run there.
    Excluded,
    /// The job may run on other workers only.
    NotNamed {
        /// On these: their addresses, or the words for those that are not known.
        workers: Vec<String>,
    },
    /// The job must run where its dependencies ran.
    OtherMachine {
        /// There: the address of that worker, or its id when it is not known any more.
        worker: String,
        /// Its id. An older c2d does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worker_id: Option<WorkerId>,
    },
    /// It does not offer a tag that the job needs.
    NoTag {
        /// The tag.
        tag: String,
    },
    /// It has no shared folder of this name, or the folder is not there now.
    NoShare {
        /// The name.
        share: String,
    },
    /// Another job holds a tag that this one needs.
    TagHeld {
        /// The tag.
        tag: String,
        /// By whom; several for a pool.
        holders: Vec<AttemptId>,
    },
    /// Its agent takes nothing new while so little space is left where jobs run.
    DiskFull {
        /// How much.
        free_bytes: u64,
    },
    /// It yields to somebody or something else: nothing new starts there.
    Yields {
        /// To whom or what.
        to: Vec<Neighbour>,
    },
    /// It cannot start jobs, and gets nothing, or one job at a time, until it has shown that it can.
    Quarantined {
        /// What it said.
        reason: String,
        /// Until it is tried with a job again.
        retry_ms: u64,
    },
    /// Its agent is too old to read this job.
    TooOld {
        /// What it said.
        reason: String,
    },
    /// It could not start this job, which goes elsewhere first.
    Avoided {
        /// Until the job may go there again.
        retry_ms: u64,
    },
    /// It has less of a resource than the job takes: at all, or free at the moment.
    Short {
        /// `cpus`, `memory`, `gpus`, `vram`, or a name of the operator's own.
        resource: String,
        /// What the job takes; of memory in bytes.
        needed: u64,
        /// What it has; of `vram` the most that there is on a card that would do.
        total: u64,
        /// What of that is free.
        free: u64,
        /// By whom the rest is held.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        holders: Vec<AttemptId>,
        /// Processes that use the cards and belong to no job.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        foreign: Vec<GpuProcess>,
    },
    /// What is free there is kept for a job of a higher rank, which finds no room otherwise.
    RoomKept {
        /// For which.
        job_id: JobId,
    },
    /// All its slots are in use.
    SlotsFull {
        /// How many it has.
        slots: u32,
    },
    /// One that this version does not know.
    #[serde(other)]
    Unknown,
}
