//! Setting what a worker has.

use c2_shared::api::workers::{ResourcesRequest, WorkerRow};
use c2_shared::limits::BODY_BYTES_MAX;
use c2_shared::resources;

use crate::http::find_worker;
use crate::http::handler::{Answer, App, Json, JsonBody, Name, State, serves};
use crate::rows::worker_row;
use crate::sched::event;

serves!(SET_RESOURCES => set_resources);

pub(crate) async fn set_resources(
    State(app): State<App>,
    Name(name): Name,
    JsonBody(request): JsonBody<ResourcesRequest, BODY_BYTES_MAX>,
) -> Answer<WorkerRow> {
    let said = request.resources.iter().map(|(name, amount)| (name, amount.unwrap_or(resources::Amount(1))));
    resources::check(said)?;
    let worker = find_worker::find(&app, &name).await?.intro.id;
    app.engine.apply(event::ResourcesSet { worker: worker.clone(), resources: request.resources }).await?;
    Ok(Json(worker_row(find_worker::again(&app, worker).await?)))
}
