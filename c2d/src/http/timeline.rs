//! What ran where and when.

use std::collections::BTreeMap;

use c2_shared::api::figures::{Timeline, TimelineQuery};
use c2_shared::api::jobs::{JobRow, LogQuery};
use c2_shared::job::JobState;
use c2_shared::limits::PAGE_LEN_MAX;

use crate::figures;
use crate::http::handler::{Answer, App, Json, QueryOf, State, serves};
use crate::http::jobs;
use crate::rows::job_row;
use crate::store::JobFilter;

serves!(TIMELINE => timeline);

/// Without a word about it, the last quarter of an hour.
const SINCE_S: u64 = 15 * 60;
/// Jobs of which earlier attempts are told.
const TRIED_MAX: usize = 200;

pub(crate) async fn timeline(State(app): State<App>, QueryOf(query): QueryOf<TimelineQuery>) -> Answer<Timeline> {
    let to_ms = app.clock.now().wall_ms;
    let from_ms = to_ms.saturating_sub(query.since_s.unwrap_or(SINCE_S).saturating_mul(1_000));
    let ended = app.history.log(LogQuery { lines: Some(PAGE_LEN_MAX), ..LogQuery::default() }, None).await?;
    let running = JobFilter { state: Some(JobState::Running), limit: PAGE_LEN_MAX, ..JobFilter::default() };
    let running = jobs::stored(&app, running).await?.into_iter().filter(|view| view.state == JobState::Running);
    // Those that wait were perhaps tried before.
    let waiting = app.engine.read(|scheduler, now| scheduler.tried(now, TRIED_MAX)).await?;
    let views = ended.into_iter().map(|(_, job)| job.view).chain(running).chain(waiting);
    let rows: Vec<JobRow> = views.map(|view| job_row(&view)).collect();
    let is_of_late = |row: &&JobRow| row.ended_ms.is_none_or(|ended| ended >= from_ms);
    let several = rows.iter().rev().filter(is_of_late).filter(|row| row.attempt > u32::from(row.started_ms.is_some()));
    let mut tried = BTreeMap::new();
    for id in several.map(|row| row.job_id).take(TRIED_MAX) {
        // One that was removed meanwhile is no longer told of.
        if let Ok(Some(job)) = app.history.job(id).await {
            tried.insert(id, job.attempts);
        }
    }
    Ok(Json(Timeline { from_ms, to_ms, spans: figures::spans(rows.into_iter(), &tried, from_ms) }))
}
