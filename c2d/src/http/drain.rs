//! Letting a worker finish what it has, and giving it work again.

use c2_shared::api::workers::WorkerRow;

use crate::http::find_worker;
use crate::http::handler::{Answer, App, Json, Name, State, serves};
use crate::rows::worker_row;
use crate::sched::event;

serves!(DRAIN => drain, RESUME => resume);

pub(crate) async fn drain(State(app): State<App>, Name(name): Name) -> Answer<WorkerRow> {
    set_drain(&app, &name, true).await
}

pub(crate) async fn resume(State(app): State<App>, Name(name): Name) -> Answer<WorkerRow> {
    set_drain(&app, &name, false).await
}

async fn set_drain(app: &App, name: &str, drain: bool) -> Answer<WorkerRow> {
    let worker = find_worker::find(app, name).await?.intro.id;
    app.engine.apply(event::DrainSet { worker: worker.clone(), drain }).await?;
    Ok(Json(worker_row(find_worker::again(app, worker).await?)))
}
