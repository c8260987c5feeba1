//! Submitting one job.

use std::io;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use c2_shared::api::endpoint;
use c2_shared::api::jobs::{SubmitResponse, WaitQuery, WaitResponse};
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, Terms};
use c2_shared::limits::{SUBMIT_BODY_BYTES_MAX, WAIT_MAX_S};
use c2_shared::validate;
use futures_util::stream::once;
use sha2::{Digest as _, Sha256};

use crate::audit::Made;
use crate::engine::Refusal;
use crate::http::handler::{ApiError, App, Json, JsonBody, QueryOf, State, invalid, serves};
use crate::http::job::wait_for;
use crate::http::{contents, files};
use crate::sched::Reject;
use crate::sched::event::{self, Accepted, IdempotencyKey, NewJob};

/// A job specification as a body.
type Spec = JsonBody<JobSpec, SUBMIT_BODY_BYTES_MAX>;

serves!(SUBMIT => submit, SUBMIT_WAIT => submit_wait);

pub(crate) async fn submit(
    State(app): State<App>,
    headers: HeaderMap,
    JsonBody(spec): Spec,
) -> Result<(StatusCode, Extension<Made>, Json<SubmitResponse>), ApiError> {
    let (job_id, notes) = accept(&app, &headers, spec).await?;
    Ok((StatusCode::CREATED, made(&[job_id]), Json(SubmitResponse { job_id, notes })))
}

pub(crate) async fn submit_wait(
    State(app): State<App>,
    QueryOf(query): QueryOf<WaitQuery>,
    headers: HeaderMap,
    JsonBody(spec): Spec,
) -> Result<(StatusCode, Extension<Made>, [(HeaderName, String); 2], Body), ApiError> {
    let (job_id, _) = accept(&app, &headers, spec).await?;
    // Where the job is, is known at once, and what became of it is the rest of the same answer.
    let head = [(LOCATION, endpoint::GET_JOB.at(&job_id)), (CONTENT_TYPE, "application/json".to_owned())];
    let end = async move { ended(&app, job_id, query.wait_s.unwrap_or(WAIT_MAX_S)).await };
    Ok((StatusCode::CREATED, made(&[job_id]), head, Body::from_stream(once(end))))
}

/// The answer of a submit that waits. The head of it is gone, so what fails breaks it off.
async fn ended(app: &App, job: JobId, wait_s: u64) -> io::Result<Vec<u8>> {
    let answer: WaitResponse =
        wait_for(app, job, wait_s).await.map_err(|_| io::Error::other("the job is not there"))?;
    if !app.leadership.holds() {
        return Err(io::Error::other("this c2d does not lead any more"));
    }
    Ok(serde_json::to_vec(&answer)?)
}

/// Submits a job; answers it with what keeps it from running.
async fn accept(app: &App, headers: &HeaderMap, mut spec: JobSpec) -> Result<(JobId, Vec<String>), ApiError> {
    let key = take_key(headers, &mut spec.idempotency_key)?;
    validate::new_spec(&spec)?;
    files::check_blobs(app, [&spec]).await?;
    let jobs = new_jobs(app, vec![spec]).await?;
    let key = key.map(|key| identify(key, &jobs, None));
    let submitted = event::JobsSubmitted { jobs, key, max_running: None };
    let accepted = app.engine.apply(submitted).await.map_err(|refusal| match refusal {
        // There is only one job that can be meant.
        Refusal::Rejected(Reject::BadJob { reason, .. }) => Refusal::Rejected(*reason),
        other => other,
    });
    let Accepted { jobs, outlooks } = accepted?;
    let notes = outlooks.iter().map(|(_, outlook)| outlook.to_string()).collect();
    Ok((*jobs.first().expect("one job was submitted"), notes))
}

/// Jobs that came into being, for the audit log.
pub(crate) fn made(jobs: &[JobId]) -> Extension<Made> {
    Extension(Made(match jobs {
        [first, .., last] => format!("{first} to {last}"),
        _ => jobs.iter().map(ToString::to_string).collect(),
    }))
}

/// A caller's key with what it stands for.
pub(crate) fn identify(key: String, jobs: &[NewJob], max_running: Option<u32>) -> IdempotencyKey {
    let mut hash = Sha256::new();
    for job in jobs {
        hash.update((job.payload.len() as u64).to_le_bytes());
        hash.update(job.payload.as_bytes());
    }
    max_running.into_iter().for_each(|max_running| hash.update(max_running.to_le_bytes()));
    IdempotencyKey { key, digest: hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect() }
}

/// The caller's key, from the header or the body, where it is taken out: it is no part of a job.
pub(crate) fn take_key(headers: &HeaderMap, body: &mut Option<String>) -> Result<Option<String>, ApiError> {
    let header = headers.get("idempotency-key").map(|value| value.to_str().map(str::to_owned));
    let header = header.transpose().map_err(|_| invalid("the Idempotency-Key header is no text", "use a UUID"))?;
    let key = match (body.take(), header) {
        (Some(body), Some(header)) if body != header => {
            return Err(invalid("two different idempotency keys", "give it in the body or in the header, not in both"));
        }
        (body, header) => body.or(header),
    };
    let spec = JobSpec { command: "key".to_owned(), idempotency_key: key.clone(), ..JobSpec::default() };
    validate::spec(&spec)?;
    Ok(key)
}

/// Specifications as the scheduler takes them.
pub(crate) async fn new_jobs(app: &App, specs: Vec<JobSpec>) -> Result<Vec<NewJob>, ApiError> {
    let mut before: Option<Arc<Terms>> = None;
    let new = contents::into_blobs(app, specs).await?.into_iter().map(|spec| {
        let mut job = new_job(spec);
        match &before {
            Some(before) if *before == job.terms => job.terms = Arc::clone(before),
            _ => before = Some(Arc::clone(&job.terms)),
        }
        job
    });
    Ok(new.collect())
}

pub(crate) fn new_job(mut spec: JobSpec) -> NewJob {
    // Without dependencies there is no machine that could be meant, and older agents refuse it.
    spec.same_machine &= !spec.depends.is_empty();
    let payload = contents::written(&spec);
    let (name, depends) = (spec.name.take().map(Into::into), std::mem::take(&mut spec.depends));
    NewJob { payload: Arc::from(payload), name, depends, terms: Arc::new(spec.into()) }
}
