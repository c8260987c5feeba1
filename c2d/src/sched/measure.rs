//! How long things took, for those who watch c2d over time.
//!
//! None of it is state: it is noted when it happens, and counted once the turn is durable.

use std::sync::Arc;

use c2_shared::id::{AttemptId, WorkerId};
use c2_shared::job::{JobState, Placement};

use crate::sched::decision::JobRecord;

/// Something that took its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A job was given to a worker for the first time; so long it could have been before, for all that it asked.
    Waited { placement: Arc<Placement>, waited_ms: u64 },
    /// A job ended; so long ago its latest attempt began, if it had one that was not over yet.
    Ended {
        placement: Arc<Placement>,
        attempt: AttemptId,
        worker: Option<WorkerId>,
        state: JobState,
        since_start_ms: Option<u64>,
    },
}

impl Measure {
    /// Of a job that is given to a worker now; none for one that is tried again.
    pub(crate) fn of_start(job: &JobRecord, at_ms: u64) -> Option<Self> {
        let since = job.terms.begin_at.unwrap_or(0).max(job.submitted_ms);
        let waited_ms = at_ms.saturating_sub(since);
        (job.attempt == 1).then(|| Self::Waited { placement: Arc::clone(&job.terms.placement), waited_ms })
    }

    /// Of a job that ends now.
    pub(crate) fn of_end(job: &JobRecord, state: JobState, at_ms: u64) -> Self {
        let ran = job.started_ms.filter(|_| job.state == JobState::Running);
        Self::Ended {
            placement: Arc::clone(&job.terms.placement),
            attempt: AttemptId { job: job.id, number: job.attempt },
            worker: job.worker.clone(),
            state,
            since_start_ms: ran.map(|started_ms| at_ms.saturating_sub(started_ms)),
        }
    }
}
