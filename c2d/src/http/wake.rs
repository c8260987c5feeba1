//! Waking the machine of a worker.

use c2_shared::api::workers::WorkerRow;

use crate::http::find_worker;
use crate::http::handler::{Answer, App, Json, Name, State, serves};
use crate::rows::worker_row;
use crate::sched::event;

serves!(WAKE => wake);

pub(crate) async fn wake(State(app): State<App>, Name(name): Name) -> Answer<WorkerRow> {
    let worker = find_worker::find(&app, &name).await?.intro.id;
    app.engine.apply(event::WakeRequested { worker: worker.clone() }).await?;
    Ok(Json(worker_row(find_worker::again(&app, worker).await?)))
}
