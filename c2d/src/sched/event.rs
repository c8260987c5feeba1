//! What reaches the scheduler: one type for each thing that can happen.
//!
//! Events say what happened, never what to do about it. They are plain data; whoever builds them
//! has already read and checked the request behind them.

mod poll;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use c2_shared::id::{JobId, Session, WorkerId};
use c2_shared::job::{Dependency, Terms};
use c2_shared::resources::{Amount, Capacity};
use c2_shared::time::Mono;
use c2_shared::wake::Mac;

use crate::sched::Reject;
use crate::sched::decision::{RuleRecord, ScheduleRecord};
use crate::sched::foresee::Outlook;
use crate::sched::scheduler::Turn;

pub use poll::{FaultOf, Poll, PollToken, ResultFate, ResultSummary, Returned};

/// The present, as three clocks tell it: `mono` decides within a run, `seen_ms` about what outlives one,
/// `wall_ms` is only written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock.
    pub mono: Mono,
    /// The wall clock in unix milliseconds.
    pub wall_ms: u64,
    /// How long c2d has run, in all of its runs. What is a day old was there for a day of this.
    pub seen_ms: u64,
}

/// Something that reached c2d, and what whoever brought it is told.
pub trait Event: Send + 'static {
    /// The answer, for when everything that was decided is durable.
    type Answer: Send + 'static;

    /// Whether it brings new jobs, for which the disk must have room.
    const BRINGS_JOBS: bool = false;

    /// Decides what follows. On refusal nothing has changed and no decision was made.
    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject>;
}

/// A worker introduced itself. Answered with the number that this run must take in place of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRegistered(pub Introduction);

/// A worker asked for work and told what it holds. The answer to the poll comes as
/// [`super::Decision::Answer`], now or later.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerPolled {
    pub poll: Box<Poll>,
    /// Names the request that waits for the answer.
    pub token: PollToken,
}

/// A worker that only knows the README asked for one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainPolled {
    pub worker: WorkerId,
    pub ip: IpAddr,
}

/// A worker lives, and nothing else is to be learnt from its poll now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerHeard {
    pub worker: WorkerId,
    pub ip: IpAddr,
}

/// The connection of a waiting poll broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollDropped {
    pub token: PollToken,
}

/// A result came by itself, outside a poll; from there, if the worker itself sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultArrived {
    pub worker: WorkerId,
    pub from: Option<IpAddr>,
    pub result: ResultSummary,
}

/// Jobs were submitted together; all are accepted, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobsSubmitted {
    pub jobs: Vec<NewJob>,
    pub key: Option<IdempotencyKey>,
    /// At most so many jobs may run at once of each batch that these belong to.
    pub max_running: Option<u32>,
}

/// The answer to [`JobsSubmitted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The new jobs, or those that the key named before.
    pub jobs: Vec<JobId>,
    /// What keeps new ones from running for longer than a moment, by their place in the request.
    pub outlooks: Vec<(usize, Outlook)>,
}

/// Ended jobs were submitted again; all are accepted, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobsRetried {
    pub jobs: Vec<Again>,
}

/// An operator cancelled a job. Answered with where it stands now, as are the next two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelRequested {
    pub job: JobId,
}

/// An operator held a job that has not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldRequested {
    pub job: JobId,
}

/// An operator released a held job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseRequested {
    pub job: JobId,
}

/// An operator put a worker into groups, or took it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupsChanged {
    pub worker: WorkerId,
    pub add: BTreeSet<String>,
    pub remove: BTreeSet<String>,
}

/// An operator said which tags a worker offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagsSet {
    pub worker: WorkerId,
    pub tags: BTreeSet<String>,
}

/// An operator said what a worker has; of what is none it has again what it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourcesSet {
    pub worker: WorkerId,
    pub resources: BTreeMap<String, Option<Amount>>,
}

/// An operator asked that a worker finish what it has, or take work again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrainSet {
    pub worker: WorkerId,
    pub drain: bool,
}

/// An operator wakes the machine of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WakeRequested {
    pub worker: WorkerId,
}

/// An operator removed a worker; answered with the attempts that were given up with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRemoved {
    pub worker: WorkerId,
    /// It is lost with all that it had.
    pub lost: bool,
}

/// An operator stopped or restarted the whole queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PauseSet {
    pub paused: bool,
}

/// An operator added a schedule, whose first instant is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleAdded(pub ScheduleRecord);

/// An operator changed a schedule. The new one has the instant that is next if what was due is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleChanged {
    /// As it was read for this; another change since makes this one void.
    pub was: ScheduleRecord,
    pub new: ScheduleRecord,
}

/// An operator removed a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRemoved {
    pub name: String,
}

/// An operator paused a schedule, which then has no next instant, or let it go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchedulePaused {
    pub name: String,
    pub paused: bool,
    pub next_ms: Option<u64>,
}

/// An operator asked for a run beside those that are due. Answered with its job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunAsked {
    pub name: String,
}

/// Instants of a schedule have come, or its clock was set back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunsDue {
    pub name: String,
    /// The next instant as it was when all this was computed: if it is another one by now, this is outdated.
    pub expected_ms: Option<u64>,
    /// The runs that there are to be, oldest first.
    pub runs: Vec<u64>,
    /// They make up for missed ones: each waits for all before it, whatever is done with runs that overlap.
    pub in_turn: bool,
    /// How many instants were missed, and the last of them.
    pub missed: u64,
    pub missed_ms: u64,
    pub next_ms: Option<u64>,
    /// Why there can be no more of them.
    pub defect: Option<String>,
}

/// An operator said whom to tell of what, from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleAdded(pub RuleRecord);

/// An operator changed whom to tell of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleChanged {
    /// As it was read for this; another change since makes this one void.
    pub was: RuleRecord,
    pub new: RuleRecord,
}

/// An operator took that back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRemoved {
    pub name: String,
}

/// Somebody was told all up to here that a rule asked for when it was read: how far that is stands in the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told(pub RuleRecord);

/// The time of [`super::Scheduler::next_deadline`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimePassed;

/// c2d was asleep or stuck: the silence of the workers in that time means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeUnobserved;

/// What a worker says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// Who it is.
    pub id: WorkerId,
    /// The address that it speaks from.
    pub ip: IpAddr,
    /// Its host name.
    pub hostname: String,
    /// Where it runs.
    pub place: Place,
    /// Which run of it this is; empty for a plain client, and where only its polls say it.
    pub session: Session,
    /// Jobs it can run at once.
    pub slots: u32,
    /// What it has besides, as it was found and as its agent's configuration says.
    pub has: Capacity,
    /// By which its machine is woken.
    pub mac: Option<Mac>,
    /// Whether what it runs goes on where its agent cannot end it: on machines of another scheduler. Then only its
    /// word says that an attempt is over.
    pub unfenced: bool,
    /// The agent's version.
    pub version: String,
    /// Its hardware as JSON, kept and never read here.
    pub hardware: Arc<str>,
}

/// Where an agent runs: what tells a worker that was started again from a copy of it elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The kernel's boot id; empty for a plain client.
    pub boot_id: String,
    /// A mark of the machine; empty if it is an old agent, which does not say.
    pub machine: String,
    /// A mark of the state folder, likewise.
    pub folder: String,
}

impl Introduction {
    /// Whether it knows no more than the README says.
    pub const fn is_plain(&self) -> bool {
        self.place.boot_id.is_empty()
    }
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
    /// What it asks for. Shared, because most jobs ask for the same.
    pub terms: Arc<Terms>,
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
