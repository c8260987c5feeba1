//! What runners say.

use c2_shared::api::live::OutputAnswer;
use c2_shared::api::work::AttemptResult;
use c2_shared::id::AttemptId;

use crate::supervise::wire::Leaves;

/// Something that a runner said, or its death.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) slot: u32,
    pub(crate) news: News,
}

/// What a report says.
#[derive(Debug)]
pub(crate) enum News {
    /// A connection was made: all that the runner holds.
    Hello { version: String, running: Option<AttemptId>, ended: Vec<AttemptResult> },
    /// What an attempt leaves, said before its end.
    Leaves { attempt: AttemptId, leaves: Leaves },
    /// An attempt is over.
    Ended(Box<AttemptResult>),
    /// The answer to a question about a job's output.
    Wrote(OutputAnswer),
    /// The runner lives but cannot be spoken to any more by this connection.
    Broken,
    /// The runner is dead, and so is everything that it ran; the attempts that it had noted.
    Dead { owed: Vec<AttemptId> },
}
