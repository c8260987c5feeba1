//! Looking at jobs, waiting for them, cancelling them.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use c2_shared::api::jobs::{
    CancelResponse, JobInfo, JobList, JobLog, JobsQuery, LogQuery, QueueStatus, WaitQuery, WaitResponse,
};
use c2_shared::bytes64::Bytes64;
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, JobState};
use c2_shared::limits::{LOG_LEN, PAGE_LEN, PAGE_LEN_MAX, WAIT_MAX_S};

use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{Name, QueryOf};
use crate::http::role::Operator;
use crate::rows::{job_row, queue_status as queue_row};
use crate::sched::event::{Event, Reply};
use crate::sched::{JobView, Reject};
use crate::store::JobFilter;

pub(crate) async fn list(
    _: Operator,
    State(app): State<App>,
    QueryOf(query): QueryOf<JobsQuery>,
) -> Result<Json<JobList>, ApiError> {
    let limit = query.limit.unwrap_or(PAGE_LEN).clamp(1, PAGE_LEN_MAX);
    let (after, state) = (query.after, query.state);
    let ended = query.all || state.is_some_and(JobState::is_terminal);
    // One more than asked for tells whether there is a next page.
    let mut views: Vec<JobView> = if ended || query.newest || query.name.is_some() {
        let filter = JobFilter { state, ended, name: query.name, newest: query.newest, after, limit: limit + 1 };
        app.history.jobs(filter).await?.into_iter().map(|job| job.view).collect()
    } else {
        app.engine.read(move |scheduler, now| scheduler.jobs(now, state, after, limit + 1)).await?
    };
    let more = views.len() > limit;
    views.truncate(limit);
    let next_after = views.last().filter(|_| more).map(|view| view.id);
    Ok(Json(JobList { jobs: views.iter().map(job_row).collect(), next_after }))
}

pub(crate) async fn info(
    _: Operator,
    State(app): State<App>,
    QueryOf(query): QueryOf<WaitQuery>,
    name: Name,
) -> Result<Response, ApiError> {
    let job = name.job()?;
    let response = wait_for(&app, job, query.wait_s.unwrap_or(0)).await?;
    Ok(Json(response).into_response())
}

pub(crate) async fn cancel(_: Operator, State(app): State<App>, name: Name) -> Result<Json<CancelResponse>, ApiError> {
    let job_id = name.job()?;
    match app.engine.apply(Event::CancelRequested { job: job_id }).await? {
        Reply::Cancelled(state) => Ok(Json(CancelResponse { job_id, state })),
        other => unreachable!("a cancel is answered with a state, not with {other:?}"),
    }
}

pub(crate) async fn log(
    _: Operator,
    State(app): State<App>,
    QueryOf(query): QueryOf<LogQuery>,
) -> Result<Json<JobLog>, ApiError> {
    let lines = query.lines.unwrap_or(LOG_LEN).min(PAGE_LEN_MAX);
    Ok(Json(JobLog { results: app.history.log_entries(lines).await? }))
}

pub(crate) async fn queue_status(_: Operator, State(app): State<App>) -> Result<Json<QueueStatus>, ApiError> {
    let view = app.engine.read(|scheduler, now| scheduler.queue(now)).await?;
    Ok(Json(queue_row(&view)))
}

/// Waits for a job's end and shows it, ended or not.
pub(crate) async fn wait_for(app: &App, job: JobId, wait_s: u64) -> Result<WaitResponse, ApiError> {
    if wait_s > 0 {
        let ended = app.engine.ended(job).await?;
        let limit = Duration::from_secs(wait_s.min(WAIT_MAX_S));
        // Ended, timed out, or c2d goes down: in each case the job's present state is the answer.
        drop(tokio::time::timeout(limit, ended).await);
    }
    let info = show(app, job).await?;
    Ok(WaitResponse { done: info.row.state.is_terminal(), job: info })
}

async fn show(app: &App, job: JobId) -> Result<JobInfo, ApiError> {
    let live = app.engine.read(move |scheduler, now| scheduler.job(now, job)).await?;
    let stored = app.history.job(job).await?.ok_or(Reject::UnknownJob { job })?;
    // The job may end between the two questions; what is stored is then the later word.
    let view = live.filter(|_| !stored.view.state.is_terminal()).unwrap_or_else(|| stored.view.clone());
    let output = app.history.output(job).await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (stdout, stderr) =
        output.map(|output| (text(output.stdout.render()), text(output.stderr.render()))).unwrap_or_default();
    Ok(JobInfo {
        row: job_row(&view),
        spec: without_contents(stored.spec()),
        attempts: stored.attempts,
        stdout,
        stderr,
    })
}

/// A specification without the contents of its files, which are long and nobody's to read here.
fn without_contents(mut spec: JobSpec) -> JobSpec {
    spec.stdin = spec.stdin.map(|_| Bytes64::default());
    for upload in &mut spec.upload {
        upload.content = upload.content.take().map(|_| Bytes64::default());
    }
    spec
}
