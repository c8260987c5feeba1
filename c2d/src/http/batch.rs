//! Submitting many jobs, all of them or none.

use std::time::Duration;

use axum::Extension;
use axum::http::{HeaderMap, StatusCode};
use c2_shared::api::batches::{BatchRequest, BatchResponse, BatchWaitResponse};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::jobs::WaitQuery;
use c2_shared::id::JobId;
use c2_shared::job::JobSpec;
use c2_shared::limits::{BATCH_BODY_BYTES_MAX, WAIT_MAX_S};
use c2_shared::validate;

use crate::audit::Made;
use crate::engine::{EngineHandle, Refusal};
use crate::http::handler::{ApiError, App, Json, JsonBody, QueryOf, State, invalid_field, serves};
use crate::http::jobs::stored;
use crate::http::submit::{identify, made, new_jobs, take_key};
use crate::http::{check, files};
use crate::rows::job_row;
use crate::sched::event::{self, Accepted};
use crate::store::JobFilter;

/// Jobs as a body.
type Jobs = JsonBody<BatchRequest, BATCH_BODY_BYTES_MAX>;

serves!(SUBMIT_BATCH => submit, SUBMIT_BATCH_WAIT => submit_wait);

pub(crate) async fn submit(
    State(app): State<App>,
    headers: HeaderMap,
    JsonBody(batch): Jobs,
) -> Result<(StatusCode, Extension<Made>, Json<BatchResponse>), ApiError> {
    let Accepted { jobs, outlooks } = accept(&app, &headers, batch).await?;
    let made = made(&jobs);
    Ok((StatusCode::CREATED, made, Json(BatchResponse { job_ids: jobs, notes: check::notes(outlooks) })))
}

pub(crate) async fn submit_wait(
    State(app): State<App>,
    QueryOf(query): QueryOf<WaitQuery>,
    headers: HeaderMap,
    JsonBody(batch): Jobs,
) -> Result<(StatusCode, Extension<Made>, Json<BatchWaitResponse>), ApiError> {
    let ids = accept(&app, &headers, batch).await?.jobs;
    let limit = Duration::from_secs(query.wait_s.unwrap_or(WAIT_MAX_S).min(WAIT_MAX_S));
    // Ended, timed out, or c2d goes down: in each case the jobs' present states are the answer.
    drop(tokio::time::timeout(limit, all_ended(&app.engine, &ids)).await);
    // Jobs that were accepted together were numbered together.
    let after = ids.first().map(|id| JobId(id.0 - 1));
    let filter = JobFilter { ended: true, after, limit: ids.len(), ..JobFilter::default() };
    let views = stored(&app, filter).await?;
    let done = views.iter().all(|view| view.state.is_terminal());
    Ok((StatusCode::CREATED, made(&ids), Json(BatchWaitResponse { done, jobs: views.iter().map(job_row).collect() })))
}

async fn accept(app: &App, headers: &HeaderMap, mut batch: BatchRequest) -> Result<Accepted, ApiError> {
    let key = take_key(headers, &mut batch.idempotency_key)?;
    if batch.jobs.is_empty() {
        return Err(empty("jobs", "put at least one job into it"));
    }
    for (place, spec) in batch.jobs.iter().enumerate() {
        check_spec(spec).map_err(|e| e.of_job(place))?;
    }
    limited(&batch)?;
    files::check_blobs(app, &batch.jobs).await?;
    let max_running = batch.max_running;
    let jobs = new_jobs(app, batch.jobs).await?;
    let key = key.map(|key| identify(key, &jobs, max_running));
    Ok(app.engine.apply(event::JobsSubmitted { jobs, key, max_running }).await?)
}

/// Checks how many jobs of a batch are to run at once.
pub(crate) fn limited(request: &BatchRequest) -> Result<(), ApiError> {
    match request.max_running {
        None => Ok(()),
        Some(0) => {
            Err(invalid_field("max_running", "none of them could run", "submit them with hold, or leave it out"))
        }
        Some(_) => match request.jobs.iter().position(|job| job.batch.is_none()) {
            None => Ok(()),
            Some(place) => {
                let message = "max_running counts the jobs of a batch, and this one belongs to none";
                Err(invalid_field("batch", message, "name one in the field batch of each job").of_job(place))
            }
        },
    }
}

/// Checks one job of a batch.
pub(crate) fn check_spec(spec: &JobSpec) -> Result<(), ApiError> {
    if spec.idempotency_key.is_some() {
        let hint = "give one key for the whole batch, beside its jobs";
        let body = ErrorBody::new(ErrorCode::InvalidInput, "a job of a batch has no idempotency key of its own", hint);
        return Err(body.in_field("idempotency_key").into());
    }
    Ok(validate::new_spec(spec)?)
}

/// Waits until every one of these jobs has ended. Each is asked for when the one before it has
/// ended, so that a large batch does not fill the engine's inbox.
async fn all_ended(engine: &EngineHandle, jobs: &[JobId]) -> Result<(), Refusal> {
    for job in jobs {
        // A c2d that goes down lets go of those who wait.
        engine.ended(*job).await?.await.map_err(|_| engine.gone())?;
    }
    Ok(())
}

/// Refuses a list without entries.
pub(crate) fn empty(field: &str, hint: &str) -> ApiError {
    invalid_field(field, format!("{field} is empty"), hint)
}
