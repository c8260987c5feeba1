//! Why the scheduler refuses an event. A refusal changes nothing.

use std::net::IpAddr;

use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::JobState;
use c2_shared::limits::{NOTIFICATIONS_MAX, SCHEDULES_MAX};
use c2_shared::time::span;

use crate::sched::note::attempts;

/// A refused event: a value, never a panic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    #[error("the queue is full: {active} of {capacity} jobs, {asked} more asked for")]
    QueueFull { active: usize, capacity: usize, asked: usize },
    #[error("unknown group {group:?}")]
    UnknownGroup { group: String, known: Vec<String> },
    #[error("unknown job {job}")]
    UnknownJob { job: JobId },
    #[error("unknown job {name:?} in depends")]
    UnknownName { name: String },
    #[error("two jobs of the batch are named {name:?}")]
    AmbiguousName { name: String },
    #[error("jobs wait for each other: {}", path.join(" -> "))]
    Cycle { path: Vec<String> },
    #[error("same_machine, but the dependencies ran on {first} and {second}")]
    SameMachineConflict { first: String, second: String },
    #[error("the idempotency key {key:?} was used for another request")]
    KeyReused { key: String },
    #[error("unknown worker {worker}")]
    UnknownWorker { worker: WorkerId },
    #[error("{name:?} in {field} means several workers: {}", workers.join(", "))]
    AmbiguousWorker { field: &'static str, name: String, workers: Vec<String> },
    #[error("{job} runs, and what it asked for in {field} does not change any more")]
    Started { job: JobId, field: &'static str },
    #[error("{job} was changed meanwhile")]
    Changed { job: JobId },
    #[error("{on} has ended ({state}), so {job} would never run")]
    NeverRuns { job: JobId, on: JobId, state: JobState },
    #[error("this worker was heard from {ip} {} ago and may still be at work there", span(*silent_ms))]
    MayBeAtWork { ip: IpAddr, silent_ms: u64 },
    #[error("jobs wait for this worker, which was last heard from {ip}, to come back where it was ({jobs})")]
    AwaitedThere { ip: IpAddr, jobs: usize },
    #[error("another machine, at {ip}, uses the identity of this one and is at work")]
    Clone { worker: WorkerId, ip: IpAddr },
    #[error("a later run of this agent has taken over")]
    SessionReplaced { worker: WorkerId },
    #[error("the agent of worker {worker} said no hardware address by which its machine could be woken")]
    Unwakeable { worker: String },
    #[error("a newer poll of {worker} was seen already")]
    StalePoll { worker: WorkerId },
    #[error("{job} has ended already ({state})")]
    AlreadyEnded { job: JobId, state: JobState },
    #[error("{job} is {state}")]
    WrongState { job: JobId, state: JobState },
    #[error("{job} cannot run: {reason}")]
    Unreadable { job: JobId, reason: String },
    #[error("{job} has not ended: it is {state}")]
    NotEnded { job: JobId, state: JobState },
    #[error("{job} is named twice")]
    NamedTwice { job: JobId },
    #[error("{reason}")]
    BadJob { place: usize, reason: Box<Self> },
    #[error("worker {worker} still holds {}", attempts(held))]
    WorkerBusy { worker: String, held: Vec<AttemptId> },
    #[error("worker {worker} is online")]
    WorkerOnline {
        worker: String,
        /// Those that had its address before.
        before: Vec<WorkerId>,
    },
    #[error("there is a schedule {name:?} already")]
    ScheduleExists { name: String },
    #[error("unknown schedule {name:?}")]
    UnknownSchedule { name: String, known: Vec<String> },
    #[error("there are {SCHEDULES_MAX} schedules already")]
    TooManySchedules,
    #[error("the schedule {name:?} cannot change: {reason}")]
    BrokenSchedule { name: String, reason: String },
    #[error("the schedule {name:?} was changed meanwhile")]
    ScheduleChanged { name: String },
    #[error("the notification {name:?} was changed meanwhile")]
    NotificationChanged { name: String },
    #[error("no run of {name:?}: {reason}")]
    RunSkipped { name: String, reason: String },
    #[error("there is a notification {name:?} already")]
    NotificationExists { name: String },
    #[error("unknown notification {name:?}")]
    UnknownNotification { name: String, known: Vec<String> },
    #[error("there are {NOTIFICATIONS_MAX} notifications already")]
    TooManyNotifications,
    #[error("worker {worker} may come back: its lease is over in {}", span(*left_ms))]
    WithinLease { worker: String, left_ms: u64 },
}

impl Reject {
    /// The same, naming the job of a request that is meant by its place in it.
    pub(crate) fn of_job(self, place: usize) -> Self {
        Self::BadJob { place, reason: Box::new(self) }
    }
}
