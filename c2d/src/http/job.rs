//! One job, and waiting for its end.

use std::time::Duration;

use c2_shared::api::jobs::{JobInfo, JobRow, LogQuery, WaitQuery, WaitResponse};
use c2_shared::api::output::Streams;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, JobState};
use c2_shared::limits::WAIT_MAX_S;

use crate::figures::median_ms;
use crate::http::handler::{Answer, ApiError, App, Json, Name, QueryOf, State, serves};
use crate::http::kept::{Kept, Reader, Shown};
use crate::http::stats::{RUNS_MAX, rows};
use crate::rows::job_row;
use crate::sched::Reject;
use crate::store::payload;

serves!(GET_JOB => job);

pub(crate) async fn job(
    State(app): State<App>,
    QueryOf(query): QueryOf<WaitQuery>,
    name: Name,
) -> Answer<WaitResponse> {
    let wait_s = query.wait_s.unwrap_or(0);
    let mut answer = wait_for(&app, name.job()?, wait_s).await?;
    // Who waits asks again and again.
    if wait_s == 0 {
        answer.job.eta_s = eta_s(&app, &answer.job.row).await?;
    }
    Ok(Json(answer))
}

/// Seconds until a job has ended that runs, by the run times of others of its name.
async fn eta_s(app: &App, row: &JobRow) -> Result<Option<u64>, ApiError> {
    let (JobState::Running, Some(name), Some(started_ms)) = (row.state, &row.name, row.started_ms) else {
        return Ok(None);
    };
    let (name, state) = (Some(name.clone()), Some(JobState::Succeeded));
    let others = rows(app, LogQuery { lines: Some(RUNS_MAX), name, state, ..LogQuery::default() }).await?;
    let ran_ms = app.clock.now().wall_ms.saturating_sub(started_ms);
    Ok(median_ms(&others).map(|median_ms| median_ms.saturating_sub(ran_ms).div_ceil(1_000)))
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
    let reader = match output {
        Some(output) => Reader::open(app, output, Streams::Both, (0, 0)).await?,
        None => Reader::empty(),
    };
    let (stdout, stdout_hidden) = text(&reader.stdout).await?;
    let (stderr, stderr_hidden) = text(&reader.stderr).await?;
    Ok(JobInfo {
        row: job_row(&view),
        spec: JobSpec { depends: stored.depends.clone(), ..without_contents(payload::shown(&view.payload)) },
        attempts: stored.attempts,
        eta_s: None,
        stdout,
        stderr,
        stdout_dropped: reader.stdout.output.dropped,
        stderr_dropped: reader.stderr.output.dropped,
        stdout_hidden,
        stderr_hidden,
    })
}

/// A stream as text, with a line in place of what is not there, and how many bytes are not shown.
async fn text(kept: &Kept) -> Result<(String, u64), ApiError> {
    let Shown { head, hidden, tail } = kept.shown().await?;
    let mut text = String::from_utf8_lossy(&head).into_owned();
    if let Some(words) = not_shown(hidden, kept.output.dropped) {
        text += &format!("\n[{words}]\n");
    }
    text += &String::from_utf8_lossy(&tail);
    Ok((text, hidden))
}

/// A specification without the contents of its files, which are long and nobody's to read here.
fn without_contents(mut spec: JobSpec) -> JobSpec {
    spec.stdin = (spec.stdin.is_some() || spec.stdin_sha256.is_some()).then(Bytes64::default);
    for upload in &mut spec.upload {
        upload.content = upload.content.take().map(|_| Bytes64::default());
    }
    spec
}

/// The line, without its brackets, in place of bytes that are kept and not shown, and of those that were
/// not kept.
fn not_shown(hidden: u64, dropped: u64) -> Option<String> {
    match (hidden, dropped) {
        (0, 0) => None,
        (0, dropped) => Some(format!("{dropped} bytes dropped")),
        (hidden, 0) => Some(format!("{hidden} bytes not shown here")),
        (hidden, dropped) => Some(format!("{hidden} bytes not shown here, {dropped} bytes dropped")),
    }
}
