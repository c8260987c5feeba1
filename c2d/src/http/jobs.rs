//! Looking at jobs, waiting for them, cancelling them.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use c2_shared::api::jobs::{
    CancelResponse, JobInfo, JobList, JobLog, JobsQuery, LogQuery, QueueStatus, WaitQuery, WaitResponse,
};
use c2_shared::api::why::Explanation;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, JobState};
use c2_shared::limits::{LOG_LEN, PAGE_LEN, PAGE_LEN_MAX, WAIT_MAX_S};

use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{Name, QueryOf};
use crate::rows::{job_row, queue_status as queue_row};
use crate::sched::event::{Event, Reply};
use crate::sched::{Explained, JobView, Reject, Scheduler};
use crate::store::{JobFilter, payload};

pub(crate) async fn list(
    State(app): State<App>,
    QueryOf(query): QueryOf<JobsQuery>,
) -> Result<Json<JobList>, ApiError> {
    let limit = query.limit.unwrap_or(PAGE_LEN).clamp(1, PAGE_LEN_MAX);
    let (after, state) = (query.after, query.state);
    let ended = query.all || state.is_some_and(JobState::is_terminal);
    let filter = JobFilter {
        state,
        ended,
        name: query.name,
        group: query.group,
        tag: query.tag,
        worker: query.worker.map(|ip| ip.to_canonical()),
        text: query.text,
        newest: query.newest,
        after,
        // One more than asked for tells whether there is a next page.
        limit: limit + 1,
    };
    let in_order = JobFilter { state, after, limit: limit + 1, ..JobFilter::default() };
    let mut views = if filter == in_order {
        app.engine.read(move |scheduler, now| scheduler.jobs(now, state, after, limit + 1)).await?
    } else {
        stored(&app, filter).await?
    };
    let more = views.len() > limit;
    views.truncate(limit);
    let next_after = views.last().filter(|_| more).map(|view| view.id);
    Ok(Json(JobList { jobs: views.iter().map(job_row).collect(), next_after }))
}

/// Jobs as they are stored, with what only the present knows of those that live.
pub(crate) async fn stored(app: &App, filter: JobFilter) -> Result<Vec<JobView>, ApiError> {
    let mut views: Vec<JobView> = app.history.jobs(filter).await?.into_iter().map(|job| job.view).collect();
    let running = |view: &JobView| view.state == JobState::Running;
    let ids: Vec<JobId> = views.iter().filter(|view| running(view)).map(|view| view.id).collect();
    if ids.is_empty() {
        return Ok(views);
    }
    let unreachable = move |scheduler: &Scheduler, now| {
        let live = ids.into_iter().filter_map(|id| scheduler.job(now, id));
        live.filter(|view| view.unreachable).map(|view| view.id).collect::<BTreeSet<JobId>>()
    };
    let unreachable = app.engine.read(unreachable).await?;
    for view in views.iter_mut().filter(|view| running(view)) {
        view.unreachable = unreachable.contains(&view.id);
    }
    Ok(views)
}

pub(crate) async fn info(
    State(app): State<App>,
    QueryOf(query): QueryOf<WaitQuery>,
    name: Name,
) -> Result<Json<WaitResponse>, ApiError> {
    Ok(Json(wait_for(&app, name.job()?, query.wait_s.unwrap_or(0)).await?))
}

pub(crate) async fn cancel(State(app): State<App>, name: Name) -> Result<Json<CancelResponse>, ApiError> {
    let job_id = name.job()?;
    match app.engine.apply(Event::CancelRequested { job: job_id }).await? {
        Reply::Cancelled(state) => Ok(Json(CancelResponse { job_id, state })),
        other => unreachable!("a cancel is answered with a state, not with {other:?}"),
    }
}

pub(crate) async fn log(State(app): State<App>, QueryOf(query): QueryOf<LogQuery>) -> Result<Json<JobLog>, ApiError> {
    let lines = Some(query.lines.unwrap_or(LOG_LEN).min(PAGE_LEN_MAX));
    let worker = query.worker.map(|ip| ip.to_canonical());
    Ok(Json(JobLog { results: app.history.log_entries(LogQuery { lines, worker, ..query }).await? }))
}

pub(crate) async fn queue_status(State(app): State<App>) -> Result<Json<QueueStatus>, ApiError> {
    let view = app.engine.read(|scheduler, now| scheduler.queue(now)).await?;
    Ok(Json(queue_row(&view)))
}

pub(crate) async fn why(State(app): State<App>, name: Name) -> Result<Json<Explanation>, ApiError> {
    let id = name.job()?;
    let asked = move |scheduler: &Scheduler, now| Some((scheduler.job(now, id)?, scheduler.explain(now, id)?));
    let (view, Explained { reasons, workers }) = match app.engine.read(asked).await? {
        Some(live) => live,
        None => {
            let stored = app.history.job(id).await?.ok_or(Reject::UnknownJob { job: id })?;
            (stored.view, Explained::default())
        }
    };
    Ok(Json(Explanation { job: job_row(&view), reasons, workers }))
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
    let (stored, output) = app.history.job_with_output(job).await?.ok_or(Reject::UnknownJob { job })?;
    // The job may end between the two questions; what is stored is then the later word.
    let view = live.filter(|_| !stored.view.state.is_terminal()).unwrap_or_else(|| stored.view.clone());
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (stdout, stderr) = output.map(|output| (output.stdout, output.stderr)).unwrap_or_default();
    Ok(JobInfo {
        row: job_row(&view),
        spec: JobSpec { depends: stored.depends.clone(), ..without_contents(payload::shown(&view.payload)) },
        attempts: stored.attempts,
        stdout_dropped: stdout.dropped,
        stderr_dropped: stderr.dropped,
        stdout: text(stdout.render()),
        stderr: text(stderr.render()),
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
