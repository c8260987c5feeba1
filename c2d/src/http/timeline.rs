//! What ran where and when.

use c2_shared::api::figures::{Timeline, TimelineQuery};
use c2_shared::api::jobs::LogQuery;
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

pub(crate) async fn timeline(State(app): State<App>, QueryOf(query): QueryOf<TimelineQuery>) -> Answer<Timeline> {
    let to_ms = app.clock.now().wall_ms;
    let from_ms = to_ms.saturating_sub(query.since_s.unwrap_or(SINCE_S).saturating_mul(1_000));
    let ended = app.history.log(LogQuery { lines: Some(PAGE_LEN_MAX), ..LogQuery::default() }, None).await?;
    let running = JobFilter { state: Some(JobState::Running), limit: PAGE_LEN_MAX, ..JobFilter::default() };
    let running = jobs::stored(&app, running).await?.into_iter().filter(|view| view.state == JobState::Running);
    let views = ended.into_iter().map(|(_, job)| job.view).chain(running);
    Ok(Json(Timeline { from_ms, to_ms, spans: figures::spans(views.map(|view| job_row(&view)), from_ms) }))
}
