//! Submitting ended jobs again, all of them or none.

use axum::Extension;
use axum::http::StatusCode;
use c2_shared::api::batches::BatchResponse;
use c2_shared::api::jobs::RetryRequest;
use c2_shared::id::JobId;
use c2_shared::job::JobSpec;
use c2_shared::limits::BATCH_BODY_BYTES_MAX;

use crate::audit::Made;
use crate::engine::Refusal;
use crate::http::batch::empty;
use crate::http::check;
use crate::http::handler::{ApiError, App, Json, JsonBody, State, serves};
use crate::http::submit::{made, new_jobs};
use crate::sched::Reject;
use crate::sched::event::{self, Accepted, Again, NewJob};
use crate::store::StoredJob;

serves!(RETRY => retry);

pub(crate) async fn retry(
    State(app): State<App>,
    JsonBody(request): JsonBody<RetryRequest, BATCH_BODY_BYTES_MAX>,
) -> Result<(StatusCode, Extension<Made>, Json<BatchResponse>), ApiError> {
    let asked = request.job_ids;
    if asked.is_empty() {
        return Err(empty("job_ids", "name ended jobs like job-12"));
    }
    let found = app.history.jobs_to_repeat(asked.clone()).await?;
    let same = asked.iter().zip(&found).take_while(|(id, job)| **id == job.view.id).count();
    if let Some(missing) = asked.get(same) {
        // Asked for alone it may turn out to have been removed.
        app.history.job(*missing).await?;
        return Err(Reject::UnknownJob { job: *missing }.into());
    }
    let specs = found.iter().map(spec).collect::<Result<Vec<JobSpec>, Reject>>()?;
    let jobs = found.iter().zip(new_jobs(&app, specs).await?).map(again).collect();
    let retried = app.engine.apply(event::JobsRetried { jobs }).await;
    let Accepted { jobs: job_ids, outlooks } = retried.map_err(|refusal| named(refusal, &asked))?;
    Ok((StatusCode::CREATED, made(&job_ids), Json(BatchResponse { job_ids, notes: check::notes(outlooks) })))
}

/// An ended job as it is submitted again: the same specification, and what it depended on, or what stands for that now,
/// by id, because the names of its batch mean nothing any more.
fn again((old, job): (&StoredJob, NewJob)) -> Again {
    Again { of: old.view.id, job: NewJob { depends: old.depends.clone(), ..job } }
}

fn spec(old: &StoredJob) -> Result<JobSpec, Reject> {
    old.spec().map_err(|reason| Reject::Unreadable { job: old.view.id, reason })
}

/// A refusal of a retry, with the old job's id in front where one of them is meant.
fn named(refusal: Refusal, asked: &[JobId]) -> ApiError {
    match refusal {
        Refusal::Rejected(Reject::BadJob { place, reason }) => ApiError::from(*reason).about(asked[place]),
        other => other.into(),
    }
}
