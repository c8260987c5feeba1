//! Why the scheduler refuses an event. A refusal changes nothing.

use std::net::IpAddr;

use c2_shared::id::JobId;
use c2_shared::job::JobState;

/// A refused event: a value, never a panic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// The queue has no room for these jobs.
    #[error("the queue is full: {active} of {capacity} jobs, {asked} more asked for")]
    QueueFull { active: usize, capacity: usize, asked: usize },
    /// No worker was ever in this group.
    #[error("unknown group {group:?}")]
    UnknownGroup { group: String, known: Vec<String> },
    /// No such job was ever submitted.
    #[error("unknown job {job}")]
    UnknownJob { job: JobId },
    /// No job of the batch has this name.
    #[error("unknown job {name:?} in depends")]
    UnknownName { name: String },
    /// Two jobs of the batch have this name.
    #[error("two jobs of the batch are named {name:?}")]
    AmbiguousName { name: String },
    /// Jobs of the batch wait for each other.
    #[error("jobs wait for each other: {}", path.join(" -> "))]
    Cycle { path: Vec<String> },
    /// Its dependencies ran on different machines.
    #[error("same_machine, but the dependencies ran on {first} and {second}")]
    SameMachineConflict { first: IpAddr, second: IpAddr },
    /// The key was used for other jobs.
    #[error("the idempotency key {key:?} was used for another request")]
    KeyReused { key: String },
    /// No such worker.
    #[error("unknown worker {worker}")]
    UnknownWorker { worker: IpAddr },
    /// Another agent is alive at this address.
    #[error("another agent is alive at {worker}")]
    AddressTaken { worker: IpAddr },
    /// The address is that of another worker, to which something belongs.
    #[error("{worker} is the address of another worker ({hostname}), which has groups, tags or jobs")]
    AddressKept { worker: IpAddr, hostname: String },
    /// The agent was replaced by a newer run of itself.
    #[error("another run of this agent has taken over at {worker}")]
    SessionReplaced { worker: IpAddr },
    /// A newer poll of this worker was seen already.
    #[error("a newer poll of {worker} was seen already")]
    StalePoll { worker: IpAddr },
    /// The job has ended.
    #[error("{job} has ended already ({state})")]
    AlreadyEnded { job: JobId, state: JobState },
    /// The job is not in the state that this needs.
    #[error("{job} is {state}")]
    WrongState { job: JobId, state: JobState },
    /// What was stored of the job cannot be used.
    #[error("{job} cannot run: {reason}")]
    Unreadable { job: JobId, reason: String },
    /// The job has to end first.
    #[error("{job} has not ended: it is {state}")]
    NotEnded { job: JobId, state: JobState },
    /// The same job twice in one request.
    #[error("{job} is named twice")]
    NamedTwice { job: JobId },
    /// One of the jobs that were submitted cannot be accepted.
    #[error("{reason}")]
    BadJob { place: usize, reason: Box<Self> },
    /// The worker still holds jobs.
    #[error("worker {worker} still holds jobs ({jobs})")]
    WorkerBusy { worker: IpAddr, jobs: usize },
    /// The worker's agent still speaks to c2d.
    #[error("worker {worker} is online")]
    WorkerOnline { worker: IpAddr },
}

impl Reject {
    /// The same, naming the job of a request that is meant by its place in it.
    pub(crate) fn of_job(self, place: usize) -> Self {
        Self::BadJob { place, reason: Box::new(self) }
    }
}
