//! The engine: the one task that owns the scheduler, between the store and everybody else.
//!
//! Requests arrive over a bounded channel. The engine takes all that wait, applies them, commits
//! the decisions of all of them at once, and only then answers: the commit is the batching window,
//! so no timer is needed. Reads go through the same queue and so never see what is not durable.

use std::net::IpAddr;
use std::sync::Arc;

use c2_shared::api::workers::Output;
use c2_shared::id::{AttemptId, JobId};
use tokio::sync::{broadcast, oneshot};

use crate::sched::decision::PollAnswer;
use crate::sched::event::{Event, Now, Poll, Reply, ResultFate, ResultSummary};
use crate::sched::{JobView, QueueView, Reject, Scheduler, WorkerView};

/// What an attempt wrote, on its way to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptOutput {
    pub attempt: AttemptId,
    /// Identifies the result, so that a repeated one can be told from a different one.
    pub digest: [u8; 32],
    pub started_ms: u64,
    pub ended_ms: u64,
    pub stdout: Output,
    pub stderr: Output,
    pub swept: u32,
}

/// Rows that one commit changed, for the event stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Touched {
    pub jobs: Vec<JobView>,
    pub workers: Vec<WorkerView>,
    pub gone: Vec<IpAddr>,
    pub queue: QueueView,
}

/// Why the engine did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The scheduler refused.
    #[error(transparent)]
    Rejected(#[from] Reject),
    /// Too many requests wait already.
    #[error("c2d is busy")]
    Busy,
    /// The disk has no room for new jobs.
    #[error("the disk of c2d is full")]
    DiskFull,
    /// c2d is going down.
    #[error("c2d is shutting down")]
    Stopping,
}

/// Speaks to the engine; cheap to clone.
#[derive(Clone, Debug)]
pub struct EngineHandle {}

impl EngineHandle {
    /// Applies an event and waits until what it led to is durable.
    pub async fn apply(&self, event: Event) -> Result<Reply, Refusal> {
        let _ = event;
        unimplemented!()
    }

    /// Polls for a worker with what its results wrote; waits as long as the poll may be parked.
    /// `poll.token` is set here. Dropping the future withdraws the poll.
    pub async fn poll(&self, poll: Poll, outputs: Vec<AttemptOutput>) -> Result<PollAnswer, Refusal> {
        let _ = (poll, outputs);
        unimplemented!()
    }

    /// Delivers one result by itself.
    pub async fn deliver(
        &self,
        worker: IpAddr,
        result: ResultSummary,
        output: AttemptOutput,
    ) -> Result<ResultFate, Refusal> {
        let _ = (worker, result, output);
        unimplemented!()
    }

    /// Reads the state after everything that came before is durable.
    pub async fn read<T, F>(&self, read: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&Scheduler, Now) -> T + Send + 'static,
    {
        let _ = read;
        unimplemented!()
    }

    /// Resolves when a live job has ended and that is durable; at once for a job that is not live.
    pub async fn ended(&self, job: JobId) -> Result<oneshot::Receiver<()>, Refusal> {
        let _ = job;
        unimplemented!()
    }

    /// What each commit changes, from now on. A reader that falls behind is told so by `Lagged`.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Arc<Touched>> {
        unimplemented!()
    }
}
