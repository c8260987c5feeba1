//! What the core of the agent asks of c2d and of the machine.

use c2_shared::api::work::{Assignment, AttemptResult, PollRequest};
use c2_shared::id::AttemptId;

/// Something to send to c2d. Its number comes back with the answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) seq: u64,
    pub(crate) kind: RequestKind,
}

/// The two things that an agent asks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RequestKind {
    /// Introduce this worker.
    Register,
    /// Reconcile.
    Poll(Box<PollRequest>),
}

/// What an answer leads to, to be done in this order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Start a job; it may run for `lease_ms` without word from c2d, or for ever.
    Start {
        assignment: Box<Assignment>,
        /// How long, unless renewed.
        lease_ms: Option<u64>,
    },
    /// End an attempt that c2d cancelled.
    Kill(AttemptId),
    /// c2d has the result.
    Forget {
        attempt: AttemptId,
        /// Whether it was kept on disk.
        spooled: bool,
    },
    /// Keep the result on disk, it could not be delivered.
    Spool(Box<AttemptResult>),
    /// c2d does not have contents of a reported result: to be delivered again.
    DeliverAgain(AttemptId),
    /// The report of this result failed; what it contains may travel better by itself.
    Shorten(AttemptId),
    /// An attempt that runs has another time limit now; 0 for none.
    Limit { attempt: AttemptId, timeout_s: u64 },
    /// The machine may sleep: c2d agrees, and knows that it does until the next poll.
    Sleep,
    /// Every running job may go on for so long.
    Renew {
        /// How long, unless renewed again.
        lease_ms: u64,
    },
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// c2d could not be reached, or refused.
    NoAnswer,
    /// c2d does not know this worker.
    Unknown,
    /// c2d cannot tell yet whether this is the worker that it knows.
    Wait,
}
