//! Setting what a worker has.

use c2_shared::api::workers::{ResourcesRequest, ResourcesResponse};
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
) -> Answer<ResourcesResponse> {
    let said = request.resources.iter().map(|(name, amount)| (name, amount.unwrap_or(resources::Amount(1))));
    resources::check(said)?;
    let worker = find_worker::find(&app, &name).await?.intro.id;
    let set = request.resources.get("slots").copied().flatten();
    app.engine.apply(event::ResourcesSet { worker: worker.clone(), resources: request.resources }).await?;
    let view = find_worker::again(&app, worker).await?;
    let runs = view.intro.slots;
    let too_many = set.filter(|set| set.0 > u64::from(runs)).map(|set| {
        let slots = if runs == 1 { "1 slot".to_owned() } else { format!("{runs} slots") };
        format!("its agent runs {slots}, and no more: c2-agent --slots={}", set.0)
    });
    Ok(Json(ResourcesResponse { worker: worker_row(view), notes: too_many.into_iter().collect() }))
}
