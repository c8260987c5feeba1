//! Forgetting a worker.

use c2_shared::api::workers::{RemoveQuery, RemoveResponse};

use crate::http::find_worker;
use crate::http::handler::{Answer, App, Json, Name, QueryOf, State, serves};
use crate::sched::event;

serves!(REMOVE_WORKER => remove_worker);

pub(crate) async fn remove_worker(
    State(app): State<App>,
    Name(name): Name,
    QueryOf(RemoveQuery { lost }): QueryOf<RemoveQuery>,
) -> Answer<RemoveResponse> {
    let worker = find_worker::find(&app, &name).await?;
    let (ip, worker_id) = (worker.ip, worker.intro.id);
    let lost = app.engine.apply(event::WorkerRemoved { worker: worker_id.clone(), lost }).await?;
    Ok(Json(RemoveResponse { ip, worker_id, lost }))
}
