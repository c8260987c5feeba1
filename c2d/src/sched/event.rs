//! What reaches the scheduler: one variant for each thing that can happen.
//!
//! Events say what happened, never what to do about it. They are plain data; whoever builds them
//! has already read and checked the request behind them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{Dependency, JobState, Outcome, Terms};
use c2_shared::time::Mono;
use c2_shared::worker::Load;

/// The present, as two clocks tell it: `mono` decides, `wall_ms` is only written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock.
    pub mono: Mono,
    /// The wall clock in unix milliseconds.
    pub wall_ms: u64,
}

/// Something that reached c2d.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A worker introduced itself.
    WorkerRegistered(Box<Introduction>),
    /// A worker asked for work and told what it holds.
    WorkerPolled(Box<Poll>),
    /// A worker that only knows the README asked for one job.
    PlainPolled { worker: IpAddr },
    /// The connection of a waiting poll broke.
    PollDropped { token: PollToken },
    /// A result came by itself, outside a poll.
    ResultArrived { worker: IpAddr, result: ResultSummary },
    /// Jobs were submitted together; all are accepted, or none.
    JobsSubmitted { jobs: Vec<NewJob>, key: Option<IdempotencyKey> },
    /// Ended jobs were submitted again; all are accepted, or none.
    JobsRetried { jobs: Vec<Again> },
    /// An operator cancelled a job.
    CancelRequested { job: JobId },
    /// An operator put a worker into groups, or took it out.
    GroupsChanged { worker: IpAddr, add: BTreeSet<String>, remove: BTreeSet<String> },
    /// An operator said which tags a worker offers.
    TagsSet { worker: IpAddr, tags: BTreeSet<String> },
    /// An operator asked that a worker finish what it has, or take work again.
    DrainSet { worker: IpAddr, drain: bool },
    /// An operator removed a worker.
    WorkerRemoved { worker: IpAddr },
    /// An operator held a job that has not started.
    HoldRequested { job: JobId },
    /// An operator released a held job.
    ReleaseRequested { job: JobId },
    /// An operator stopped or restarted the whole queue.
    PauseSet { paused: bool },
    /// The time of [`super::Scheduler::next_deadline`] has come.
    TimePassed,
    /// c2d was asleep or stuck: the silence of the workers in that time means nothing.
    TimeUnobserved,
}

/// What a worker says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Introduction {
    /// Its address.
    pub ip: Option<IpAddr>,
    /// Its host name.
    pub hostname: String,
    /// Identity of its state folder; empty for a plain client.
    pub worker_id: String,
    /// The kernel's boot id; empty for a plain client.
    pub boot_id: String,
    /// Jobs it can run at once.
    pub slots: u32,
    /// The agent's version.
    pub version: String,
    /// Its hardware as JSON, kept and never read here.
    pub hardware: Arc<str>,
}

/// Names one waiting request, so that its answer finds it. Later requests have greater tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PollToken(pub u64);

/// A worker's poll: everything that it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Poll {
    /// Which worker.
    pub worker: IpAddr,
    /// Identity of its state folder.
    pub worker_id: String,
    /// The kernel's boot id.
    pub boot_id: String,
    /// Names one run of the agent.
    pub session: String,
    /// Orders the polls of a session.
    pub seq: u64,
    /// Names the request that waits for the answer.
    pub token: PollToken,
    /// Jobs it could start now.
    pub slots_free: u32,
    /// Attempts that it holds and that have not ended.
    pub running: BTreeSet<AttemptId>,
    /// Results not acknowledged yet.
    pub unsent: Vec<ResultSummary>,
    /// How busy it is.
    pub load: Load,
    /// For how long the answer may wait.
    pub wait_ms: u64,
}

/// How an attempt ended; its output is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultSummary {
    /// Which attempt.
    pub attempt: AttemptId,
    /// How it ended.
    pub outcome: Outcome,
    /// If it could not be started: c2d itself found that it cannot be, on any machine.
    pub of_job: bool,
}

/// A caller's key that makes a repeated submit harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key.
    pub key: String,
    /// A hash of the request, so that the same key with other jobs is refused.
    pub digest: String,
}

/// A job as it was submitted: what the scheduler decides by, and the rest as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewJob {
    /// The whole specification as JSON; kept and never read here.
    pub payload: Arc<str>,
    /// Its name, by which others of the same batch may depend on it.
    pub name: Option<Box<str>>,
    /// What it asks for.
    pub terms: Terms,
    /// Jobs that must have ended.
    pub depends: Vec<Dependency>,
}

/// An ended job, submitted again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// The job that ended, and stays as it is.
    pub of: JobId,
    /// The same once more, with its dependencies by id: those on jobs that are submitted again
    /// with it will mean the new ones.
    pub job: NewJob,
}

/// What an event led to, beside its decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing to say.
    Done,
    /// The poll's answer comes as [`super::Decision::Answer`], now or later.
    Parked,
    /// The one job for a plain poll.
    Plain(Option<super::decision::Handout>),
    /// The new jobs, or those that the key named before.
    Submitted { jobs: Vec<JobId>, replayed: bool },
    /// What became of a result.
    Result(ResultFate),
    /// Where a cancelled job stands now.
    Cancelled(JobState),
    /// Where a held or released job stands now.
    Standing(JobState),
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
