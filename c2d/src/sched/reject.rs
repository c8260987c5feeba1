//! Why the scheduler refuses an event. A refusal changes nothing.

use std::net::IpAddr;

use c2_shared::id::JobId;
use c2_shared::job::JobState;

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
    SameMachineConflict { first: IpAddr, second: IpAddr },
    #[error("the idempotency key {key:?} was used for another request")]
    KeyReused { key: String },
    #[error("unknown worker {worker}")]
    UnknownWorker { worker: IpAddr },
    #[error("another agent is alive at {worker}")]
    AddressTaken { worker: IpAddr },
    #[error("{worker} is the address of another worker ({hostname}), which has groups, tags or jobs")]
    AddressKept { worker: IpAddr, hostname: String },
    #[error("another run of this agent has taken over at {worker}")]
    SessionReplaced { worker: IpAddr },
    #[error("a newer poll of {worker} was seen already")]
    StalePoll { worker: IpAddr },
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
    #[error("worker {worker} still holds jobs ({jobs})")]
    WorkerBusy { worker: IpAddr, jobs: usize },
    #[error("worker {worker} is online")]
    WorkerOnline { worker: IpAddr },
}

impl Reject {
    /// The same, naming the job of a request that is meant by its place in it.
    pub(crate) fn of_job(self, place: usize) -> Self {
        Self::BadJob { place, reason: Box::new(self) }
    }
}
