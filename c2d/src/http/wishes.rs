//! Waiting for what is wanted of jobs that wait at workers: they are called back, which takes a round trip.
//!
//! A worker that is not heard takes longer. Then the caller is told that it is noted, and it is done later.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use c2_shared::limits::WISH_WAIT_MS;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use crate::http::handler::{ApiError, App};
use crate::sched::event::HoldRequested;
use crate::sched::{Change, EachAnswer, JobsChanged, Reject, Scheduler, ToEach, Which};

/// What became of each, and those with which it is done later.
type Wished = (BTreeSet<JobId>, EachAnswer);

/// What becomes of jobs that are held.
pub(crate) async fn hold(app: &App, which: Which) -> Result<Wished, ApiError> {
    let each = app.engine.apply(ToEach::<HoldRequested>::from(which)).await?;
    let waits = |(job, done): &(JobId, Result<JobState, Reject>)| (*done == Ok(JobState::Queued)).then_some(*job);
    let jobs: Vec<JobId> = each.iter().filter_map(waits).collect();
    let late = settled(app, &jobs).await?;
    let now = jobs.into_iter().filter(|job| !late.contains(job)).collect();
    // They are held by now, or have started.
    let now = app.engine.apply(ToEach::<HoldRequested>::from(Which { jobs: now, all: None })).await?;
    Ok((late, merged(each, now)))
}

/// What becomes of jobs that are changed.
pub(crate) async fn change(app: &App, changes: Vec<Change>) -> Result<Wished, ApiError> {
    let asked: Vec<_> =
        changes.iter().map(|change| (change.job, Arc::clone(&change.new.payload), change.fixed)).collect();
    let each = app.engine.apply(JobsChanged { changes }).await?;
    let is_done = |job: &JobId| each.iter().any(|(other, done)| other == job && done.is_ok());
    let asked: Vec<_> = asked.into_iter().filter(|(job, ..)| is_done(job)).collect();
    let jobs: Vec<JobId> = asked.iter().map(|(job, ..)| *job).collect();
    let waiting = wanted(app, &jobs).await?;
    if waiting.is_empty() {
        return Ok((BTreeSet::new(), each));
    }
    let late = settled(app, &jobs).await?;
    let asked: Vec<_> = asked.into_iter().filter(|(job, ..)| waiting.contains(job) && !late.contains(job)).collect();
    let look = move |scheduler: &Scheduler, now| {
        let stands = |(job, payload, fixed): (JobId, Arc<str>, Option<&'static str>)| {
            let stands = match scheduler.job(now, job) {
                Some(view) if *view.payload == *payload => Ok(view.state),
                Some(_) => Err(Reject::Started { job, field: fixed.unwrap_or("command") }),
                None => Err(Reject::Changed { job }),
            };
            (job, stands)
        };
        asked.into_iter().map(stands).collect::<EachAnswer>()
    };
    let now = app.engine.read(look).await?;
    Ok((late, merged(each, now)))
}

pub(crate) fn status(late: &BTreeSet<JobId>) -> StatusCode {
    if late.is_empty() { StatusCode::OK } else { StatusCode::ACCEPTED }
}

/// What is known by now takes the place of what was said before.
fn merged(mut each: EachAnswer, now: EachAnswer) -> EachAnswer {
    for (job, done) in now {
        each.iter_mut().filter(|(other, _)| *other == job).for_each(|(_, before)| *before = done.clone());
    }
    each
}

/// Waits until nothing is wanted of some jobs any more; those of which something still is after a while.
async fn settled(app: &App, jobs: &[JobId]) -> Result<BTreeSet<JobId>, ApiError> {
    let mut changes = app.engine.changes();
    let all_done = async {
        while !wanted(app, jobs).await?.is_empty() {
            // Whoever falls behind looks again all the same.
            if changes.recv().await == Err(RecvError::Closed) {
                break;
            }
        }
        Ok::<_, ApiError>(())
    };
    match timeout(Duration::from_millis(WISH_WAIT_MS), all_done).await {
        Ok(done) => done?,
        Err(_elapsed) => {}
    }
    wanted(app, jobs).await
}

/// Those of some jobs of which something is wanted.
async fn wanted(app: &App, jobs: &[JobId]) -> Result<BTreeSet<JobId>, ApiError> {
    if jobs.is_empty() {
        return Ok(BTreeSet::new());
    }
    let jobs = jobs.to_vec();
    let wanted = move |s: &Scheduler, _| jobs.into_iter().filter(|job| s.is_wanted(*job)).collect();
    Ok(app.engine.read(wanted).await?)
}
