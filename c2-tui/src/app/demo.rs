//! Rows for tests.

use c2_shared::api::jobs::JobRow;
use c2_shared::id::JobId;
use c2_shared::job::JobState;

pub(crate) fn job(n: u64, state: JobState) -> JobRow {
    JobRow {
        job_id: JobId(n),
        name: None,
        state,
        command: format!("echo {n}"),
        group: None,
        tags: Vec::new(),
        priority: 0,
        worker: None,
        attempt: 0,
        cancelling: false,
        unreachable: false,
        submitted_ms: 0,
        started_ms: None,
        ended_ms: None,
        outcome: None,
    }
}
