//! What the scheduler decides: data that changes its own state, is committed by the store, and is
//! carried out by the engine, all three from the same list.
//!
//! Everything but [`Decision::Answer`] and [`Decision::Wake`] is durable. Loading the rows that a list of decisions made
//! gives the state that the list made; a test compares the two.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use c2_shared::api::notifications::Kind;
use c2_shared::api::schedules::{Missed, Overlap, Run};
use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::{Condition, JobState, Outcome, Terms};
use c2_shared::resources::{Amounts, Capacity};
use c2_shared::wake::Mac;

use crate::sched::event::{FaultOf, Introduction, NewJob, PollToken};
use crate::sched::fit::{Share, cards_among};

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Accept a job.
    AddJob(Box<JobRecord>),
    /// Move a job that does not run to another state that does not run.
    SetWaiting { job: JobId, state: JobState },
    /// Give a job another place among those of its priority.
    Place { job: JobId, place: i64 },
    /// Replace what a job asks for by what this says; the rest of it is as before.
    Change(Box<JobRecord>),
    /// Note one dependency as fulfilled.
    Fulfil { job: JobId, on: JobId },
    /// Tie a job to the worker of its dependency.
    Pin { job: JobId, worker: WorkerId },
    /// Give a job to a worker, which is at this address now; `ahead` of a slot, which it does not get with it.
    Assign { attempt: AttemptId, worker: WorkerId, ip: IpAddr, share: Share, ahead: bool, at_ms: u64 },
    /// Note what is to become of a job that was given ahead, if it comes back.
    Wish { attempt: AttemptId, wish: Option<Wish> },
    /// Note that a running job is to be cancelled.
    MarkCancelling { job: JobId },
    /// Put a job back. A running job becomes queued.
    Requeue { attempt: AttemptId, outcome: Outcome, back: Back, at_ms: u64 },
    /// Take back a job that was given up too early: its attempt still runs.
    Readopt { attempt: AttemptId, worker: WorkerId },
    /// Free the slot and the tags of an attempt that ended so, while its result is under way.
    Deliver { attempt: AttemptId, worker: WorkerId, outcome: Outcome },
    /// Free what an attempt was granted on its worker: it is known to be over there.
    Free { attempt: AttemptId, worker: WorkerId },
    /// End a job for good. `attempt` is 0 when it never ran; `seq` is its place in `jobs.log`. When it started, if
    /// that was later than it was given.
    End { job: JobId, attempt: u32, outcome: Outcome, started_ms: Option<u64>, at_ms: u64, seq: u64 },
    /// Remember a worker as it is now.
    PutWorker(Box<WorkerRecord>),
    /// Forget a worker.
    RemoveWorker { worker: WorkerId },
    /// Remember which jobs a key made.
    RememberKey(KeyRecord),
    /// Forget a key.
    ForgetKey { key: String },
    /// Stop or restart the queue.
    SetPaused { paused: bool },
    /// Let so many jobs of a batch run at once, or any number.
    LimitBatch { batch: Arc<str>, max_running: Option<u32> },
    /// Remember a schedule as it is now.
    PutSchedule(Box<ScheduleRecord>),
    /// Forget a schedule.
    RemoveSchedule { name: String },
    /// Remember whom to tell of what, and how far it was told.
    PutRule(Box<RuleRecord>),
    /// Tell somebody nothing any more.
    RemoveRule { name: String },
    /// Remember something that is to be told.
    AddNotice(Box<NoticeRecord>),
    /// Forget it: all were told.
    ForgetNotice { id: u64 },
    /// Wake the machine of a worker that was last at this address, by the workers near it too; not stored.
    Wake { worker: WorkerId, ip: IpAddr, mac: Mac, near: Vec<WorkerId> },
    /// Answer a poll; not stored.
    Answer { token: PollToken, answer: PollAnswer },
}

impl Decision {
    /// Whether it is stored.
    pub const fn is_durable(&self) -> bool {
        !matches!(self, Self::Answer { .. } | Self::Wake { .. })
    }
}

/// Why a job goes back to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// Its worker no longer has it. A late result is still welcome, so it keeps its worker.
    Lost {
        /// It counts as a crash.
        crash: bool,
    },
    /// It failed with a retry left. It forgets its worker, so that the same result, delivered again,
    /// is outdated.
    Retry,
    /// Its worker gave it back, as it never started. It forgets its worker for the same reason.
    Returned {
        /// Who is to blame.
        fault_of: FaultOf,
    },
    /// Its worker was given up with all that it had. It forgets it, so that a late result is void.
    GivenUp {
        /// It counts as a crash.
        crash: bool,
    },
}

impl Back {
    /// Whether a crash is counted.
    pub const fn is_crash(self) -> bool {
        matches!(self, Self::Lost { crash: true } | Self::GivenUp { crash: true })
    }

    /// Whether a retry is used up.
    pub const fn is_retry(self) -> bool {
        matches!(self, Self::Retry)
    }

    /// Whether it counts against its worker.
    pub const fn is_fault(self) -> bool {
        matches!(self, Self::Returned { fault_of: FaultOf::Worker })
    }

    /// Whether nothing happened in the attempt that anybody would want to know of.
    pub const fn is_void(self) -> bool {
        matches!(self, Self::Returned { fault_of: FaultOf::Nobody })
    }

    /// Whether the job forgets its worker.
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Lost { .. })
    }
}

/// A job as the store keeps it, and the scheduler while it has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    pub id: JobId,
    pub state: JobState,
    pub payload: Arc<str>,
    pub name: Option<Box<str>>,
    /// What it asked for. Shared, because most jobs ask for the same.
    pub terms: Arc<Terms>,
    pub depends: Vec<DependencyEdge>,
    /// The worker that it is tied to.
    pub pinned: Option<WorkerId>,
    pub retries_left: u32,
    pub submitted_ms: u64,
    /// Number of the latest attempt, 0 before the first.
    pub attempt: u32,
    /// Where the latest attempt was sent, while a result of it would count.
    pub worker: Option<WorkerId>,
    /// When it was sent.
    pub started_ms: Option<u64>,
    pub cancelling: bool,
    /// Workers lost by it.
    pub crashes: u32,
}

/// One dependency of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DependencyEdge {
    pub condition: Condition,
    pub on: JobId,
    pub fulfilled: bool,
}

/// A worker as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRecord {
    /// What it said of itself.
    pub intro: Introduction,
    pub groups: BTreeSet<String>,
    pub tags: BTreeSet<String>,
    /// What operators say that it has.
    pub resources: Amounts,
    pub drained: bool,
    /// Another worker has its address by now.
    pub passed_on: bool,
    /// Why it is in quarantine, until a command has started there.
    pub quarantine: Option<String>,
    /// Its machine sleeps, as it said with its last poll.
    pub asleep: bool,
}

impl WorkerRecord {
    /// What it has beside its slots.
    pub fn has(&self) -> Capacity {
        let mut cards: Vec<u32> = cards_among(&self.tags).collect();
        cards.sort_unstable();
        self.intro.has.with(&self.resources, &cards)
    }
}

/// What an attempt was granted: a slot of its worker, and a share of what it has. Outlives the attempt's verdict until the worker
/// says that the processes are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRecord {
    pub attempt: AttemptId,
    pub worker: WorkerId,
    pub share: Share,
    /// How it ended, while its result is under way: it has neither slot nor share any more.
    pub outcome: Option<Outcome>,
    /// It was given without a slot, which it has from its start on.
    pub ahead: bool,
    /// What is to become of its job if it comes back.
    pub wish: Option<Wish>,
}

/// What an operator wants of a job that waits at a worker, which may have started it meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// It is to be held.
    pub hold: bool,
    /// It is to become another one.
    pub change: Option<Box<Wanted>>,
}

/// What a job is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub new: NewJob,
    /// Whether it names its dependencies again.
    pub depends: bool,
    /// Its new time limit, if it has one; 0 for none.
    pub limit_s: Option<u64>,
    /// Some of it cannot change once the job has started.
    pub before_start: bool,
}

/// How often a worker could not start a job that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRecord {
    pub job: JobId,
    pub worker: WorkerId,
    pub times: u32,
}

/// A schedule as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRecord {
    pub name: String,
    /// When it runs, in words that are kept and never read here.
    pub cron: String,
    pub timezone: String,
    pub overlap: Overlap,
    pub missed: Missed,
    pub paused: bool,
    /// What each run submits.
    pub job: NewJob,
    /// When it was added, or got the instants that it has: `every` counts from there.
    pub added_ms: u64,
    /// The next instant; none while it is paused.
    pub next_ms: Option<u64>,
    /// What the clock showed when that was computed.
    pub looked_ms: u64,
    /// The latest runs, oldest first, and all that have not ended.
    pub runs: Vec<Run>,
    /// Why what it submits cannot be used any more; not stored.
    pub defect: Option<String>,
}

impl ScheduleRecord {
    /// Whether its instants are those of the other.
    pub(crate) fn comes_as(&self, other: &Self) -> bool {
        self.added_ms == other.added_ms && self.cron == other.cron && self.timezone == other.timezone
    }

    /// Whether an operator who asked for one could have asked for the other.
    pub(crate) fn asks_the_same(&self, other: &Self) -> bool {
        let rules = |one: &Self| (one.overlap, one.missed);
        self.comes_as(other) && rules(self) == rules(other) && self.job == other.job
    }
}

/// Whom to tell of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRecord {
    pub name: String,
    pub on: BTreeSet<Kind>,
    /// Where to, with its secrets; never read here.
    pub to: String,
    /// Only of these jobs.
    pub group: Option<String>,
    pub job_name: Option<String>,
    pub schedule: Option<String>,
    /// How far in the log of ended jobs it was told.
    pub seq: u64,
    /// The last notice that it was told.
    pub notice: u64,
}

impl RuleRecord {
    /// Whether it asks for the same and has the same target, however far it was told.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        *self == Self { seq: self.seq, notice: self.notice, ..other.clone() }
    }

    /// Whether it is still to tell of this.
    pub fn awaits(&self, notice: &NoticeRecord) -> bool {
        self.notice < notice.id && self.on.contains(&notice.kind)
    }
}

/// Something that is to be told and stands in no log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRecord {
    pub id: u64,
    pub kind: Kind,
    pub at_ms: u64,
    pub text: String,
}

/// An idempotency key and what it made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    pub key: String,
    pub digest: String,
    pub jobs: Vec<JobId>,
    pub expires_ms: u64,
}

/// What the store knows of an ended job that others may still name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedRecord {
    pub job: JobId,
    pub state: JobState,
    pub worker: Option<WorkerId>,
}

/// Everything the scheduler needs to go on after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Jobs that have not ended, by id.
    pub jobs: Vec<JobRecord>,
    /// Jobs that have, by id.
    pub ended: Vec<EndedRecord>,
    /// Workers, by id.
    pub workers: Vec<WorkerRecord>,
    /// Slots and tags in use, by attempt.
    pub grants: Vec<GrantRecord>,
    /// What workers could not start, by job and worker.
    pub faults: Vec<FaultRecord>,
    /// Idempotency keys, by key.
    pub keys: Vec<KeyRecord>,
    /// How many jobs of a batch may run at once, by batch.
    pub limits: Vec<(Arc<str>, u32)>,
    /// Schedules, by name.
    pub schedules: Vec<ScheduleRecord>,
    /// Whom to tell of what, by name.
    pub rules: Vec<RuleRecord>,
    /// What is to be told, by number.
    pub notices: Vec<NoticeRecord>,
    /// The last job id given.
    pub last_job: u64,
    /// The last `seq` of `jobs.log`.
    pub last_seq: u64,
    /// Whether the queue is stopped.
    pub paused: bool,
    /// Active jobs whose specification cannot be used, and why. Those that wait are held.
    pub defects: Vec<(JobId, String)>,
}

/// What a poll is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PollAnswer {
    /// Attempts to start.
    pub assign: Vec<Handout>,
    /// Attempts to end.
    pub kill: Vec<AttemptId>,
    /// Attempts to give back, unless they have started.
    pub recall: Vec<AttemptId>,
    /// Results to forget.
    pub ack: Vec<AttemptId>,
    /// Time limits of attempts that run, where they were changed meanwhile; 0 for none.
    pub limits: Vec<(AttemptId, u64)>,
    /// Its machine may sleep.
    pub may_sleep: bool,
    /// The worker is not known (any more) and must introduce itself.
    pub register: bool,
}

/// A job on its way to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handout {
    pub attempt: AttemptId,
    /// What it holds.
    pub share: Share,
    /// It may wait there for a slot.
    pub ahead: bool,
    /// The specification as JSON.
    pub payload: Arc<str>,
    /// The jobs that it depended on, in the order of the specification, which may name them otherwise.
    pub depends: Vec<JobId>,
}
