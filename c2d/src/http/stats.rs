//! How long jobs of each name run, and why jobs fail.

use c2_shared::api::figures::{Stats, StatsQuery};
use c2_shared::api::jobs::{JobRow, LogQuery, QueueStatus};
use c2_shared::id::JobId;
use c2_shared::job::JobState;

use crate::figures::{self, Typical};
use crate::http::handler::{Answer, ApiError, App, Json, QueryOf, State, serves};
use crate::http::kept::end_of;
use crate::rows::job_row;
use crate::sched::event::Now;
use crate::sched::{Ahead, Scheduler};

serves!(STATS => stats);

/// Ended jobs that are looked at.
pub(super) const RUNS_MAX: usize = 2_000;
/// Failures of which the last line is read.
const FAILURES_MAX: usize = 100;

pub(crate) async fn stats(State(app): State<App>, QueryOf(query): QueryOf<StatsQuery>) -> Answer<Stats> {
    let ended = |lines, state| LogQuery { lines: Some(lines), state, name: query.name.clone(), ..LogQuery::default() };
    let lately = rows(&app, LogQuery { lines: Some(RUNS_MAX), ..LogQuery::default() }).await?;
    let named = match query.name {
        Some(_) => rows(&app, ended(RUNS_MAX, None)).await?,
        None => app.history.named_runs(RUNS_MAX).await?.iter().map(|job| job_row(&job.view)).collect(),
    };
    let mut failed = Vec::new();
    for row in rows(&app, ended(FAILURES_MAX, Some(JobState::Failed))).await?.into_iter().rev() {
        let line = last_line(&app, row.job_id).await?;
        failed.push((row, line));
    }
    let (queue, left, limited) = app.engine.read(ahead).await?;
    // The queue has jobs of other names, too.
    let typical = Typical::of(if query.name.is_some() { &lately } else { &named });
    let by_names = figures::queue_eta_s(&left, &limited, &typical, queue.slots);
    let by_rate = || figures::eta_by_rate_s(&lately, left.jobs(), app.clock.now().wall_ms);
    // A queue that stands still does not become empty.
    let eta_s = by_names.or_else(by_rate).filter(|_| !queue.paused);
    let cannot_run = queue.cannot_run;
    let workers = figures::by_worker(if query.name.is_some() { &named } else { &lately });
    Ok(Json(Stats { names: figures::by_name(&named), workers, failures: figures::alike(failed), eta_s, cannot_run }))
}

/// The queue, what is left of it, and what is left of each batch that may run so many jobs at once.
fn ahead(scheduler: &Scheduler, now: Now) -> (QueueStatus, Ahead, Vec<(u32, Ahead)>) {
    let (all, batches) = scheduler.ahead(now);
    let limited = batches.into_iter().filter_map(|(batch, left)| Some((scheduler.max_running(&batch)?, left)));
    (scheduler.queue(now), all, limited.collect())
}

pub(super) async fn rows(app: &App, query: LogQuery) -> Result<Vec<JobRow>, ApiError> {
    Ok(app.history.log(query, None).await?.iter().map(|(_, job)| job_row(&job.view)).collect())
}

/// The last line that a job wrote to standard error; nothing where it wrote none.
async fn last_line(app: &App, job: JobId) -> Result<String, ApiError> {
    let Some(output) = app.history.output(job, None).await? else { return Ok(String::new()) };
    let bytes = end_of(&app.blobs, output.stderr).await;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned())
}
