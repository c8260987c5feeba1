//! Forgetting a worker.

use c2_shared::api::workers::RemoveResponse;

use crate::http::find_worker;
use crate::http::handler::{Answer, App, Json, Name, State, serves};
use crate::sched::event;

serves!(REMOVE_WORKER => remove_worker);

pub(crate) async fn remove_worker(State(app): State<App>, Name(name): Name) -> Answer<RemoveResponse> {
    let ip = find_worker::find(&app, &name).await?.ip;
    app.engine.apply(event::WorkerRemoved { worker: ip }).await?;
    Ok(Json(RemoveResponse { ip }))
}
