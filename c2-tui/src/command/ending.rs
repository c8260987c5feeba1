//! Waits for the end of a job, over any number of polls and restarts of c2d.
//!
//! A job outlives the connection that asks for it and c2d itself, so a waiting command gives up
//! only when c2d stays away for longer than a restart takes.

use std::time::Duration;

use c2_shared::api::error::ErrorCode;
use c2_shared::api::jobs::{JobInfo, JobRow};
use c2_shared::backoff::Backoff;
use c2_shared::client::ClientError;
use c2_shared::id::JobId;
use c2_shared::job::Outcome;

use crate::command::{Complaint, Context, Kind};

/// Seconds for which one poll is held by c2d; short enough that a dead connection is noticed.
const POLL_S: u64 = 20;
/// Failures in a row after which c2d is given up: 1 + 2 + 4 + 8 + 10 + 10 s of waiting between them.
pub(crate) const FAILURES_MAX: usize = 6;

/// The exit status of a wait whose time was over before the jobs, as of `timeout(1)`.
const TIME_OVER: i32 = 124;

/// The exit status of a command that waited for jobs: that of the first, in the order named, that
/// did not succeed.
pub(crate) fn exit_status(rows: &[JobRow]) -> i32 {
    let statuses = rows.iter().map(|row| row.outcome.as_ref().map_or(TIME_OVER, Outcome::exit_status));
    statuses.into_iter().find(|status| *status != 0).unwrap_or(0)
}

/// Waits until the job has ended.
///
/// With `known` false, c2d has not answered yet, so its absence is said at once; otherwise it is
/// taken for a restart first. An interrupt leaves the job alone.
pub(crate) async fn of(context: &Context, job: JobId, known: bool) -> Result<JobInfo, Complaint> {
    tokio::select! {
        ended = poll(context, job, known) => ended,
        () = context.interrupted() => Err(Complaint::new(Kind::Interrupted, format!("stopped waiting; {job} goes on"))
            .hint(format!("`wait {job}` waits on, `cancel {job}` ends it"))),
    }
}

async fn poll(context: &Context, job: JobId, mut known: bool) -> Result<JobInfo, Complaint> {
    let mut backoff = Backoff::default();
    loop {
        // The first question is answered at once, so that c2d is known before anything takes long.
        match context.client.job(job, if known { POLL_S } else { 0 }).await {
            Ok(answer) if answer.done => return Ok(answer.job),
            Ok(_) => {
                known = true;
                backoff.reset();
            }
            Err(error) if known && may_pass(&error) && backoff.failures() < FAILURES_MAX => {
                let wait = backoff.next(0.0);
                context.progress(&format!("{error}; trying again in {} s", wait.as_secs()));
                tokio::time::sleep(wait).await;
            }
            Err(error) => return Err(Complaint::from(error)),
        }
    }
}

/// Whether a failure is one that a restart of c2d shows.
pub(crate) fn may_pass(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. } | ClientError::Timeout { .. } => true,
        ClientError::Refused { body, .. } => body.code == ErrorCode::Busy,
        ClientError::Untrusted { .. } | ClientError::Stranger { .. } | ClientError::Protocol { .. } => false,
    }
}

/// A limit in seconds as a duration, or as good as for ever.
pub(crate) fn limit(seconds: Option<u64>) -> Duration {
    Duration::from_secs(seconds.unwrap_or(u64::from(u32::MAX)))
}
