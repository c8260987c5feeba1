//! All workers.

use c2_shared::api::workers::{NoQuery, WorkerList};

use crate::http::handler::{Answer, App, Json, QueryOf, State, serves};
use crate::rows::worker_row;

serves!(LIST_WORKERS => list);

pub(crate) async fn list(State(app): State<App>, QueryOf(_): QueryOf<NoQuery>) -> Answer<WorkerList> {
    let workers = app.engine.read(|scheduler, now| scheduler.workers(now)).await?;
    Ok(Json(WorkerList { workers: workers.into_iter().map(worker_row).collect() }))
}
