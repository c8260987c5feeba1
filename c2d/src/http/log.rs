//! Recent results.

use c2_shared::api::jobs::{JobLog, LogQuery};
use c2_shared::limits::{LOG_LEN, PAGE_LEN_MAX};

use crate::http::handler::{Answer, App, Json, QueryOf, State, serves};

serves!(GET_LOG => log);

pub(crate) async fn log(State(app): State<App>, QueryOf(query): QueryOf<LogQuery>) -> Answer<JobLog> {
    let lines = Some(query.lines.unwrap_or(LOG_LEN).min(PAGE_LEN_MAX));
    let worker = query.worker.map(|ip| ip.to_canonical());
    Ok(Json(JobLog { results: app.history.log_entries(LogQuery { lines, worker, ..query }).await? }))
}
