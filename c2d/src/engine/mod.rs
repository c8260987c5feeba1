//! The engine: the one task that owns the scheduler, between the store and everybody else.
//!
//! Requests arrive over a bounded channel. The engine takes all that wait, applies them, commits
//! the decisions of all of them at once, and only then answers: the commit is the batching window,
//! so no timer is needed. Reads go through the same queue and so never see what is not durable.

mod exhausted;
mod handle;
mod observed;
mod schedules;
mod task;

use std::future::Future;
use std::net::IpAddr;

use c2_shared::api::jobs::QueueStatus;
use c2_shared::api::work::AttemptResult;
use c2_shared::blob::BlobId;
use c2_shared::id::{AttemptId, WorkerId};
use c2_shared::job::Outcome;
use c2_shared::wake::Mac;

use crate::sched::decision::Saved;
use crate::sched::event::Now;
use crate::sched::{Decision, JobView, Note, Reject, Who, WorkerView};

pub use handle::EngineHandle;
pub(crate) use observed::Observed;
pub use task::start;

/// Where decisions become durable. The store is one; whatever replaces it must keep the order of
/// the batches and must not return before they are safe from `kill -9` and power loss.
pub trait Durable: Send + 'static {
    /// Why a commit failed. It ends the process: after it, nobody knows what is on the disk.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Makes a batch durable, all of it or nothing.
    fn commit(&mut self, batch: Batch) -> impl Future<Output = Result<Committed, Self::Error>> + Send;

    /// Bytes that the disk has left for new jobs.
    fn free_bytes(&self) -> u64;
}

/// How a commit ended.
#[derive(Debug)]
pub enum Committed {
    All,
    /// There is no space; this is what is durable.
    Nothing(Box<Saved>),
}

/// What one commit makes durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub decisions: Vec<Decision>,
    pub outputs: Vec<AttemptOutput>,
    pub now: Now,
}

/// What an attempt wrote, on its way to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptOutput {
    /// Identifies the result, so that a repeated one can be told from a different one.
    pub digest: [u8; 32],
    pub result: AttemptResult,
    /// Where the order of its two streams is, when it is too long to stand in the result.
    pub order: Option<BlobId>,
}

impl AttemptOutput {
    /// That of an attempt which is known to have ended so, and whose worker was lost before it delivered more.
    fn lost(attempt: AttemptId, outcome: Outcome) -> Self {
        let mut result = AttemptResult::new(attempt, outcome);
        result.problems = vec!["what it wrote was lost with its worker".to_owned()];
        for output in [&mut result.stdout, &mut result.stderr] {
            "it was lost with the worker".clone_into(&mut output.reason);
        }
        Self { digest: [0; 32], result, order: None }
    }
}

/// Rows that one commit changed, for the event stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Touched {
    pub jobs: Vec<JobView>,
    pub workers: Vec<WorkerView>,
    pub gone: Vec<Who>,
    pub queue: QueueStatus,
}

/// A machine that is to be woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    /// Where it was last.
    pub ip: IpAddr,
    pub mac: Mac,
    /// Workers near it.
    pub near: Vec<WorkerId>,
}

/// Something that belongs into the audit log, with what tells the result that it is about from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    pub note: Note,
    pub digest: Option<[u8; 32]>,
}

/// Why the engine did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Rejected(#[from] Reject),
    #[error("c2d is busy")]
    Busy,
    #[error("the disk of c2d is full")]
    DiskFull,
    #[error("c2d is shutting down")]
    Stopping,
    /// A commit failed with these words, and c2d ends.
    #[error("c2d cannot keep its data: {0}")]
    StoreFailed(String),
}
