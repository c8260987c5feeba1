//! Recent results.

use c2_shared::api::jobs::{JobLog, LogQuery};
use c2_shared::limits::{LOG_LEN, PAGE_LEN_MAX};

use crate::http::find_worker;
use crate::http::handler::{Answer, App, Json, QueryOf, State, invalid, serves};

serves!(GET_LOG => log);

pub(crate) async fn log(State(app): State<App>, QueryOf(query): QueryOf<LogQuery>) -> Answer<JobLog> {
    if let Some(state) = query.state.filter(|state| !state.is_terminal()) {
        let message = format!("the log has only jobs that have ended, and none of those is {state}");
        return Err(invalid(message, "give succeeded, failed or cancelled; /api/jobs/list has the others"));
    }
    let lines = Some(query.lines.unwrap_or(LOG_LEN).min(PAGE_LEN_MAX));
    let worker = find_worker::owner(&app, query.worker.as_deref()).await?;
    Ok(Json(JobLog { results: app.history.log_entries(LogQuery { lines, ..query }, worker).await? }))
}
